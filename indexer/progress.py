"""The progress of a run, reported at intervals while it goes on."""

import time
from collections import Counter
from collections.abc import Callable

from indexer.changes import Change, Excluded, Missing, Unchanged
from indexer.config import Progress
from indexer.file_counter import FileCounter
from indexer.writer import Writer

_REPORT_SECONDS = 0.25
OUTCOMES = ("new", "copied", "moved", "unchanged", "skipped", "failed")


class ProgressCounter:
    """Counts the files that a run has scanned and those it has finished."""

    def __init__(
        self, writer: Writer, file_counter: FileCounter, watch: Callable[[Progress], None] | None
    ) -> None:
        self._writer, self._file_counter, self._watch = writer, file_counter, watch
        self._began = time.monotonic()
        self._reported = 0.0
        self._scan_finished = False
        self.scanned = 0
        # All keys from the start: another thread adds the counts up meanwhile.
        self._unwritten_counts = Counter(dict.fromkeys(OUTCOMES, 0))

    @property
    def seconds(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def counts(self) -> Counter[str]:
        """Return the number of files by outcome, of those whose rows are committed."""
        return self._unwritten_counts + self._writer.counts

    def count(self, change: Change) -> None:
        """Count a change found by the scan."""
        if isinstance(change, Unchanged):
            self.scanned += change.files
            self._unwritten_counts[change.outcome] += change.files
        else:
            self.scanned += not isinstance(change, Missing | Excluded)
        if time.monotonic() - self._reported > _REPORT_SECONDS:
            self.report()

    def finish_scan(self) -> None:
        """Record that the scan has found all files."""
        self._scan_finished = True

    def report(self) -> None:
        """Report the progress to the callback."""
        self._reported = time.monotonic()
        if self._watch is None:
            return
        counts = self.counts
        progress = Progress(
            scanned=self.scanned,
            stored=counts.total() - counts["failed"],
            waiting=max(0, self.scanned - counts.total()),
            failed=counts["failed"],
            seconds=self.seconds,
            total=self._total(),
            reread=self._writer.reread_counts["reread"],
        )
        self._watch(progress)

    def _total(self) -> int | None:
        if self._scan_finished:
            return self.scanned
        # Files may have been added since they were counted.
        counted = self._file_counter.total
        return None if counted is None else max(counted, self.scanned)
