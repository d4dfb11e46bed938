"""The metadata by people, read for the catalogue: of an image itself and of its sidecars.

What is broken, or larger than anybody writes, says nothing; what the system does not let be read
just now raises OSError, so that it is not taken for an answer. Of date and place what XMP says is
read; the camera's own is a `storage.records.Capture`, and goes before it, since programs write
dates of their own into XMP.
"""

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedReader, FileIO
from typing import TYPE_CHECKING, BinaryIO
from xml.etree.ElementTree import Element

from indexer.images.metadata import description, xmp
from indexer.images.pixel_limit import pixel_limit
from storage.records import Annotations

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MOST_KEYWORDS = 1_000
_LONGEST_KEYWORD = 200  # characters
_LONGEST_TEXT = 10_000
_RATINGS = {-1.0: -1, 0.0: 0, 1.0: 1, 2.0: 2, 3.0: 3, 4.0: 4, 5.0: 5}


def embedded(stream: BinaryIO) -> Annotations:
    """Read what the bytes of an image say: XMP goes before IPTC and EXIF."""
    with suppress(Exception), pixel_limit(sys.maxsize):
        packet, rest = description.embedded(stream)
        plain = _bounded(
            Annotations(rating=rest.rating, keywords=rest.keywords, description=rest.description)
        )
        return Annotations.joined(_of_packet(packet), plain)
    return Annotations()


def embedded_in(path: str) -> Annotations:
    """Read what the bytes of an image file say; raises OSError where they cannot be read."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe might never end
        return Annotations()
    file = _WatchedFile(path)
    with BufferedReader(file) as stream:
        said = embedded(stream)
    if file.error is not None:
        raise file.error
    return said


def of_sidecars(paths: Sequence[str]) -> Annotations:
    """Read what sidecars say, the first before the others; raises OSError where one is unread."""
    return Annotations.joined(*map(_of_sidecar, paths))


def _of_sidecar(path: str) -> Annotations:
    if not stat.S_ISREG(os.stat(path).st_mode):
        return Annotations()
    with open(path, "rb") as stream:
        try:
            return _of_packet(stream.read(xmp.LARGEST + 1))
        except OSError as error:  # which names no file
            raise OSError(error.errno, error.strerror, path) from error


class _WatchedFile(FileIO):
    """A file that keeps the error of a read: a parser may take it for damage of the image."""

    error: OSError | None = None

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        """Read into a buffer; raises OSError."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            self.error = error
            raise

    def readall(self) -> bytes:
        """Read to the end; raises OSError."""
        try:
            return super().readall()
        except OSError as error:
            self.error = error
            raise


def _of_packet(packet: bytes | None) -> Annotations:
    # Beside what cannot be parsed: whatever takes more memory than there is.
    with suppress(Exception):
        return Annotations() if packet is None else _of_descriptions(xmp.described(packet))
    return Annotations()


def _of_descriptions(described: list[Element]) -> Annotations:
    known = xmp.metadata(described)
    return _bounded(
        Annotations(
            # Nought is an answer here: the stars of the image were taken back.
            rating=_rating(xmp.value(described, xmp.XMP, "Rating")),
            keywords=known.keywords,
            title=known.title,
            description=known.description,
            taken_at=known.taken_at or known.created_at,
            latitude=known.latitude,
            longitude=known.longitude,
        )
    )


def _bounded(said: Annotations) -> Annotations:
    words = (" ".join(word.split())[:_LONGEST_KEYWORD] for word in said.keywords)
    return Annotations(
        rating=said.rating,
        keywords=tuple(dict.fromkeys(filter(None, words)))[:_MOST_KEYWORDS],
        title=said.title and said.title[:_LONGEST_TEXT],
        description=said.description and said.description[:_LONGEST_TEXT],
        taken_at=said.taken_at,
        latitude=said.latitude,
        longitude=said.longitude,
    )


def _rating(written: str | None) -> int | None:
    with suppress(ValueError):
        return _RATINGS.get(float(written or ""))
    return None
