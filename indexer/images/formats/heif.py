"""The items of HEIF and AVIF (ISO/IEC 14496-12 8.11): which are metadata, and where they lie."""

from collections.abc import Iterator
from typing import NamedTuple

from indexer.images.formats.boxes import boxes
from storage.errors import DecodeFailure

_METADATA = frozenset((b"Exif", b"mime", b"uri "))
_SKIPPED = b"skip"  # a type that no reader knows
_MOST_PADDING = 16 << 20  # bytes


class Item(NamedTuple):
    """An item: its type, the place of the type in the file, and the end of its data."""

    kind: bytes
    place: int
    end: int


def repaired(data: bytes, form: str) -> bytes | None:
    """Return the file without damaged metadata, or None if none is damaged.

    Raises DecodeFailure where bytes of the pixels are missing.
    """
    items = list(_items(data))
    needed = max((item.end for item in items if item.kind not in _METADATA), default=0)
    if needed > len(data):
        missing = f"{needed - len(data):,} bytes of its pixels are missing"
        raise DecodeFailure(f"the {form} is cut short ({missing})")
    metadata = [item for item in items if item.kind in _METADATA]
    cut = [item for item in metadata if item.end > len(data)]
    if not metadata or not needed:
        return None
    mended = bytearray(data)
    for item in cut or metadata:
        mended[item.place : item.place + 4] = _SKIPPED
    # A reader wants the last box to be as long as it says.
    padding = max((item.end for item in cut), default=0) - len(data)
    return bytes(mended) + bytes(min(max(padding, 0), _MOST_PADDING))


def _items(data: bytes) -> Iterator[Item]:
    meta = next((box for box in boxes(data) if box.kind == b"meta"), None)
    if meta is None:
        return
    found = {box.kind: box for box in boxes(data, meta.content + 4, meta.end)}
    if b"iinf" not in found or b"iloc" not in found:
        return
    ends = dict(_ends(data, found[b"iloc"].content))
    table = found[b"iinf"]
    first = table.content + (6 if data[table.content] == 0 else 8)
    for entry in boxes(data, first, table.end):
        version = data[entry.content]
        if entry.kind == b"infe" and version >= 2:
            size = 2 if version == 2 else 4
            number = int.from_bytes(data[entry.content + 4 : entry.content + 4 + size], "big")
            place = entry.content + 4 + size + 2
            yield Item(data[place : place + 4], place, ends.get(number, 0))


def _ends(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield the number of each item and where the last of its extents ends in the file."""

    def take(size: int) -> int:
        nonlocal at
        at += size
        return int.from_bytes(data[at - size : at], "big")

    version, _, sizes = take(1), take(3), take(2)
    of_offset, of_length, of_base = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    of_index = sizes & 15 if version else 0
    for _ in range(take(4 if version == 2 else 2)):
        number = take(4 if version == 2 else 2)
        method = take(2) & 15 if version else 0
        take(2)  # data reference
        base, end = take(of_base), 0
        for _ in range(take(2)):
            take(of_index)
            start = take(of_offset)
            end = max(end, base + start + take(of_length))
        if at > len(data):
            return
        yield number, end if method == 0 else 0  # otherwise it lies in a box, not at a place
