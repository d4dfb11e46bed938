"""The images of items, preprocessed for a model: from the file, else from the thumbnail.

A file is used only while its content is what was indexed, so this process decodes nothing that
the indexer's guarded workers have not decoded before. The decoders are imported when there is an
image to read: a query by words needs none.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from indexer.images.limits import Limits
from indexer.models.protocols import ImageSpec, Pixels
from storage.errors import FileFailure, PathNotFound
from storage.library import Library
from storage.records import Item

BATCH = 32  # images decoded, and then passed to a model, at a time
_THREADS = 4  # decoders release Python's lock; each may hold one image in full


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image preprocessed for a model; `pixels` (size, size, 3) uint8, None if unreadable."""

    item: Item
    pixels: Pixels | None
    source: Literal["file", "thumbnail", "nothing"]


class ImageReader:
    """Reads the images of items in threads, and counts those not read from their files."""

    def __init__(self, library: Library, limits: Limits | None = None) -> None:
        self._library, self._limits = library, limits or Limits()
        self.from_thumbnails = 0  # read from thumbnails
        self.unreadable = 0

    def read(self, items: Sequence[Item], spec: ImageSpec) -> list[PreparedImage]:
        """Read and preprocess the image of each item, in order; texts have none."""
        with ThreadPoolExecutor(_THREADS) as threads:
            done = list(threads.map(lambda item: self._prepare(item, spec), items))
        self.from_thumbnails += sum(one.source == "thumbnail" for one in done)
        self.unreadable += sum(one.source == "nothing" for one in done)
        return done

    def batches(self, items: Sequence[Item], spec: ImageSpec) -> Iterator[list[PreparedImage]]:
        """Yield the images of items in batches of `BATCH`."""
        for start in range(0, len(items), BATCH):
            yield self.read(items[start : start + BATCH], spec)

    def notices(self, unread: str) -> list[str]:
        """Return notices about images not read from their files; `unread` is the consequence."""
        said = []
        if self.from_thumbnails:
            said.append(
                f"{_images(self.from_thumbnails)} read from thumbnails: the original files are "
                "missing or changed"
            )
        if self.unreadable:
            said.append(
                f"{_images(self.unreadable)} not read, neither file nor thumbnail: {unread}"
            )
        return said

    def thumbnail(self, item: Item) -> bytes | None:
        """Return an item's WebP thumbnail: the stored one, else one of a file as it was indexed."""
        stored = self._library.thumbnail(item.hash)
        if stored is not None:
            return stored
        from indexer.images.decode import open_image
        from indexer.images.thumbnail import THUMBNAIL_SIDE, thumbnail

        side = THUMBNAIL_SIDE, THUMBNAIL_SIDE
        for content in self._contents(item):
            with suppress(FileFailure):
                return thumbnail(open_image(content, limits=self._limits, smallest=side).image)
        return None

    def _prepare(self, item: Item, spec: ImageSpec) -> PreparedImage:
        pixels = self._from_file(item, spec)
        if pixels is not None:
            return PreparedImage(item, pixels, "file")
        pixels = self._from_thumbnail(item, spec)
        return PreparedImage(item, pixels, "nothing" if pixels is None else "thumbnail")

    def _from_file(self, item: Item, spec: ImageSpec) -> Pixels | None:
        for content in self._contents(item):
            with suppress(FileFailure):
                return _prepared(content, spec, self._limits)
        return None

    def _contents(self, item: Item) -> Iterator[bytes]:
        """Yield the bytes of each file that still holds what was indexed."""
        from indexer.images.decode import read_bytes

        # An excluded file is still read if the item is named: no search result shows it.
        for path in (*item.paths, *item.excluded_paths):
            try:
                # A pipe might never end; a file of another size has changed.
                if not os.path.isfile(path) or os.path.getsize(path) != item.bytes:
                    continue
                content = read_bytes(path, self._limits.file_bytes)
            except (FileFailure, OSError):  # removed meanwhile, or unreadable
                continue
            if hashlib.sha256(content).hexdigest() == item.hash:
                yield content

    def _from_thumbnail(self, item: Item, spec: ImageSpec) -> Pixels | None:
        webp = self._library.thumbnail(item.hash) if item.kind == "image" else None
        try:
            return None if webp is None else _prepared(webp, spec, self._limits)
        except FileFailure:
            return None


def read_external(path: str, spec: ImageSpec, limits: Limits) -> tuple[str, Pixels]:
    """Read a file outside the library: return its SHA-256 and (size, size, 3) uint8.

    Raises PathNotFound, UnreadableFile or DecodeFailure, each naming the path.
    """
    from indexer.images.decode import read_bytes

    if not os.path.isfile(path):  # nor a pipe or a device, which might never end
        raise PathNotFound(f"the image {path} is not a file: check the path")
    try:
        content = read_bytes(path, limits.file_bytes)
        pixels = _prepared(content, spec, limits)
    except FileFailure as error:
        raise error.wrapped(f"the image {path} cannot be used: ") from error
    return hashlib.sha256(content).hexdigest(), pixels


def _prepared(content: bytes, spec: ImageSpec, limits: Limits) -> Pixels:
    from indexer.images.decode import open_image
    from indexer.images.preprocess import prepare, sides_needed

    image = open_image(content, limits=limits, smallest=sides_needed(spec))
    return prepare(image.image, spec)


def _images(count: int) -> str:
    return "1 image was" if count == 1 else f"{count:,} images were"
