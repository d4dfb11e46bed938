"""Progress on stderr: the bar of an index run, or a line at times, and the count of other runs."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from cli.output.render import plural, size, write_notice
from indexer import Progress

Watch = Callable[[Progress], None]
PATIENCE = 2.0  # seconds that a run may take without saying how far it is
LINE_SECONDS = 30.0  # between the lines of an index run, where there is no terminal
_REFRESH = 0.1  # seconds
_ERASE = "\r\x1b[K"


class Count:
    """The progress of a run, in one line that steps aside for the results it stands among."""

    def __init__(self, label: str, shown: bool, said: Callable[[int], str]) -> None:
        self._label, self._shown, self._said = label, shown, said
        self._began = self._drawn = time.monotonic()
        self._line = ""

    def show(self, done: int, total: int) -> None:
        """Show that so many of so many are done, once the run takes longer than a moment."""
        now = time.monotonic()
        seconds = now - self._began
        if not self._shown or seconds < PATIENCE or now - self._drawn < _REFRESH:
            return
        pace = rate(done, total, seconds, self._said)
        self._line = f"{self._label} {self._said(done)} of {self._said(total)}  {pace}"
        self._drawn = now
        self._write(f"{_ERASE}{self._line}")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while the block prints a result, maybe on the same terminal."""
        self.clear()
        yield
        self._write(self._line)

    def clear(self) -> None:
        """Take the line away."""
        self._write(_ERASE if self._line else "")

    def _write(self, written: str) -> None:
        if written:
            sys.stderr.write(written)
            sys.stderr.flush()


@contextmanager
def counting(label: str, said: Callable[[int], str] = "{:,}".format) -> Iterator[Count]:
    """Count on stderr while the block runs; on anything but a terminal stay quiet.

    `said` writes an amount, where it is not things that are counted.
    """
    count = Count(label, sys.stderr.isatty(), said)
    try:
        yield count
    finally:
        count.clear()


@contextmanager
def count_stages(labels: Mapping[str, str]) -> Iterator[Callable[[str, int, int], None]]:
    """Count the stages of one run on stderr, each in its turn and under its own label."""
    counts: dict[str, Count] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in counts:
            for before in counts.values():
                before.clear()
            counts[stage] = Count(labels[stage], sys.stderr.isatty(), "{:,}".format)
        counts[stage].show(done, total)

    try:
        yield show
    finally:
        for count in counts.values():
            count.clear()


@contextmanager
def watching() -> Iterator[Watch]:
    """Show a bar on stderr while the block runs; on anything but a terminal, lines for a log."""
    if not sys.stderr.isatty():
        yield ProgressLines()
        return
    # rich costs a tenth of a second: only a terminal pays it.
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[pace]}"),
        rich.TextColumn("{task.fields[counts]}"),
        rich.TextColumn("[red]{task.fields[failed]}"),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("indexing", total=None, pace="", counts="", failed="")

        def watch(progress: Progress) -> None:
            bars.update(
                bar,
                completed=progress.stored + progress.failed,
                total=progress.total,
                pace=pace(progress),
                counts=counts(progress),
                failed=f"{progress.failed:,} failed" if progress.failed else "",
            )

        yield watch


class ProgressLines:
    """The progress of an index run in plain lines, the first once it takes long."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Write a line, unless the last one is not long ago."""
        now = time.monotonic()
        if now - self._told < LINE_SECONDS:
            return
        self._told = now
        done = f"{progress.stored + progress.failed:,}"
        of = "" if progress.total is None else f" of {progress.total:,}"
        failed = f"{progress.failed:,} failed" if progress.failed else ""
        facts = (pace(progress), counts(progress), failed)
        known = ", ".join(fact for fact in facts if fact)
        write_notice(f"indexed {done}{of} files in {_duration(progress.seconds)}: {known}")


class ExportSteps:
    """The steps of a model's preparation, which is made once and takes a while."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}

    def __call__(self, model: str, step: str) -> None:
        """Write that a step of a model begins."""
        seconds = time.monotonic() - self._began.setdefault(model, time.monotonic())
        since = f" ({seconds:.0f} s)" if seconds >= 1 else ""
        write_notice(f"preparing {model} for this processor, once{since}: {step}")


def counts(progress: Progress) -> str:
    """Return what became of the files so far: `300 new, 12 moved`."""
    named = ("new", "copied", "moved", "unchanged", "skipped")
    counted = [(getattr(progress, name), name) for name in named]
    if progress.reread:
        counted.append((progress.reread, "read again"))
    return ", ".join(f"{count:,} {name}" for count, name in counted if count)


def kept(progress: Progress | None) -> str:
    """Return what a run that was broken off has stored."""
    stored = 0 if progress is None else progress.new + progress.copied + progress.moved
    if not stored:
        return "nothing new was stored yet"
    return f"{plural(stored, 'file')} {'is' if stored == 1 else 'are'} stored and kept"


def pace(progress: Progress) -> str:
    """Return how much a second is done and, once it can be told, how long the rest takes."""
    done, seconds, left = progress.stored + progress.failed, progress.seconds, progress.seconds_left
    if left is None:
        return rate(done, progress.total, seconds)
    told = rate(done, None, seconds)
    volume = f", {size(round(progress.bytes / seconds))}/s" if progress.bytes and seconds else ""
    return f"{told}{volume}, {_duration(left)} left" if told else ""


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def rate(
    done: int,
    total: int | None,
    seconds: float,
    said: Callable[[int], str] | None = None,
) -> str:
    """Return a pace: `5.0/s`, or `5.0/s, 0:01:38 left`."""
    if not done or not seconds:
        return ""
    pace = done / seconds
    told = f"{said(round(pace))}/s" if said and pace >= 100 else f"{pace:,.1f}/s"
    if total is None:
        return told
    return f"{told}, {_duration((total - done) / pace)} left"
