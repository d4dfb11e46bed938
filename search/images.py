"""An item's picture, ready for a model: from its file, else from its thumbnail, else not at all.

A file is used only while it holds what was indexed, so nothing is decoded in this process that
the indexer's guarded workers have not decoded before.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from indexer.images.decode import Limits, open_picture, read_bytes
from indexer.images.preprocess import prepare, sides_needed
from indexer.models.protocols import PictureSpec, Pixels
from storage.errors import FileFailure, PathNotFound
from storage.library import Library
from storage.records import Item

BATCH = 32  # pictures decoded, and then handed to a model, at a time
_THREADS = 4  # decoders let go of Python's lock; each may hold one picture in full


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture as a model wants it; `pixels` (size, size, 3) uint8, or None if not to be had."""

    item: Item
    pixels: Pixels | None
    source: Literal["file", "thumbnail", "nothing"]


class Pictures:
    """Reads items' pictures, several at a time, and counts those not read from their files."""

    def __init__(self, library: Library, limits: Limits | None = None) -> None:
        self._library, self._limits = library, limits or Limits()
        self.shrunken = 0  # read from thumbnails
        self.unread = 0

    def of(self, items: Sequence[Item], spec: PictureSpec) -> list[Prepared]:
        """Prepare the picture of each item, in order; texts have none."""
        with ThreadPoolExecutor(_THREADS) as threads:
            done = list(threads.map(lambda item: self._prepared(item, spec), items))
        self.shrunken += sum(one.source == "thumbnail" for one in done)
        self.unread += sum(one.source == "nothing" for one in done)
        return done

    def batches(self, items: Sequence[Item], spec: PictureSpec) -> Iterator[list[Prepared]]:
        """Prepare the pictures `BATCH` at a time."""
        for start in range(0, len(items), BATCH):
            yield self.of(items[start : start + BATCH], spec)

    def notices(self, unread: str) -> list[str]:
        """Return in one line a kind what was not read from its file, and of the rest: `unread`."""
        said = []
        if self.shrunken:
            said.append(
                f"{_pictures(self.shrunken)} read from thumbnails, for want of the files as they "
                "were indexed"
            )
        if self.unread:
            said.append(f"{_pictures(self.unread)} not read, neither file nor thumbnail: {unread}")
        return said

    def _prepared(self, item: Item, spec: PictureSpec) -> Prepared:
        pixels = self._from_file(item, spec)
        if pixels is not None:
            return Prepared(item, pixels, "file")
        pixels = self._from_thumbnail(item, spec)
        return Prepared(item, pixels, "nothing" if pixels is None else "thumbnail")

    def _from_file(self, item: Item, spec: PictureSpec) -> Pixels | None:
        # Named in so many words, what is excluded is still read: no result shows it.
        for path in (*item.paths, *item.excluded_paths):
            try:
                # Neither a pipe, which might never end, nor a file that has plainly changed.
                if not os.path.isfile(path) or os.path.getsize(path) != item.bytes:
                    continue
                content = read_bytes(path, self._limits.file_bytes)
                if hashlib.sha256(content).hexdigest() == item.hash:
                    return self._decoded(content, spec)
            except (FileFailure, OSError):  # gone since, or not to be read
                continue
        return None

    def _from_thumbnail(self, item: Item, spec: PictureSpec) -> Pixels | None:
        webp = self._library.thumbnail(item.hash) if item.kind == "image" else None
        try:
            return None if webp is None else self._decoded(webp, spec)
        except FileFailure:
            return None

    def _decoded(self, content: bytes, spec: PictureSpec) -> Pixels:
        picture = open_picture(content, limits=self._limits, smallest=sides_needed(spec))
        return prepare(picture.image, spec)


def outside(path: str, spec: PictureSpec, limits: Limits) -> tuple[str, Pixels]:
    """Read a picture that need not be in the library: its SHA-256 and (size, size, 3) uint8.

    Raises PathNotFound, UnreadableFile or DecodeFailure, each naming the path.
    """
    if not os.path.isfile(path):  # nor a pipe or a device, which might never end
        raise PathNotFound(f"the picture {path} is not a file: check the path")
    try:
        content = read_bytes(path, limits.file_bytes)
        picture = open_picture(content, limits=limits, smallest=sides_needed(spec))
    except FileFailure as error:
        raise error.wrapped(f"the picture {path} cannot be used: ") from error
    return hashlib.sha256(content).hexdigest(), prepare(picture.image, spec)


def _pictures(count: int) -> str:
    return "1 picture was" if count == 1 else f"{count:,} pictures were"
