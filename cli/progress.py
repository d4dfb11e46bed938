"""The progress bar of an index run: rate, time left, failures; only on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from indexer import Progress

Watch = Callable[[Progress], None]


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
        rich.TextColumn("[red]{task.fields[failed]}"),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("indexing", total=None, pace="", failed="")

        def watch(progress: Progress) -> None:
            bars.update(
                bar,
                completed=progress.stored + progress.failed,
                total=progress.total,
                pace=pace(progress),
                failed=f"{progress.failed:,} failed" if progress.failed else "",
            )

        yield watch


def pace(progress: Progress) -> str:
    """Say how many files a second are done and, once all are counted, how long the rest takes."""
    done = progress.stored + progress.failed
    if not done or not progress.seconds:
        return ""
    rate = done / progress.seconds
    if progress.total is None:
        return f"{rate:,.1f}/s"
    return f"{rate:,.1f}/s, {timedelta(seconds=round((progress.total - done) / rate))} left"
