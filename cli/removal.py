"""A removal as a person agrees to it: what would go, the question, and the deed."""

import sys

import click

from cli.render import plural, printable, tell
from storage import Library, Removal
from storage.errors import InvalidArgument

_SHOWN = 10


def carry_out(library: Library, removal: Removal, said: str, agreed: bool) -> None:
    """Show the plan and carry it out if the person agrees; without a terminal, `--yes` agrees.

    Only what the library knows is removed, never a file of the person.
    """
    for path in removal.kept:
        tell(f"{path} is not mounted: what lies there is kept")
    if not (removal.files or removal.failures or removal.roots):
        tell("there is nothing to remove")
        return
    _show(removal)
    if not agreed and not _somebody_is_there():
        raise InvalidArgument("nobody is here to ask: add --yes to carry the plan out")
    if not agreed and not click.confirm("Remove them from the library?", err=True):
        tell("nothing was changed")
        return
    library.apply(removal, said)
    click.echo(f"removed {plural(removal.files, 'file')} and {plural(removal.items, 'item')}")


def _show(removal: Removal) -> None:
    failures = f", {plural(removal.failures, 'failure')}" if removal.failures else ""
    click.echo(
        f"To be removed from the library: {plural(removal.files, 'file')}{failures}; "
        f"{plural(removal.items, 'item')} that no other file holds.\n"
        "Only the library forgets them: the files on disk are not touched.",
        err=True,
    )
    for path in removal.paths[:_SHOWN]:
        click.echo(f"  {printable(path)}", err=True)
    if removal.files > _SHOWN:
        click.echo(f"  … and {removal.files - _SHOWN:,} more", err=True)


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()
