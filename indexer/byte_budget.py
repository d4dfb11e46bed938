"""A bound on the bytes that wait between the stages of the pipeline."""

from threading import Condition


class ByteBudget:
    """At most so many bytes are on their way at a time; safe from any thread.

    What alone is larger than the budget goes when nothing else is on its way.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held = 0
        self._changed = Condition()

    def acquire(self, size: int, timeout: float) -> bool:
        """Take bytes of the budget; waits, and returns False if `timeout` seconds were too few."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(size), timeout):
                return False
            self._held += size
            return True

    def release(self, size: int) -> None:
        """Return bytes to the budget."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until nothing is on its way; returns False if `timeout` seconds were too few."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._held, timeout)

    def _fits(self, size: int) -> bool:
        return not self._held or self._held + size <= self.most
