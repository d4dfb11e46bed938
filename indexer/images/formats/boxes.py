"""The boxes of JPEG 2000, JPEG XL, HEIF and AVIF files (ISO/IEC 14496-12 section 4.2)."""

from collections.abc import Iterator
from typing import NamedTuple


class Box(NamedTuple):
    """A box: its four letters, where it begins, where its content begins, and where it ends."""

    kind: bytes
    start: int
    content: int
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes between two places of a file, up to the first that makes no sense."""
    end = len(data) if end is None else min(end, len(data))
    while start + 8 <= end:
        size, kind, header = (
            int.from_bytes(data[start : start + 4], "big"),
            data[start + 4 : start + 8],
            8,
        )
        if size == 1:  # the size did not fit into 32 bits
            size, header = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif size == 0:  # to the end
            size = end - start
        if size < header or start + size > end:
            return
        yield Box(kind, start, start + header, start + size)
        start += size


def inner(data: bytes, *path: bytes) -> Box | None:
    """Return the first box of each name inside the one before, the last of them."""
    start, end, found = 0, len(data), None
    for kind in path:
        found = next((box for box in boxes(data, start, end) if box.kind == kind), None)
        if found is None:
            return None
        start, end = found.content, found.end
    return found
