"""The boxes of JPEG XL (ISO/IEC 18181-2), and whether its codestream is animated."""

from indexer.images.formats.jxl import bits_per_sample, moves
from search.dedup.extras.bit_depth import bit_depth
from search.dedup.extras.boxes import Box, file_boxes
from search.dedup.extras.byte_source import ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra, ExtraKind
from search.dedup.extras.trailer import SMALL, behind, require_plain

CODESTREAM, CONTAINER = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
_KNOWN = frozenset(
    (b"JXL ", b"ftyp", b"jxll", b"jxli", b"jxlc", b"jxlp", b"Exif", b"xml ", b"brob", b"jbrd")
)
_CODED = {b"jxlc": 0, b"jxlp": 4}  # a part begins with its number
_GAIN_MAP = b"jhgm"
_HEADER = 64  # bytes of a codestream in which its header lies


def jxl(source: ByteSource) -> Contents:
    """Return the extras of a JPEG XL file; raises UnknownStructure."""
    if source.peek(0, 2) == CODESTREAM:
        # Where a bare codestream ends only a decoder could tell.
        require_plain(source, 2, source.size)
        head = source.peek(0, _HEADER)
        whole = (0, source.size)
        return Contents((*_frames(head), *bit_depth(source, bits_per_sample(head), whole)))
    at, codestream, extras, coded = 0, b"", [], []
    for box in file_boxes(source):
        if box.kind in _CODED:
            codestream += _codestream(source, box) if len(codestream) < _HEADER else b""
            coded.append((box.payload, box.end))
        kind: ExtraKind = "gain map" if box.kind == _GAIN_MAP else "data"
        if box.kind == _GAIN_MAP or (box.kind not in _KNOWN and box.length > SMALL):
            extras.append(Extra(kind, box.length, digest=source.digest((box.payload, box.end))))
        if box.open_ended:
            require_plain(source, box.payload, box.end)
        at = box.end
    extras += bit_depth(source, bits_per_sample(codestream), *coded)
    return Contents((*_frames(codestream), *extras, *behind(source, at, source.size)))


def _codestream(source: ByteSource, box: Box) -> bytes:
    skipped = _CODED[box.kind]
    return source.peek(box.payload + skipped, min(_HEADER, max(0, box.length - skipped)))


def _frames(codestream: bytes) -> list[Extra]:
    moving = moves(codestream)
    if moving is None:
        raise UnknownStructure("its header is not understood")
    return [Extra("frame", count=None)] if moving else []
