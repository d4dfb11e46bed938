"""The metadata blocks of PNG and JPEG XL files, found without decoding a pixel.

Pillow reads what stands behind a PNG's pixels only by decoding them, and its JPEG XL plugin
decodes an image when it is merely opened. PNG (W3C, third edition) sections 5 and 11;
ISO/IEC 18181-2 for the boxes.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from indexer.images.metadata.xmp import LARGEST

_PNG, _JXL = b"\x89PNG\r\n\x1a\n", b"\0\0\0\x0cJXL \r\n\x87\n"
_KEYWORD = b"XML:com.adobe.xmp\0"
_MOST = 10_000  # chunks or boxes; an image of any size has some thousands


def png(stream: BinaryIO) -> tuple[bytes | None, bytes | None]:
    """Find a PNG's XMP packet and EXIF block, wherever in the file; raises OSError."""
    xmp = exif = None
    stream.seek(0)
    if stream.read(len(_PNG)) != _PNG:
        return None, None
    for kind, size in _chunks(stream):
        if kind == b"eXIf" and size <= LARGEST:
            exif = stream.read(size)
        elif kind == b"iTXt" and size <= LARGEST:
            xmp = _packet(stream.read(size)) or xmp
    return xmp, exif


def jxl(stream: BinaryIO) -> bytes | None:
    """Find a JPEG XL file's XMP packet unless it is compressed; raises OSError."""
    stream.seek(0)
    if stream.read(len(_JXL)) != _JXL:
        return None
    for kind, size in _boxes(stream):
        if kind == b"xml " and size <= LARGEST:
            return stream.read(size)
    return None


def _chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    for _ in range(_MOST):
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        size, start = int.from_bytes(head[:4], "big"), stream.tell()
        yield head[4:], size
        stream.seek(start + size + 4)


def _boxes(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    inside = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(inside)
    for _ in range(_MOST):
        start, head = stream.tell(), stream.read(8)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(stream.read(8), "big")
        size = size or end - start  # 0 is "to the end of the file"
        inside = stream.tell()
        if len(head) < 8 or not inside - start <= size <= end - start:
            return
        yield head[4:], start + size - inside
        stream.seek(start + size)


def _packet(text: bytes) -> bytes | None:
    """Return the packet in an iTXt chunk: keyword, compression, language, keyword, text."""
    if not text.startswith(_KEYWORD):
        return None
    compressed, method, rest = text[18:19], text[19:20], text[20:]
    parts = rest.split(b"\0", 2)
    if len(parts) < 3:
        return None
    if compressed == b"\0":
        return parts[2]
    if method == b"\0":
        with suppress(zlib.error):
            # One byte more, so that what is too large is seen to be.
            return zlib.decompressobj().decompress(parts[2], LARGEST + 1)
    return None
