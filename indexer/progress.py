"""A tally: how far a run has come, told now and then while it goes on."""

import time
from collections import Counter
from collections.abc import Callable

from indexer.changes import Change, Excluded, Missing, Unchanged
from indexer.config import Progress
from indexer.file_counter import Census
from indexer.writer import Writing

_TELL_SECONDS = 0.25
OUTCOMES = ("new", "copied", "moved", "unchanged", "skipped", "failed")


class Tally:
    """Counts the files a run meets and those it is done with."""

    def __init__(
        self, writing: Writing, census: Census, watch: Callable[[Progress], None] | None
    ) -> None:
        self._writing, self._census, self._watch = writing, census, watch
        self._began = time.monotonic()
        self._told = 0.0
        self._all_met = False
        self.scanned = 0
        # Every key from the start: another thread adds the counts up meanwhile.
        self._standing = Counter(dict.fromkeys(OUTCOMES, 0))

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def counts(self) -> Counter[str]:
        """Files by outcome, so far as their rows are committed."""
        return self._standing + self._writing.counts

    def meet(self, change: Change) -> None:
        """Count a file that the scan came upon."""
        self.scanned += not isinstance(change, Missing | Excluded)
        if isinstance(change, Unchanged):
            self._standing[change.outcome] += 1
        if time.monotonic() - self._told > _TELL_SECONDS:
            self.tell()

    def end(self) -> None:
        """Note that the scan has met every file."""
        self._all_met = True

    def tell(self) -> None:
        """Report to the watcher where the run stands."""
        self._told = time.monotonic()
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
            reread=self._writing.reread_counts["reread"],
        )
        self._watch(progress)

    def _total(self) -> int | None:
        if self._all_met:
            return self.scanned
        # The census may be behind files that came since; it is never below what was met.
        counted = self._census.total
        return None if counted is None else max(counted, self.scanned)
