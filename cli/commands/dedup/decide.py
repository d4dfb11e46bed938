"""`sightline dedup decide`: what a person says of groups, for good."""

from collections import defaultdict
from pathlib import Path

import click

from cli.options import library_option
from cli.render import plural, tell
from cli.session import session
from cli.settings import Settings
from search.duplicates.plan import read
from storage import decisions
from storage.errors import InvalidArgument


@click.command("decide")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--group", "groups", type=int, multiple=True, required=True, help="Repeat it.")
@click.option("--keep-all", "kind", flag_value="keep-all", help="All files stay.")
@click.option("--not-duplicates", "kind", flag_value="not-duplicates", help="They never were.")
@library_option
def command(plan: Path, groups: tuple[int, ...], kind: str | None, library: str | None) -> None:
    """Say of groups of a plan that all stays, or that they are no duplicates.

    Kept by content, through moves and changes of model; a group that was decided on is shown
    again when a new file joins it.
    """
    if kind is None:
        raise click.UsageError("say --keep-all or --not-duplicates")
    hashes: dict[int, list[str]] = defaultdict(list)
    for entry in read(plan)[0]:
        hashes[entry.group].append(entry.item)
    missing = [number for number in groups if number not in hashes]
    if missing:
        raise InvalidArgument(f"{plan} has no group {missing[0]}: see its report")
    word: decisions.DecisionKind = "keep-all" if kind == "keep-all" else "not-duplicates"
    with (
        session(Settings.read(library=library)) as opened,
        opened.writing("dedup decide"),
        opened.catalogue.writing() as connection,
    ):
        for number in groups:
            decisions.record(connection, word, hashes[number])
    tell(f"{plural(len(groups), 'group')} decided: {kind}")
