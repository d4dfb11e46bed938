"""The pictures of a folder that need not be in the library, read as the indexer reads its own."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import islice

from cli.output.render import tell
from indexer.cpu import usable_cores
from indexer.images.file_kind import HEAD_BYTES, classify, needs_head
from indexer.images.limits import Limits
from indexer.models.protocols import PictureSpec
from indexer.notices import left_out_lines, shortened
from indexer.reader import FileContent, ImageContent, ReadTask
from indexer.scan.walk import LeftOut, Scan
from indexer.workers import ReadPool
from search.dedup.detect.leakage import TestImage
from storage import Library
from storage.errors import FileFailure, PathNotFound
from storage.records import Root

_READ_AHEAD = 4  # pictures for each worker that are read before they are wanted
# No model sees them: what a worker makes beside the thumbnail is as small as it can be.
_SPEC = PictureSpec(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class OutsidePictures:
    """Reads a folder's pictures in guarded worker processes, in path order.

    What cannot be read is told and counted in `failed`, the rest in `read_well`.
    """

    def __init__(self, library: Library, folder: str, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._scan = Scan(Root(0, folder, True), avoid=str(library.path.resolve()))
        self.failed = self.read_well = 0

    @property
    def done(self) -> int:
        """How many were read or could not be."""
        return self.failed + self.read_well

    def check(self) -> None:
        """Raise PathNotFound where the folder has no picture, with what was passed over."""
        if next(self._paths(), None) is not None:
            return
        passed = left_out_lines(self._scan.left_out, empty=True)
        unread = [f"{shortened(folder)}: {why}" for folder, why in self._scan.unreadable.items()]
        why = "; ".join([*passed, *unread[:1]]) or "check the name"
        raise PathNotFound(f"--leak {self._folder} holds no picture: {why}")

    def read(self, watch: Callable[[], None]) -> Iterator[TestImage]:
        """Yield the pictures, and call `watch` after each."""
        paths, waiting = self._paths(), deque[tuple[str, Future[FileContent]]]()
        workers = usable_cores()
        with ReadPool(workers, self._limits) as pool:

            def schedule(many: int) -> None:
                for path in islice(paths, many):
                    task = ReadTask(path, "image", _SPEC, self._limits)
                    waiting.append((path, pool.schedule(task)))

            schedule(_READ_AHEAD * workers)
            while waiting:
                path, future = waiting.popleft()
                tested = self._taken(path, future)
                schedule(1)
                if tested is not None:
                    yield tested
                watch()
        for folder, reason in self._scan.unreadable.items():
            tell(f"{shortened(folder)} cannot be listed ({reason}): what it holds was not compared")
        for line in left_out_lines(self._scan.left_out, empty=False):
            tell(line)

    def _taken(self, path: str, future: Future[FileContent]) -> TestImage | None:
        try:
            read = future.result()
        except FileFailure as error:
            self.failed += 1
            tell(f"{path}: {error}")
            return None
        self.read_well += 1
        assert isinstance(read.content, ImageContent)  # no hash was named as known
        return TestImage(path, read.hash, read.size, read.content.capture, read.content.thumbnail)

    def _paths(self) -> Iterator[str]:
        self._scan.unreadable.clear()
        self._scan.left_out = LeftOut()
        for seen in self._scan.files(self._folder):
            if classify(seen.path, _head(seen.path) if needs_head(seen.path) else b"") == "image":
                yield seen.path


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""  # of no type that is read
