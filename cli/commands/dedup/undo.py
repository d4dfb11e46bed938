"""`sightline dedup undo`: put back what a journal tells of."""

from pathlib import Path

import click

from cli.boundary import DONE, NOTHING_FOUND, keeping
from cli.commands.dedup.apply import FAILED
from cli.options import json_option
from cli.render import plural, printable, tell, write_json
from search.duplicates.undo import undo


@click.command("undo")
@click.argument("journal", type=click.Path(path_type=Path))
@json_option
def command(journal: Path, as_json: bool) -> int:
    """Put back what `sightline dedup apply` did, the last first; no file lands on another."""
    done = left = sidecars = 0
    with keeping(lambda: "what was put back stays; give the command again to go on"):
        for outcome in undo(journal):
            ours = outcome.done and outcome.step.action == "sidecar"
            done, left = done + (outcome.done and not ours), left + (not outcome.done)
            sidecars += ours
            path = outcome.step.path
            if as_json:
                write_json({"path": path, "done": outcome.done, "reason": outcome.reason})
            elif not outcome.done:
                tell(f"not put back {printable(path)}: {outcome.reason}")
    taken = f", {plural(sidecars, 'sidecar')} taken back" if sidecars else ""
    tell(f"{plural(done, 'file')} put back{taken}, {left:,} not")
    if left:
        return FAILED
    return DONE if done or sidecars else NOTHING_FOUND
