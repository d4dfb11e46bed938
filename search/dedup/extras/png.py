"""The chunks of a PNG (W3C, PNG specification, third edition, 5 and 11)."""

from collections.abc import Iterator

from search.dedup.extras.bit_depth import bit_depth
from search.dedup.extras.byte_source import ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra
from search.dedup.extras.trailer import behind, large

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt"))
_METADATA = (b"XML:com.adobe.xmp", b"Raw profile type ")  # keywords of XMP, Exif and IPTC
_DEPTH = 24  # where IHDR has the bits per sample
_MOST = 1_000_000
_END = b"IEND"
# What is defined by the specification and its extensions, and what Apple's tools write.
_KNOWN = frozenset(
    (
        b"IHDR PLTE IDAT IEND acTL cHRM cICP gAMA iCCP mDCV cLLI sBIT sRGB bKGD hIST tRNS eXIf "
        b"fcTL pHYs sPLT fdAT tIME iTXt tEXt zTXt oFFs pCAL sCAL gIFg gIFt gIFx sTER dSIG iDOT "
        b"CgBI"
    ).split()
)


def png(source: ByteSource) -> Contents:
    """Return the extras of a PNG; raises UnknownStructure."""
    frames, own, seen, pixels, texts = 0, [], set(), [], []
    depth, end = source.number(_DEPTH, 1), source.size
    for kind, start, end in _chunks(source):
        if kind == b"IDAT":
            pixels.append((start, end))
        elif kind in _TEXTS:
            texts += [] if source.peek(start, 17).startswith(_METADATA) else [(start, end)]
        elif kind == b"sBIT":  # of the bits, those that mean something
            depth = min(depth, max(source.read(start, end - start), default=depth))
        elif kind == b"fcTL":
            frames += b"IDAT" in seen  # one before the pixels makes them the first frame
        elif kind not in _KNOWN:
            own.append((start, end))
        seen.add(kind)
    extras = [Extra("frame", count=frames)] if frames else []
    extras += large(source, "text", *texts) + large(source, "data", *own)
    extras += bit_depth(source, depth, *pixels)
    extras += behind(source, min(end + 4, source.size), source.size)
    transparent = b"tRNS" in seen or bool(source.number(25, 1) & 4)  # the colour type
    return Contents(tuple(extras), transparent)


def _chunks(source: ByteSource) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each chunk, and the start and end of its data; IDAT may be cut off."""
    at = len(SIGNATURE)
    for _ in range(_MOST):
        if at == source.size:
            return
        length, kind = source.number(at, 4), source.read(at + 4, 4)
        end = at + 8 + length
        if end > source.size and kind not in (b"IDAT", _END):
            raise UnknownStructure("a chunk points beyond the file")
        yield kind, at + 8, min(end, source.size)
        if kind == _END or end + 4 >= source.size:
            return
        at = end + 4
    raise UnknownStructure("it holds too many chunks")
