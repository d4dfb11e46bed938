"""The number of inputs that are encoded at once, found by measuring while a run goes on."""

# Rows cannot be committed before their batch is encoded.
SLOW_BATCH_SECONDS = 2.0
_FIRST = 8
_TRIALS = 3  # batches of a size, of which the fastest counts: other programs disturb the others
_GAIN = 1.02  # a larger batch stays if it is faster by this factor


class BatchSize:
    """The number of inputs of a batch: as many as still make it faster, and at most `most`.

    `current` begins small and doubles while inputs per second grow. A batch that takes longer
    than SLOW_BATCH_SECONDS halves it for as long as the machine is that slow.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.current = min(most, _FIRST)
        self._is_first = True
        self._goal: int | None = None  # the size that was found to be the fastest
        self._rates: list[float] = []  # inputs per second of batches of the current size
        self._best: dict[int, float] = {}  # of each size that was measured

    def record(self, count: int, seconds: float) -> None:
        """Record how long a batch took; one that was not full says nothing of its size."""
        if self._is_first:  # it prepares the model as well
            self._is_first = False
        elif count < self.current:
            pass
        elif seconds > SLOW_BATCH_SECONDS:
            self._resize(self.current // 2)
        elif self._goal is None:
            self._measure(count / max(seconds, 1e-9), 2 * seconds)
        elif self.current < self._goal and 4 * seconds < SLOW_BATCH_SECONDS:
            self._resize(min(2 * self.current, self._goal))

    def _measure(self, rate: float, seconds_of_double: float) -> None:
        """Compare the current size with the one before, and go on to its double or back."""
        self._rates.append(rate)
        if len(self._rates) < _TRIALS:
            return
        best = self._best[self.current] = max(self._rates)
        smaller = max((size for size in self._best if size < self.current), default=None)
        if smaller is not None and best < _GAIN * self._best[smaller]:
            self._goal = smaller
            self._resize(smaller)
        elif self.current == self.most:
            self._goal = self.most
        elif seconds_of_double < SLOW_BATCH_SECONDS:
            self._resize(min(2 * self.current, self.most))

    def _resize(self, size: int) -> None:
        self.current, self._rates = max(1, size), []
