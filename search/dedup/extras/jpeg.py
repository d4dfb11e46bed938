"""The extras of a JPEG file: data after its end, and in application segments.

XMP (ISO 16684-1, Part 3 for the extended packet), Google's Motion Photo, Ultra HDR, Dynamic
Depth and GDepth/GImage/GAudio formats, gain maps of ISO 21496-1 and Apple, FlashPix extensions
with sound (Exif 3.0, 4.7.2). The views of a multi-image file (CIPA DC-007) stand behind the
image and are found without its index.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256

from search.dedup.extras.byte_source import MOST_READ, ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra, ExtraKind
from search.dedup.extras.jpeg_segments import COMMENT, JpegStream, Segment, stream_at
from search.dedup.extras.trailer import SMALL, behind, large, require_plain

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_FULL = 65_533  # bytes of the longest payload: what is longer goes on in the next segment
_EXTENDED_HEAD = len(_EXTENDED) + 32 + 4 + 4  # GUID, full length, offset
_ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
_FLASHPIX = b"FPXR\0"
# Segments that describe the image or hold a small preview: (marker, identifier).
_KNOWN = (
    (0xE0, b""),  # JFIF, its thumbnail, AVI1, CIFF
    (0xE1, b"Exif\0"),
    (0xE1, _XMP),
    (0xE1, _EXTENDED),
    (0xE2, b"ICC_PROFILE\0"),
    (0xE2, b"MPF\0"),
    (0xE2, _ISO_GAIN_MAP),
    (0xE2, _FLASHPIX),
    (0xE1, b"XMP\0"),  # spoilt by some program
    (0xE4, b"SCALADO\0"),  # an index into the coded data
    (0xE6, b"MMIMETA\0"),  # a phone's notes for its makers
    (0xEC, b""),  # Ducky, ImageInfo
    (0xED, b"Photoshop 3.0\0"),
    (0xED, b"Adobe_"),
    (0xEE, b"Adobe"),
)
_GAIN_MAPS = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
)
_GOOGLE: dict[bytes, ExtraKind] = {
    b"http://ns.google.com/photos/1.0/depthmap/": "depth map",
    b"http://ns.google.com/photos/1.0/image/": "image",
    b"http://ns.google.com/photos/1.0/audio/": "audio",
}
# How a directory of Dynamic Depth calls what stands behind the photo.
_DEPTH = re.compile(rb"Semantic\s*=\s*[\"'](?:\w+:)?(?:Depth|Confidence)\b")


def jpeg(source: ByteSource) -> Contents:
    """Return the extras of a JPEG file; raises UnknownStructure."""
    stream = stream_at(source, 0)
    xmp = _xmp(source, stream.segments)
    extras = [*_in_xmp(xmp), *_sound(source, stream.segments), *_unknown(source, stream.segments)]
    if not stream.whole:
        require_plain(source, stream.scan, source.size)
    depth = bool(_DEPTH.search(xmp))
    extras += behind(source, stream.end, source.size, partial(_kind, source, depth))
    return Contents(tuple(extras))


def _kind(source: ByteSource, depth: bool, stream: JpegStream, start: int) -> ExtraKind:
    """Return the kind of a stream after a photo; an unnamed one is depth if the XMP has depth."""
    iso = any(each.starts_with(0xE2, _ISO_GAIN_MAP) for each in stream.segments)
    xmp = _xmp(source, stream.segments)
    if iso or any(name in xmp for name in _GAIN_MAPS):
        return "gain map"
    return "depth map" if depth else "image"


def _xmp(source: ByteSource, segments: Iterable[Segment]) -> bytes:
    """Return the XMP packet of a stream, followed by its extension."""
    main, extended = b"", {}
    for each in segments:
        if each.starts_with(0xE1, _XMP):
            main = source.read(each.start, each.end - each.start)
        elif each.starts_with(0xE1, _EXTENDED) and each.end - each.start >= _EXTENDED_HEAD:
            offset = source.number(each.start + _EXTENDED_HEAD - 4, 4)
            extended[offset] = each
    if sum(each.end - each.start for each in extended.values()) > MOST_READ:
        raise UnknownStructure("its XMP is too large")
    parts = (
        source.read(each.start + _EXTENDED_HEAD, each.end - each.start - _EXTENDED_HEAD)
        for _, each in sorted(extended.items())
    )
    return main + b"".join(parts)


def _in_xmp(xmp: bytes) -> Iterator[Extra]:
    """Yield the extras that Google's camera and Cardboard write into XMP as base64."""
    for namespace, kind in _GOOGLE.items():
        declared = re.search(rb"xmlns:(\w+)\s*=\s*[\"']" + re.escape(namespace), xmp)
        if declared is None:
            continue
        data = rb"\b" + declared[1] + rb":Data\s*(?:=\s*[\"']([^\"']+)|>([^<]+))"
        if found := re.search(data, xmp):
            value = found[1] or found[2]
            yield Extra(kind, len(value) * 3 // 4, digest=sha256(value).hexdigest())


def _sound(source: ByteSource, segments: Iterable[Segment]) -> Iterator[Extra]:
    """Yield the contents of FlashPix segments, usually sound."""
    parts = [each for each in segments if each.starts_with(0xE2, _FLASHPIX)]
    length = sum(each.end - each.start for each in parts)
    if length > SMALL:
        data = b"".join(source.read(each.start, each.end - each.start) for each in parts)
        audio = b"WAVE" in data or "Audio".encode("utf-16-le") in data
        yield Extra("audio" if audio else "data", length, digest=sha256(data).hexdigest())


def _unknown(source: ByteSource, segments: tuple[Segment, ...]) -> Iterator[Extra]:
    """Yield comments and segments of unknown applications: sensor data, signed claims."""
    markers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    known = False
    for before, each in zip((None, *segments), segments, strict=False):
        goes_on = before and before.marker == each.marker and before.end - before.start == _FULL
        listed = any(each.starts_with(marker, name) for marker, name in _KNOWN)
        known = listed or (known and bool(goes_on))
        if not known and not source.is_padding(each.start, each.end):
            markers[each.marker].append((each.start, each.end))
    for marker, ranges in markers.items():
        yield from large(source, "text" if marker == COMMENT else "data", *ranges)
