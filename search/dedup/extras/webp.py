"""The chunks of a WebP file (RFC 9649, 2)."""

from collections.abc import Iterator

from search.dedup.extras.byte_source import ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra
from search.dedup.extras.trailer import behind, large

_KNOWN = frozenset(
    (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP ")
)
_ALPHA = 0x10  # in the first byte of VP8X
_MOST = 1_000_000


def webp(source: ByteSource) -> Contents:
    """Return the extras of a WebP file; raises UnknownStructure."""
    end = 8 + source.number(4, 4, little=True)
    frames, own, transparent = 0, [], False
    for kind, start, stop in _chunks(source, min(end, source.size)):
        frames += kind == b"ANMF"
        if kind == b"VP8X":
            transparent = bool(source.number(start, 1) & _ALPHA)
        elif kind == b"VP8L":
            transparent = transparent or bool(source.number(start + 1, 4, little=True) >> 28 & 1)
        elif kind not in _KNOWN:
            own.append((start, stop))
    extras = [Extra("frame", count=frames - 1)] if frames > 1 else []
    extras += large(source, "data", *own)
    extras += behind(source, min(end + end % 2, source.size), source.size)
    return Contents(tuple(extras), transparent)


def _chunks(source: ByteSource, end: int) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    for _ in range(_MOST):
        if at + 8 > end:
            return
        stop = at + 8 + source.number(at + 4, 4, little=True)
        if stop > end:
            raise UnknownStructure("a chunk points beyond the file")
        yield source.read(at, 4), at + 8, stop
        at = stop + stop % 2
    raise UnknownStructure("it holds too many chunks")
