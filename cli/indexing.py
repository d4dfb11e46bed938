"""One index run as a person meets it: model, progress, notices, and what to do next."""

from collections.abc import Callable

import click

from cli.caution import caution
from cli.errors import on_interrupt
from cli.output.progress import kept, watching
from cli.output.render import plural, write_notice
from indexer import Progress, Report
from indexer.models import canonical
from sightline import Sightline
from storage import Library


def run_index(
    app: Sightline,
    run: Callable[..., Report],
    model: str | None = None,
    precision: str | None = None,
) -> Report:
    """Run `run` with progress on stderr, tell its notices and return its report."""
    last: Progress | None = None
    with watching() as show, on_interrupt(lambda: kept(last)):

        def watch(progress: Progress) -> None:
            nonlocal last
            last = progress
            show(progress)

        report = run(watch=watch)
    for notice in report.notices:
        write_notice(notice)
    if warned := caution(app.library):
        write_notice(warned)
    if model or precision:
        _tell_beside(app.library, model, precision)
    return report


def _tell_beside(library: Library, model: str | None, precision: str | None) -> None:
    """Write what is left to do where vectors were added beside those in use."""
    current, *others = library.spaces()
    model = model or current.space.name
    if precision is None and current.space.name == canonical(model):
        return
    quantized = precision == "int8"
    named = [
        counted
        for counted in (current, *others)
        if counted.space.name == canonical(model) and counted.space.quantized == quantized
    ]
    made = max(named, key=lambda counted: counted.space.id or 0, default=current)
    if made == current:
        return
    words = f" --precision {precision}" if precision else ""
    if made.complete:
        write_notice(f"every item that can be read has its vector: sightline use {model}{words}")
    else:
        lacking = plural(made.lacking, "item")
        write_notice(
            f"{lacking} have no vector of {model} yet: sightline index --model {model}{words}"
        )
    if not current.complete:
        write_notice(
            f"searches go by {current.space.name}: what is new comes in by `sightline index`"
        )


def outcome(report: Report) -> str:
    """Return what a run did: `312 files in 9.8 s: 300 new, 12 copied`."""
    names = ("new", "copied", "moved", "unchanged", "skipped", "failed", "missing")
    counts = ((name, getattr(report, name)) for name in names)
    said = ", ".join(f"{count:,} {name}" for name, count in counts if count)
    files = plural(report.scanned, "file")
    return f"{files} in {report.seconds:.1f} s{': ' if said else ''}{said}{_reread(report)}"


# The stages of a run in the order of the line; "read" is the sum of two where these are known.
_STAGES = {
    "scan": "scan",
    "hash": "read and hash",
    "decode": "decode",
    "read": "read and decode",
    "encode": "encode",
    "write": "write",
    "wait": "waiting",
}
_SHORTEST = 0.05  # seconds that a stage is worth naming


def time_spent(report: Report) -> str:
    """Return where the time went, or nothing: `time: scan 0.2 s, decode 3.1 s, encode 9.0 s`."""
    stages = {name: seconds for name, seconds in report.stages.items() if seconds >= _SHORTEST}
    if "hash" in stages or "decode" in stages:
        stages.pop("read", None)
    named = [f"{said} {stages[name]:.1f} s" for name, said in _STAGES.items() if name in stages]
    return f"time, of all threads together: {', '.join(named)}" if named else ""


def _reread(report: Report) -> str:
    """Return what was made of contents that an earlier version had read, or nothing."""
    if not report.reread:
        return ""
    said = f"; {report.reread:,} read again, as an earlier version had read them"
    if not report.renewed:
        return said
    return f"{said}: this one sees {report.renewed:,} otherwise (colours, orientation or bit depth)"


def summarise(report: Report) -> None:
    """Print a run in one line, where its time went in another, and on stderr the next step."""
    click.echo(outcome(report))
    if spent := time_spent(report):
        click.echo(spent)
    if report.failed:
        write_notice("some files could not be used: sightline failures says which and why")
    if report.partial:
        files = plural(report.partial, "file")
        write_notice(
            f"{files} could be read in part alone: sightline failures says what was left out"
        )
    if not report.scanned:
        write_notice("no files were found there" + ("" if report.notices else ": check the folder"))
    elif report.new:
        write_notice('next: sightline search "what you are looking for"')
