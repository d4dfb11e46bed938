"""The end of a BMP, and the data after it (Microsoft, BITMAPFILEHEADER and BITMAPINFOHEADER)."""

from search.dedup.extras.byte_source import ByteSource
from search.dedup.extras.contents import Contents
from search.dedup.extras.trailer import behind

_CORE_HEADER = 12  # bytes of a BITMAPCOREHEADER, whose sides have 16 bits
_PLAIN = frozenset((0, 3, 6))  # compressions that are none


def bmp(source: ByteSource) -> Contents:
    """Return the extras of a BMP; raises UnknownStructure.

    Some programs write no file size, or one too small: then the end follows from the pixels.
    """
    end = max(source.number(2, 4, little=True), _pixels_end(source))
    return Contents(tuple(behind(source, min(end, source.size), source.size)))


def _pixels_end(source: ByteSource) -> int:
    offset, header = (source.number(at, 4, little=True) for at in (10, 14))
    if header == _CORE_HEADER:
        width, height, depth = (source.number(at, 2, little=True) for at in (18, 20, 24))
        compression = 0
    else:
        width, height = (
            int.from_bytes(source.read(at, 4), "little", signed=True) for at in (18, 22)
        )
        depth, compression = source.number(28, 2, little=True), source.number(30, 4, little=True)
    row = (abs(width) * depth + 31) // 32 * 4
    return offset + row * abs(height) if compression in _PLAIN else 0
