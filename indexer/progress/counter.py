"""The progress of a run, reported at intervals while it goes on."""

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from indexer.changes import Change, Changed, Excluded, Missing, Unchanged
from indexer.config import Progress
from indexer.progress.file_counter import FileCounter
from indexer.progress.time_left import SHORTEST, TimeLeft
from indexer.progress.workload import Workload
from indexer.scan.targets import Target
from indexer.writer import Writer

_REPORT_SECONDS = 0.25
OUTCOMES = ("new", "copied", "moved", "unchanged", "skipped", "failed")
# A run counts ahead once so many files were sent to be read, and so long ago the first of them:
# then the scan waits for their turn, and the walk costs the run nothing.
_MANY_SENT, _LONG_AGO = 100, 1.0


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
        self._sent, self._sent_before = Workload(), Workload()  # the latter: it was not ahead
        self._first_sent: float | None = None
        self._time_left = TimeLeft()
        self._observed: tuple[float, Workload] | None = None  # when, and what was read by then
        self._lock = Lock()  # of what is learnt: the writer's thread reports as well

    @property
    def seconds(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def counts(self) -> Counter[str]:
        """Return the number of files by outcome, of those whose rows are committed."""
        return self._unwritten_counts + self._writer.counts

    def count(self, change: Change, target: Target) -> None:
        """Count a change found by the scan."""
        if isinstance(change, Unchanged):
            self.scanned += change.files
            self._unwritten_counts[change.outcome] += change.files
        elif not isinstance(change, Missing | Excluded):
            self.scanned += 1
        if isinstance(change, Changed) and self._watch is not None:
            self._count_sent(change, target)
        if time.monotonic() - self._reported > _REPORT_SECONDS:
            self.report()

    def _count_sent(self, change: Changed, target: Target) -> None:
        now = time.monotonic()
        self._sent += Workload.of([(change.seen.path, change.seen.size)])
        self._first_sent = self._first_sent or now
        waited = self._sent.total_files >= _MANY_SENT and now - self._first_sent > _LONG_AGO
        if waited and not self._file_counter.started:
            self._sent_before = self._sent
            self._file_counter.start(target, change.seen.path)

    def finish_scan(self) -> None:
        """Record that the scan has found all files."""
        self._scan_finished = True

    def report(self) -> None:
        """Report the progress to the callback."""
        self._reported = time.monotonic()
        if self._watch is None:
            return
        with self._lock:
            counts, read = self.counts, self._writer.read
            self._observe(read)
            ahead = self._file_counter.ahead
            if self._scan_finished:
                total: int | None = self.scanned
            else:  # files may have been added since they were counted
                total = None if ahead is None else max(ahead.total, self.scanned)
            progress = Progress(
                scanned=self.scanned,
                stored=counts.total() - counts["failed"],
                waiting=max(0, self.scanned - counts.total()),
                failed=counts["failed"],
                seconds=self.seconds,
                total=total,
                reread=self._writer.reread_counts["reread"],
                new=counts["new"],
                copied=counts["copied"],
                moved=counts["moved"],
                unchanged=counts["unchanged"],
                skipped=counts["skipped"],
                bytes=read.total_bytes,
                seconds_left=self._seconds_left(read),
            )
        self._watch(progress)

    def _observe(self, read: Workload) -> None:
        """Learn from what was read since the last time, if that is long enough ago."""
        if self._observed is None:
            if read.total_files:  # how long the first took says how long the program starts
                self._observed = self._reported, read
            return
        before, known = self._observed
        if self._reported - before >= SHORTEST and read.total_files > known.total_files:
            self._time_left.observe(read - known, self._reported - before)
            self._observed = self._reported, read

    def _seconds_left(self, read: Workload) -> float | None:
        """Return how long what waits and what is ahead will take; None while that is unknown."""
        left, ahead = self._sent - read, self._file_counter.ahead
        if not self._scan_finished:
            if ahead is None:
                return None
            left += ahead.work - (self._sent - self._sent_before)
        return self._time_left.seconds(left)
