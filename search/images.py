"""The pictures of items, preprocessed for a model: from the file, else from the thumbnail.

A file is used only while its content is what was indexed, so this process decodes nothing that
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

BATCH = 32  # pictures decoded, and then passed to a model, at a time
_THREADS = 4  # decoders release Python's lock; each may hold one picture in full


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A picture preprocessed for a model; `pixels` (size, size, 3) uint8, None if unreadable."""

    item: Item
    pixels: Pixels | None
    source: Literal["file", "thumbnail", "nothing"]


class ImageReader:
    """Reads the pictures of items in threads, and counts those not read from their files."""

    def __init__(self, library: Library, limits: Limits | None = None) -> None:
        self._library, self._limits = library, limits or Limits()
        self.from_thumbnails = 0  # read from thumbnails
        self.unreadable = 0

    def read(self, items: Sequence[Item], spec: PictureSpec) -> list[PreparedImage]:
        """Read and preprocess the picture of each item, in order; texts have none."""
        with ThreadPoolExecutor(_THREADS) as threads:
            done = list(threads.map(lambda item: self._prepare(item, spec), items))
        self.from_thumbnails += sum(one.source == "thumbnail" for one in done)
        self.unreadable += sum(one.source == "nothing" for one in done)
        return done

    def batches(self, items: Sequence[Item], spec: PictureSpec) -> Iterator[list[PreparedImage]]:
        """Yield the pictures of items in batches of `BATCH`."""
        for start in range(0, len(items), BATCH):
            yield self.read(items[start : start + BATCH], spec)

    def notices(self, unread: str) -> list[str]:
        """Return notices about pictures not read from their files; `unread` is the consequence."""
        said = []
        if self.from_thumbnails:
            said.append(
                f"{_pictures(self.from_thumbnails)} read from thumbnails, for want of the files as "
                "they were indexed"
            )
        if self.unreadable:
            said.append(
                f"{_pictures(self.unreadable)} not read, neither file nor thumbnail: {unread}"
            )
        return said

    def _prepare(self, item: Item, spec: PictureSpec) -> PreparedImage:
        pixels = self._from_file(item, spec)
        if pixels is not None:
            return PreparedImage(item, pixels, "file")
        pixels = self._from_thumbnail(item, spec)
        return PreparedImage(item, pixels, "nothing" if pixels is None else "thumbnail")

    def _from_file(self, item: Item, spec: PictureSpec) -> Pixels | None:
        # An excluded file is still read if the item is named: no search result shows it.
        for path in (*item.paths, *item.excluded_paths):
            try:
                # A pipe might never end; a file of another size has changed.
                if not os.path.isfile(path) or os.path.getsize(path) != item.bytes:
                    continue
                content = read_bytes(path, self._limits.file_bytes)
                if hashlib.sha256(content).hexdigest() == item.hash:
                    return self._decode(content, spec)
            except (FileFailure, OSError):  # removed meanwhile, or unreadable
                continue
        return None

    def _from_thumbnail(self, item: Item, spec: PictureSpec) -> Pixels | None:
        webp = self._library.thumbnail(item.hash) if item.kind == "image" else None
        try:
            return None if webp is None else self._decode(webp, spec)
        except FileFailure:
            return None

    def _decode(self, content: bytes, spec: PictureSpec) -> Pixels:
        picture = open_picture(content, limits=self._limits, smallest=sides_needed(spec))
        return prepare(picture.image, spec)


def read_external(path: str, spec: PictureSpec, limits: Limits) -> tuple[str, Pixels]:
    """Read a file outside the library: return its SHA-256 and (size, size, 3) uint8.

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
