"""The boxes and the codestream of JPEG 2000: its profile, and a copy without what is damaged."""

import struct
from collections import Counter
from collections.abc import Iterator

from indexer.images.formats.boxes import boxes, inner

_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_TYPE = b"\0\0\0\x14ftypjp2 \0\0\0\0jp2 "
_HEADER = frozenset((b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"))
_LEAST = {b"colr": 7, b"cdef": 8}  # bytes of content without which a box says nothing
_CODESTREAM, _SIZE, _TILE_PART, _END = b"\xff\x4f", b"\xff\x51", b"\xff\x90", b"\xff\xd9"
_OF_PROFILE = (2, 3)  # methods of a colr box


def profile(data: bytes) -> bytes | None:
    """Return the ICC profile of the `colr` box (ISO/IEC 15444-1 I.5.3.3), or None."""
    header = inner(data, b"jp2h")
    if header is None:
        return None
    for box in boxes(data, header.content, header.end):
        if box.kind == b"colr" and data[box.content] in _OF_PROFILE:
            return data[box.content + 3 : box.end]
    return None


def repaired(data: bytes) -> bytes | None:
    """Return the boxes that say how it looks, and the codestream, ended if it is whole.

    None where nothing can be mended.
    """
    if data.startswith(_CODESTREAM):
        return _ended(data)
    head, code = data.find(b"jp2h") + 4, data.find(b"jp2c" + _CODESTREAM) + 4
    if head < 8 or code < 8:
        return None
    header = b"".join(
        data[box.start : box.end]
        for box in boxes(data, head, head - 8 + _word(data, head - 8))
        if box.kind in _HEADER and box.end - box.content >= _LEAST.get(box.kind, 0)
    )
    size = _word(data, code - 8)
    stream = data[code : code - 8 + size] if size > 8 else data[code:]
    stream = _ended(stream) or stream
    return _SIGNATURE + _TYPE + _box(b"jp2h", header) + _box(b"jp2c", stream)


def _ended(stream: bytes) -> bytes | None:
    """Return a codestream with its end mark if all its tile-parts are there, else None."""
    told, seen, end = dict[int, int](), Counter[int](), len(stream)
    try:
        tiles = _tiles(stream)
        for tile, parts, following in _tile_parts(stream):
            told[tile] = parts or told.get(tile, 0)
            seen[tile], end = seen[tile] + 1, following
    except (struct.error, ZeroDivisionError):
        return None
    if len(seen) != tiles or any(parts > seen[tile] for tile, parts in told.items()):
        return None
    return stream[:end] + _END if end <= len(stream) < end + len(_END) else None


def _tiles(stream: bytes) -> int:
    """Count the tiles that the SIZ segment announces (ISO/IEC 15444-1 A.5.1, B.3)."""
    across, down, _, _, width, height, left, top = struct.unpack_from(">8I", stream, 8)
    columns, rows = -(-(across - left) // width), -(-(down - top) // height)
    return int(columns * rows)


def _tile_parts(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the tile, its number of parts if known, and the end of each tile-part (A.4.2)."""
    at = 2
    while stream[at : at + 2] != _TILE_PART:  # the main header
        at += 2 + struct.unpack_from(">H", stream, at + 2)[0]
    while stream[at : at + 2] == _TILE_PART:
        _, tile, size, _, parts = struct.unpack_from(">HHIBB", stream, at + 2)
        if size < 14:  # to the end of the codestream: nothing says where that is
            return
        at += size
        yield tile, parts, at


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content
