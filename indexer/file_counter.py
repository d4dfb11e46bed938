"""The file counter: counts the files of a run ahead of it, to estimate the time left."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Self

from indexer.scan.targets import Target
from indexer.scan.walk import Scan


class FileCounter:
    """Counts the files of targets on a thread of its own; `total` is None until it is done."""

    def __init__(self, targets: Sequence[Target], scan: Callable[[Target], Scan]) -> None:
        self.total: int | None = None
        self._targets, self._scan = targets, scan
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count, name="file counter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _count(self) -> None:
        total = 0
        for target in self._targets:
            if os.path.isdir(target.path) and target.root.walked:
                for run in self._scan(target).runs(target.path):
                    total += len(run.looks)
                    if self._stop.is_set():
                        return
            else:
                total += 1  # a file; files known one by one under a folder are few
        if not self._stop.is_set():
            self.total = total
