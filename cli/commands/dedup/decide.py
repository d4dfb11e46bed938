"""`sightline dedup decide`: what a person says of groups, for good."""

from pathlib import Path

import click

from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import json_option, library_option
from cli.output.dedup_rows import decision_row
from cli.output.render import plural, write_json, write_notice, write_table
from cli.session import session
from cli.settings import Settings
from storage.tables.decisions import DecisionKind


@click.command("decide", cls=Command)
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@click.option(
    "--group", "groups", type=int, multiple=True, help="A group of the plan; may be repeated."
)
@click.option("--keep-all", "kind", flag_value="keep-all", help="All its files are kept.")
@click.option(
    "--not-duplicates", "kind", flag_value="not-duplicates", help="Its files are not duplicates."
)
@click.option("--list", "listed", is_flag=True, help="Show all decisions.")
@click.option(
    "--forget", "gone", type=int, multiple=True, help="A number of --list; may be repeated."
)
@json_option
@library_option
def command(
    plan: Path | None,
    groups: tuple[int, ...],
    kind: DecisionKind | None,
    listed: bool,
    gone: tuple[int, ...],
    as_json: bool,
    library: str | None,
) -> int:
    """Decide that groups of a plan are kept, or are not duplicates.

    Decisions are stored by content, so they survive moves and changes of model. A decided group
    is shown again when a new file joins it. `--list` shows decisions, `--forget` removes them.
    """
    deciding = plan is not None or bool(groups) or kind is not None
    if deciding + listed + bool(gone) != 1:
        raise click.UsageError("give a PLAN, --list or --forget, one of them")
    if as_json and not listed:
        raise click.UsageError("--json goes with --list")
    settings = Settings.read(library=library)
    if listed:
        return _list(settings, as_json)
    if gone:
        return _forget(settings, gone)
    if plan is None or kind is None or not groups:
        raise click.UsageError("give a PLAN, --group, and --keep-all or --not-duplicates")
    return _decide(settings, plan, groups, kind)


def _decide(settings: Settings, plan: Path, groups: tuple[int, ...], kind: DecisionKind) -> int:
    with session(settings) as app:
        app.duplicates.decide(plan, groups, kind)
    write_notice(
        f"{plural(len(groups), 'group')} decided: {kind}; apply leaves their files where they are, "
        "and the next sightline dedup does not show them"
    )
    return DONE


def _list(settings: Settings, as_json: bool) -> int:
    with session(settings) as app:
        known = app.duplicates.decided()
    rows = []
    for group in known:
        one = group.decision
        if as_json:
            write_json(decision_row(group))
        for content, path in zip(one.hashes, group.paths, strict=True):
            rows.append((str(one.id), one.kind, one.at[:10], path or f"{content[:10]}… is gone"))
    if known and not as_json:
        write_table(rows, ["", "decision", "on", "file"])
    if not known:
        write_notice("nothing was decided so far")
    return DONE if known else NOTHING_FOUND


def _forget(settings: Settings, gone: tuple[int, ...]) -> int:
    with session(settings) as app:
        many = app.duplicates.take_back(gone)
    write_notice(f"{plural(many, 'decision')} taken back")
    return DONE
