"""The boxes and codestreams of JPEG 2000 (ITU-T T.800, annexes A and I)."""

from search.dedup.extras.bit_depth import bit_depth
from search.dedup.extras.boxes import file_boxes
from search.dedup.extras.byte_source import ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra
from search.dedup.extras.trailer import SMALL, behind

CODESTREAM = b"\xff\x4f\xff\x51"
_TILE_PART, _END = 0xFF90, 0xFFD9
_COMPONENTS = 40  # where the SIZ segment at the beginning counts them; three bytes each follow
_KNOWN = frozenset(
    (b"jP  ", b"ftyp", b"jp2h", b"jp2c", b"jp2i", b"xml ", b"uuid", b"uinf", b"rreq", b"res ")
)
_PLACE = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")  # GeoJP2: a GeoTIFF in a "uuid" box
_MOST = 1_000_000


def jpeg2000(source: ByteSource) -> Contents:
    """Return the extras of a JPEG 2000 file; raises UnknownStructure."""
    if source.peek(0, 4) == CODESTREAM:
        end = _codestream_end(source, 0)
        return Contents((*_depth(source, 0, end), *behind(source, end, source.size)))
    at, images, own, deep = 0, 0, [], []
    for box in file_boxes(source):
        if box.kind == b"jp2c":
            deep += [] if images else _depth(source, box.payload, box.end)
            images += 1
        if box.kind == b"uuid" and source.peek(box.payload, 16) == _PLACE:
            span = (box.payload, box.end)
            deep.append(Extra("georeference", box.length, digest=source.digest(span)))
        # Metadata and places are in "uuid" boxes; large ones are something else.
        elif box.length > SMALL and (box.kind == b"uuid" or box.kind not in _KNOWN):
            own.append((box.payload, box.end))
        at = _codestream_end(source, box.payload) if box.open_ended else box.end
    if not images:
        raise UnknownStructure("it holds no image")
    extras = [Extra("image", count=images - 1)] if images > 1 else []
    extras += [Extra("data", end - start, digest=source.digest((start, end))) for start, end in own]
    return Contents((*extras, *deep, *behind(source, at, source.size)))


def _depth(source: ByteSource, start: int, end: int) -> list[Extra]:
    many = source.number(start + _COMPONENTS, 2)
    components = source.read(start + _COMPONENTS + 2, 3 * many)
    bits = max(((each & 0x7F) + 1 for each in components[::3]), default=0)
    return bit_depth(source, bits, (start, end))


def _codestream_end(source: ByteSource, start: int) -> int:
    at = start + 2
    for _ in range(_MOST):
        marker = source.number(at, 2)
        if marker == _END:
            return at + 2
        if marker == _TILE_PART:
            length = source.number(at + 6, 4)
            if not length:
                raise UnknownStructure("its last part does not tell its length")
            at += length
        else:
            at += 2 + source.number(at + 2, 2)
    raise UnknownStructure("it has too many parts")
