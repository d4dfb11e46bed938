"""The file counter: counts the files of a run ahead of it, to estimate the time left."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from indexer.changes import Changes
from indexer.images.file_kind import classify
from indexer.progress.workload import Workload
from indexer.scan.targets import Target
from indexer.scan.walk import Scan


@dataclass(frozen=True, slots=True)
class Ahead:
    """All files of a run, and those to be read that come after the place where it was counted."""

    total: int
    work: Workload


class FileCounter:
    """Counts the files of targets on a thread of its own, once it is told to start.

    `ahead` is None until it is done. A run that reads little walks its folders once.
    """

    def __init__(
        self, targets: Sequence[Target], changes: Changes, scan: Callable[[Target], Scan]
    ) -> None:
        self.ahead: Ahead | None = None
        self._targets, self._changes, self._scan = targets, changes, scan
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def started(self) -> bool:
        """Return whether it counts, or has counted."""
        return self._thread is not None

    def start(self, target: Target, path: str) -> None:
        """Start to count, with the run at this path of a target."""
        place = self._targets.index(target), os.fsencode(path)
        self._thread = threading.Thread(
            target=self._count, args=place, name="file counter", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _count(self, number: int, path: bytes) -> None:
        total, work = 0, Workload()
        for place, target in enumerate(self._targets):
            for alike, differing in self._files(target):
                if self._stop.is_set():
                    return
                total += alike + len(differing)
                if place >= number:
                    later = [file for file in differing if place > number or file[0] > path]
                    work += Workload.of(
                        (name, size)
                        for name, size in ((os.fsdecode(each), size) for each, size in later)
                        if classify(name) is not None
                    )
        self.ahead = Ahead(total, work)

    def _files(self, target: Target) -> Iterator[tuple[int, list[tuple[bytes, int]]]]:
        """Yield how many files are as they are known, and the others with their sizes."""
        if target.is_walked:
            for found in self._changes.differences(target, self._scan(target)):
                yield found.alike, [(path, size) for path, size, *_ in found.seen]
        else:  # a file of a list, which may be long; or some that are known one by one
            for seen in self._scan(target).file(target.path):
                yield 0, [(os.fsencode(seen.path), seen.size)]
