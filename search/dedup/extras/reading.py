"""The contents of a file, parsed by the format of its first bytes; nothing here raises."""

import os
import stat
from collections.abc import Callable

from indexer.images.file_kind import HEAD_BYTES, signature
from search.dedup.extras.bmp import bmp
from search.dedup.extras.byte_source import ByteSource
from search.dedup.extras.contents import UNKNOWN, Contents
from search.dedup.extras.gif import gif
from search.dedup.extras.heif import heif
from search.dedup.extras.jpeg import jpeg
from search.dedup.extras.jpeg2000 import jpeg2000
from search.dedup.extras.jxl import jxl
from search.dedup.extras.png import png
from search.dedup.extras.tiff import tiff
from search.dedup.extras.webp import webp

_READERS: dict[str, Callable[[ByteSource], Contents]] = {
    "JPEG": jpeg,
    "PNG": png,
    "WEBP": webp,
    "HEIF": heif,
    "AVIF": heif,
    "TIFF": tiff,
    "GIF": gif,
    "BMP": bmp,
    "JPEG2000": jpeg2000,
    "JXL": jxl,
}


def read(path: str) -> Contents:
    """Return the extras of a file; `UNKNOWN` if its structure is not understood.

    Any bytes are accepted; each is read a few times at most, and no image is decoded.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe might never end
            return UNKNOWN
        with open(path, "rb") as stream:
            source = ByteSource(stream, os.fstat(stream.fileno()).st_size)
            return _reader(source.peek(0, HEAD_BYTES))(source)
    except Exception:
        # Untrusted files break every rule; then nothing may be concluded from them.
        return UNKNOWN


def _reader(head: bytes) -> Callable[[ByteSource], Contents]:
    known = signature(head)
    if known is None and head[4:8] == b"ftyp":  # a brand of which the library knows nothing
        known = "HEIF"
    return _READERS[known or ""]
