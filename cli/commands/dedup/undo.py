"""`sightline dedup undo`: put back what a journal tells of."""

from itertools import chain
from pathlib import Path

import click

from cli.command import Command
from cli.commands.dedup.apply import FAILED
from cli.errors import DONE, NOTHING_FOUND, on_interrupt
from cli.options import json_option
from cli.output.dedup_rows import undone_row
from cli.output.render import plural, printable, write_json, write_notice
from search.dedup.apply.undo import undo


@click.command("undo", cls=Command)
@click.argument("journal", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def command(journal: tuple[Path, ...], as_json: bool) -> int:
    """Undo what `sightline dedup apply` did, the last first; no file is overwritten.

    Of several journals the newest is undone first; one that was undone before is passed over.
    """
    newest_first = sorted(journal, key=_written, reverse=True)
    done = left = there = sidecars = 0
    with on_interrupt(lambda: "what was put back stays"):
        for outcome in chain.from_iterable(map(undo, newest_first)):
            ours = outcome.done and outcome.step.action == "sidecar"
            had = outcome.done and not ours and outcome.reason is not None
            done, left = done + (outcome.done and not ours and not had), left + (not outcome.done)
            there, sidecars = there + had, sidecars + ours
            path = outcome.step.path
            if as_json:
                write_json(undone_row(outcome))
            elif not outcome.done or had:
                word = "left" if had else "not put back"
                write_notice(f"{word} {printable(path)}: {outcome.reason}")
    if not (done or left or there or sidecars):
        write_notice(f"{', '.join(map(str, journal))}: nothing is left to put back")
        return NOTHING_FOUND
    taken = f", {plural(sidecars, 'sidecar')} taken back" if sidecars else ""
    needless = f", {there:,} needed nothing" if there else ""
    not_back = f", {left:,} not" if left else ""
    write_notice(f"{plural(done, 'file')} put back{needless}{taken}{not_back}")
    return FAILED if left else DONE


def _written(journal: Path) -> float:
    """Return when a journal was last written; `undo` says of one that is not there."""
    return journal.stat().st_mtime if journal.exists() else 0.0
