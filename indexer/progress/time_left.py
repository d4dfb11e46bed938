"""The time left of a run, from what files of each format have cost so far.

A file costs something by itself (it is encoded and written) and something by its size (it is read
and decoded), and the latter differs by format. Each stretch of the run shows a sum of such costs;
least squares take them apart (ridge regression towards the average cost of all formats).
"""

import numpy as np
import numpy.typing as npt

from indexer.progress.workload import Workload

SHORTEST = 2.0  # seconds of a stretch: rows are committed in lumps
_MEMORY = 0.98  # weight of a stretch against the next: what else the machine does changes
_NOISE = 0.02  # of a stretch: the square of the share by which its seconds are off
_LEAST = 0.05  # of the average cost; by chance that of a rare format may come out negative


class TimeLeft:
    """Learns what a file and a byte of each format cost; for one thread at a time."""

    def __init__(self) -> None:
        self._formats: list[str] = []
        # Weighted sums over the stretches, of y seconds and of x: files, then bytes by format.
        self._xx, self._xy, self._x = np.zeros((1, 1)), np.zeros(1), np.zeros(1)
        self._y = self._yy = self._weight = 0.0

    def observe(self, done: Workload, seconds: float) -> None:
        """Learn that such files took so long, all of them together."""
        self._formats += [name for name in done.files if name not in self._formats]
        grown = (0, len(self._formats) + 1 - len(self._x))
        x = self._features(done)
        self._xx = np.pad(self._xx, (grown, grown)) * _MEMORY + np.outer(x, x)
        self._xy = np.pad(self._xy, grown) * _MEMORY + x * seconds
        self._x = np.pad(self._x, grown) * _MEMORY + x
        self._y = self._y * _MEMORY + seconds
        self._yy = self._yy * _MEMORY + seconds**2
        self._weight = self._weight * _MEMORY + 1

    def seconds(self, left: Workload) -> float | None:
        """Return how long such files will take, None before anything was observed."""
        if not self._y:
            return None
        files, volume = float(self._x[0]), float(self._x[1:].sum())
        # Half the time for files and half for bytes, whatever their format, is the first guess.
        average = np.full(len(self._x), self._y / max(1.0, volume) / 2)
        average[0] = self._y / files / 2
        scaled = self._xx * np.outer(average, average)
        trust = _NOISE * self._yy / self._weight  # in the guess
        share = np.linalg.solve(
            scaled + trust * np.eye(len(average)), self._xy * average + trust
        ).clip(_LEAST)
        unknown = sum(left.bytes[name] for name in left.bytes if name not in self._formats)
        return float(self._features(left) @ (average * share) + unknown * average[-1])

    def _features(self, work: Workload) -> npt.NDArray[np.float64]:
        volume = (work.bytes[name] for name in self._formats)
        return np.array([work.total_files, *volume], np.float64)
