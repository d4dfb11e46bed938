"""The frames of a GIF (CompuServe, Graphics Interchange Format 89a)."""

from search.dedup.extras.byte_source import ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra
from search.dedup.extras.trailer import behind, large

_COMMENT = 0xFE  # of extensions
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_MOST = 4_000_000  # blocks


def gif(source: ByteSource) -> Contents:
    """Return the extras of a GIF; raises UnknownStructure.

    A file that ends after a complete block counts as complete, even without a trailer.
    """
    at, frames, comments = 13 + _table(source.number(10, 1)), 0, []
    for _ in range(_MOST):
        block = source.number(at, 1) if at < source.size else _TRAILER
        if block == _TRAILER:
            break
        if block == _EXTENSION:
            start, at = at + 2, _behind_blocks(source, at + 2)
            comments += [(start, at)] if source.number(start - 1, 1) == _COMMENT else []
        elif block == _IMAGE:
            frames += 1
            # Ten bytes of descriptor, a table of colours, the size of the smallest code.
            at = _behind_blocks(source, at + 11 + _table(source.number(at + 9, 1)))
        else:
            raise UnknownStructure("it holds an unknown block")
    else:
        raise UnknownStructure("it holds too many blocks")
    if not frames:
        raise UnknownStructure("it holds no image")
    extras = behind(source, min(at + 1, source.size), source.size)
    more = [Extra("frame", count=frames - 1)] if frames > 1 else []
    return Contents((*more, *large(source, "text", *comments), *extras))


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_blocks(source: ByteSource, at: int) -> int:
    for _ in range(_MOST):
        size = source.number(at, 1)
        at += 1 + size
        if not size:
            return at
    raise UnknownStructure("it holds too many blocks")
