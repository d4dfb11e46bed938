"""`sightline dedup decide`: what a person says of groups, for good."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import json_option, library_option
from cli.output.render import plural, tell, write_json, write_table
from cli.session import session
from cli.settings import Settings
from search.dedup.plan.plan import read
from storage.errors import InvalidArgument, SightlineError
from storage.records import Item
from storage.tables import decisions, items


@click.command("decide", cls=Command)
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@click.option("--group", "groups", type=int, multiple=True, help="A group of the plan; repeat it.")
@click.option("--keep-all", "kind", flag_value="keep-all", help="All files stay.")
@click.option("--not-duplicates", "kind", flag_value="not-duplicates", help="They never were.")
@click.option("--list", "listed", is_flag=True, help="Show what was decided so far.")
@click.option("--forget", "gone", type=int, multiple=True, help="A number of the list; repeat it.")
@json_option
@library_option
def command(
    plan: Path | None,
    groups: tuple[int, ...],
    kind: str | None,
    listed: bool,
    gone: tuple[int, ...],
    as_json: bool,
    library: str | None,
) -> int:
    """Decide of groups of a plan that all stays, or that they are no duplicates.

    Kept by content, through moves and changes of model; a group that was decided on is shown
    again when a new file joins it. `--list` shows what was decided, `--forget` takes it back.
    """
    deciding = plan is not None or bool(groups) or kind is not None
    if deciding + listed + bool(gone) != 1:
        raise click.UsageError("decide on a PLAN, or --list, or --forget: one at a time")
    if as_json and not listed:
        raise click.UsageError("--json goes with --list")
    settings = Settings.read(library=library)
    if listed:
        return _list(settings, as_json)
    if gone:
        return _forget(settings, gone)
    if plan is None or kind is None or not groups:
        raise click.UsageError("say a PLAN, --group, and --keep-all or --not-duplicates")
    word: decisions.DecisionKind = "keep-all" if kind == "keep-all" else "not-duplicates"
    return _decide(settings, plan, groups, word)


def _decide(
    settings: Settings, plan: Path, groups: Sequence[int], word: decisions.DecisionKind
) -> int:
    hashes: dict[int, list[str]] = defaultdict(list)
    entries, refused = read(plan)
    if refused:
        raise SightlineError(
            f"{plan}, line {refused[0].line}: {refused[0].reason}; a decision names every file of "
            "its group, so nothing was decided: make the plan anew"
        )
    for entry in entries:
        hashes[entry.group].append(entry.item)
    missing = [number for number in groups if number not in hashes]
    if missing:
        raise InvalidArgument(f"{plan} has no group {missing[0]}: see its report")
    with (
        session(settings) as app,
        app.library.writing("dedup decide"),
        app.library.catalogue.writing() as connection,
    ):
        for number in groups:
            decisions.record(connection, word, hashes[number])
    tell(
        f"{plural(len(groups), 'group')} decided: {word}; apply leaves their files where they are, "
        "and the next sightline dedup does not show them"
    )
    return DONE


def _list(settings: Settings, as_json: bool) -> int:
    with session(settings) as app, app.library.catalogue.reading() as connection:
        known = decisions.every(connection)
        numbers = items.numbers(connection, "image", {each for one in known for each in one.hashes})
        found = items.hydrate(connection, list(numbers.values()))
    held = {item.hash: item for item in found.values()}
    rows = []
    for one in known:
        paths = _files(one, held)
        if as_json:
            named = {"id": one.id, "decision": one.kind, "at": one.at, "items": list(one.hashes)}
            write_json(named | {"paths": paths})
        for content, path in zip(one.hashes, paths, strict=True):
            rows.append((str(one.id), one.kind, one.at[:10], path or f"{content[:10]}… is gone"))
    if known and not as_json:
        write_table(rows, ["", "decision", "on", "file"])
    if not known:
        tell("nothing was decided so far")
    return DONE if known else NOTHING_FOUND


def _files(decision: decisions.Decision, held: Mapping[str, Item]) -> list[str | None]:
    """Name a file for each content of a decision, another one where a content comes again."""
    waiting = {content: iter(item.paths + item.excluded_paths) for content, item in held.items()}
    return [next(waiting.get(content, iter(())), None) for content in decision.hashes]


def _forget(settings: Settings, gone: Sequence[int]) -> int:
    with (
        session(settings) as app,
        app.library.writing("dedup decide"),
        app.library.catalogue.writing() as connection,
    ):
        known = {one.id for one in decisions.every(connection)}
        unknown = [number for number in gone if number not in known]
        if unknown:
            raise InvalidArgument(
                f"there is no decision {unknown[0]}, so none was taken back: "
                "sightline dedup decide --list shows them"
            )
        many = decisions.remove(connection, gone)
    tell(f"{plural(many, 'decision')} taken back")
    return DONE
