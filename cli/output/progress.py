"""Progress on stderr, only on a terminal: the bar of an index run, the count of other runs."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from indexer import Progress

Watch = Callable[[Progress], None]
PATIENCE = 2.0  # seconds that a run may take without saying how far it is
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
def watching() -> Iterator[Watch | None]:
    """Show a bar on stderr while the block runs; on anything but a terminal stay quiet."""
    if not sys.stderr.isatty():
        yield None
        return
    # rich costs a tenth of a second: only a terminal pays it.
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[pace]}"),
        rich.TextColumn("{task.fields[reread]}"),
        rich.TextColumn("[red]{task.fields[failed]}"),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("indexing", total=None, pace="", reread="", failed="")

        def watch(progress: Progress) -> None:
            bars.update(
                bar,
                completed=progress.stored + progress.failed,
                total=progress.total,
                pace=pace(progress),
                reread=f"{progress.reread:,} read again" if progress.reread else "",
                failed=f"{progress.failed:,} failed" if progress.failed else "",
            )

        yield watch


def pace(progress: Progress) -> str:
    """Return how many files a second are done and, once all are counted, how long the rest is."""
    return rate(progress.stored + progress.failed, progress.total, progress.seconds)


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
    return f"{told}, {timedelta(seconds=round((total - done) / pace))} left"
