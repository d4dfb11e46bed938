"""The boxes of JPEG XL (ISO/IEC 18181-2), and whether its codestream is animated."""

from indexer.jxl import moves
from search.duplicates.extras.boxes import Box, file_boxes
from search.duplicates.extras.byte_source import ByteSource, UnknownStructure
from search.duplicates.extras.contents import Contents, Extra, ExtraKind
from search.duplicates.extras.trailer import SMALL, behind, require_plain

CODESTREAM, CONTAINER = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
_KNOWN = frozenset(
    (b"JXL ", b"ftyp", b"jxll", b"jxli", b"jxlc", b"jxlp", b"Exif", b"xml ", b"brob", b"jbrd")
)
_GAIN_MAP = b"jhgm"
_HEADER = 64  # bytes of a codestream in which its header lies


def jxl(source: ByteSource) -> Contents:
    """Return what a JPEG XL file holds; raises UnknownStructure."""
    if source.peek(0, 2) == CODESTREAM:
        # Where a bare codestream ends only a decoder could tell.
        require_plain(source, 2, source.size)
        return Contents(tuple(_frames(source.peek(0, _HEADER))))
    at, codestream, extras = 0, b"", []
    for box in file_boxes(source):
        codestream += _codestream(source, box) if len(codestream) < _HEADER else b""
        kind: ExtraKind = "gain map" if box.kind == _GAIN_MAP else "data"
        if box.kind == _GAIN_MAP or (box.kind not in _KNOWN and box.length > SMALL):
            extras.append(Extra(kind, box.length, digest=source.digest((box.payload, box.end))))
        if box.open_ended:
            require_plain(source, box.payload, box.end)
        at = box.end
    return Contents((*_frames(codestream), *extras, *behind(source, at, source.size)))


def _codestream(source: ByteSource, box: Box) -> bytes:
    skipped = {b"jxlc": 0, b"jxlp": 4}.get(box.kind)  # a part begins with its number
    if skipped is None:
        return b""
    return source.peek(box.payload + skipped, min(_HEADER, max(0, box.length - skipped)))


def _frames(codestream: bytes) -> list[Extra]:
    moving = moves(codestream)
    if moving is None:
        raise UnknownStructure("its header is not understood")
    return [Extra("frame", count=None)] if moving else []
