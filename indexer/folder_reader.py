"""The images of a folder that need not be in the library, read as the indexer reads its own."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

from indexer.cpu import usable_cores
from indexer.images.file_kind import HEAD_BYTES, classify, needs_head
from indexer.images.limits import Limits
from indexer.models.protocols import ImageSpec
from indexer.notices import left_out_lines, shortened
from indexer.reader import FileContent, ImageContent, ReadTask
from indexer.scan.walk import LeftOut, Scan
from indexer.workers import ReadPool
from storage.errors import FileFailure, PathNotFound
from storage.records import Capture, Root

_READ_AHEAD = 4  # images for each worker that are read before they are wanted
# No model sees them: what a worker makes beside the thumbnail is as small as it can be.
_SPEC = ImageSpec(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True, slots=True)
class FolderImage:
    """An image of the folder, as far as it can be compared with those of a library."""

    path: str
    hash: str  # SHA-256 of its bytes
    size: int  # bytes
    capture: Capture
    thumbnail: bytes  # WebP


class FolderReader:
    """Reads a folder's images in guarded worker processes, in path order.

    What cannot be read is counted in `failed`, the rest in `read_well`; `notices` say why, file
    by file, and what the walk passed over.
    """

    def __init__(
        self, folder: str, limits: Limits, avoid: str = "", workers: int | None = None
    ) -> None:
        """Take a folder, what a file may cost, and a folder inside it to leave out."""
        self._folder, self._limits = folder, limits
        self._workers = workers or usable_cores()
        self._scan = Scan(Root(0, folder, True), avoid=avoid)
        self.failed = self.read_well = 0
        self.notices: list[str] = []

    def check(self) -> None:
        """Raise PathNotFound where the folder has no image, with what was passed over."""
        if next(self._paths(), None) is not None:
            return
        passed = left_out_lines(self._scan.left_out, empty=True)
        unread = [f"{shortened(folder)}: {why}" for folder, why in self._scan.unreadable.items()]
        why = "; ".join([*passed, *unread[:1]]) or "check the name"
        raise PathNotFound(f"the folder {self._folder} holds no image: {why}")

    def read(self) -> Iterator[FolderImage]:
        """Yield the images as they are read."""
        paths, waiting = self._paths(), deque[tuple[str, Future[FileContent]]]()
        with ReadPool(self._workers, self._limits) as pool:

            def schedule(many: int) -> None:
                for path in islice(paths, many):
                    task = ReadTask(path, "image", _SPEC, self._limits)
                    waiting.append((path, pool.schedule(task)))

            schedule(_READ_AHEAD * self._workers)
            while waiting:
                path, future = waiting.popleft()
                image = self._taken(path, future)
                schedule(1)
                if image is not None:
                    yield image
        self.notices += [
            f"{shortened(folder)} cannot be listed ({reason}): what it holds was not compared"
            for folder, reason in self._scan.unreadable.items()
        ]
        self.notices += left_out_lines(self._scan.left_out, empty=False)

    def _taken(self, path: str, future: Future[FileContent]) -> FolderImage | None:
        try:
            read = future.result()
        except FileFailure as error:
            self.failed += 1
            self.notices.append(f"{path}: {error}")
            return None
        self.read_well += 1
        assert isinstance(read.content, ImageContent)  # no hash was named as known
        return FolderImage(path, read.hash, read.size, read.content.capture, read.content.thumbnail)

    def _paths(self) -> Iterator[str]:
        self._scan.unreadable.clear()
        self._scan.left_out = LeftOut()
        return filter(is_image, (seen.path for seen in self._scan.files(self._folder)))


def is_image(path: str) -> bool:
    """Return whether a file is of a type that is read as an image."""
    return classify(path, _head(path) if needs_head(path) else b"") == "image"


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""  # of no type that is read
