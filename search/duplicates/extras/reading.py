"""The contents of a file, by the format that its first bytes announce; nothing here raises."""

import os
import stat
from collections.abc import Callable

from indexer.formats import HEAD_BYTES, signature
from search.duplicates.extras.bmp import bmp
from search.duplicates.extras.byte_source import ByteSource
from search.duplicates.extras.contents import UNKNOWN, Contents
from search.duplicates.extras.gif import gif
from search.duplicates.extras.heif import heif
from search.duplicates.extras.jpeg import jpeg
from search.duplicates.extras.jpeg2000 import jpeg2000
from search.duplicates.extras.jxl import jxl
from search.duplicates.extras.png import png
from search.duplicates.extras.tiff import tiff
from search.duplicates.extras.webp import webp

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
    """Return what a file holds beyond its first image; `UNKNOWN` where it is not understood.

    Takes any bytes, reads each of them a few times at most, and decodes none.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe might never end
            return UNKNOWN
        with open(path, "rb") as stream:
            source = ByteSource(stream, os.fstat(stream.fileno()).st_size)
            return _reader(source.peek(0, HEAD_BYTES))(source)
    except Exception:
        # Files of strangers break every rule, and then nothing may be concluded from them.
        return UNKNOWN


def _reader(head: bytes) -> Callable[[ByteSource], Contents]:
    known = signature(head)
    if known is None and head[4:8] == b"ftyp":  # a brand of which the library knows nothing
        known = "HEIF"
    return _READERS[known or ""]
