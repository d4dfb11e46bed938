"""A census: how many files a run will meet, counted ahead of it for the time left."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Self

from indexer.scan.targets import Scope
from indexer.scan.walk import Scan


class Census:
    """Counts the files of scopes on a thread of its own; `total` is None until it is done."""

    def __init__(self, scopes: Sequence[Scope], scan: Callable[[Scope], Scan]) -> None:
        self.total: int | None = None
        self._scopes, self._scan = scopes, scan
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count, name="census", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _count(self) -> None:
        total = 0
        for scope in self._scopes:
            if os.path.isdir(scope.place) and scope.root.walked:
                total += self._scan(scope).count(scope.place, self._stop.is_set)
            else:
                total += 1  # a file; files known one by one under a folder are few
        if not self._stop.is_set():
            self.total = total
