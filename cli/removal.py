"""A removal as a person agrees to it: what would go, the question, and the deed."""

import click

from cli.output.prompts import confirm
from cli.output.render import plural, printable, write_notice
from sightline import Sightline
from storage import Removal

_SHOWN = 10


def carry_out(app: Sightline, removal: Removal, said: str, yes: bool) -> None:
    """Show the plan and carry it out if the person agrees; without a terminal, `--yes` agrees.

    Only what the library knows is removed, never a file of the person.
    """
    for path in removal.kept:
        write_notice(f"{path} is not mounted: what lies there is kept")
    if not (removal.files or removal.failures or removal.roots):
        write_notice("there is nothing to remove")
        return
    _show(removal)
    if confirm("Remove them from the library?", yes):
        app.remove(removal, said)
        click.echo(f"removed {_counted(removal)}")


def _show(removal: Removal) -> None:
    alone = " that no other file holds" if removal.items else ""
    click.echo(
        f"To be removed from the library: {_counted(removal)}{alone}.\n"
        "Only the library forgets them: the files on disk are not touched.",
        err=True,
    )
    for path in removal.paths[:_SHOWN]:
        click.echo(f"  {printable(path)}", err=True)
    if removal.files > _SHOWN:
        click.echo(f"  … and {removal.files - _SHOWN:,} more", err=True)


def _counted(removal: Removal) -> str:
    """Return what goes, without what there is none of; a folder may go with nothing in it."""
    empty = not (removal.files or removal.failures)
    counts = [
        (removal.files, "file"),
        (removal.failures, "failure"),
        (len(removal.roots) if empty else 0, "empty folder"),
        (removal.items, "item"),
    ]
    said = [plural(count, noun) for count, noun in counts if count]
    return " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)
