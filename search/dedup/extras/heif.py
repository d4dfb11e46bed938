"""The images of a HEIF or AVIF file, shown or not, and the other contents of its boxes.

ISO/IEC 23008-12 (HEIF) for items, their references and auxiliary images, ISO/IEC 14496-12 for
boxes and tracks, ISO 21496-1 for gain maps, Google's Motion Photo format 1.0 for "mpvd".
"""

from collections.abc import Iterator
from dataclasses import replace

from search.dedup.extras.boxes import Box, boxes, file_boxes
from search.dedup.extras.byte_source import ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra, ExtraKind
from search.dedup.extras.heif_items import Items, items
from search.dedup.extras.trailer import SMALL, behind, require_plain

_KNOWN = frozenset((b"ftyp", b"meta", b"moov", b"mdat", b"free", b"skip", b"pdin", b"wide"))
_VIDEO, _SAMSUNG = b"mpvd", b"sefd"
_IMAGES = frozenset(
    (b"hvc1", b"hev1", b"av01", b"avc1", b"vvc1", b"evc1", b"jpeg", b"j2k1", b"unci", b"lhv1")
    + (b"grid", b"iden", b"iovl", b"tmap")
)
_TONE_MAP = b"tmap"  # derived from a base image and its gain map
_METADATA = frozenset((b"Exif", b"mime", b"uri "))
_AUXILIARY: tuple[tuple[bytes, ExtraKind], ...] = (
    (b"hdrgainmap", "gain map"),
    (b"matte", "matte"),
    (b"auxiliary:alpha", "transparency"),
    (b"hevc:2015:auxid:1", "transparency"),
    (b"depth", "depth map"),
    (b"hevc:2015:auxid:2", "depth map"),
)
_TRACKS: dict[bytes, ExtraKind] = {b"soun": "audio"}  # all others show something


def heif(source: ByteSource) -> Contents:
    """Return the extras of a HEIF or AVIF file; raises UnknownStructure."""
    at, extras, found = 0, [], False
    for box in file_boxes(source):
        found = found or box.kind in (b"meta", b"moov")
        extras += _in_box(source, box)
        if box.open_ended:
            require_plain(source, box.payload, box.end)
        at = box.end
    if not found:
        raise UnknownStructure("it holds no image")
    extras += behind(source, at, source.size)
    return Contents(tuple(extras), any(each.kind == "transparency" for each in extras))


def _in_box(source: ByteSource, box: Box) -> list[Extra]:
    if box.kind == b"meta":
        return list(_Shown(items(source, box)).extras(source))
    if box.kind == b"moov":
        return list(_tracks(source, box))
    if box.kind == _SAMSUNG:
        return behind(source, box.payload, box.end)
    if box.kind == _VIDEO or (box.kind not in _KNOWN and box.length > SMALL):
        kind: ExtraKind = "video" if box.kind == _VIDEO else "data"
        return [Extra(kind, box.length, digest=source.digest((box.payload, box.end)))]
    return []


class _Shown:
    """The items of a file: those that make up the image shown, and the kinds of the others."""

    def __init__(self, found: Items) -> None:
        self._items = found
        self._gain_maps = {
            each
            for number, kind in found.kinds.items()
            if kind == _TONE_MAP
            for each in found.targets("dimg", number)[1:]
        }

    def extras(self, source: ByteSource) -> Iterator[Extra]:
        """Yield the extras: items that are neither part of the image shown nor thumbnails."""
        found = self._items
        told = self._parts(found.primary)
        for number, kind in found.kinds.items():
            # The tone-mapped form of the image is the image.
            if kind == _TONE_MAP and found.targets("dimg", number)[:1] == [found.primary]:
                told.add(number)
        for number in found.sources("thmb"):
            told |= self._parts(number)
        for number in sorted(self._gain_maps - told):
            yield self._extra(source, "gain map", number)
            told |= self._parts(number)
        for number in sorted(found.sources("auxl") - told):
            yield self._extra(source, self._auxiliary(number), number)
            told |= self._parts(number)
        yield from self._depth(source)
        yield from self._further(source, told)
        yield from self._data(source)

    def _depth(self, source: ByteSource) -> Iterator[Extra]:
        main = self._items.primary
        bits = max(self._items.depths.get(part, 0) for part in self._parts(main))
        if bits > 8:
            whole = self._extra(source, "bit depth", main)
            yield replace(whole, bytes=0, count=bits)

    def _further(self, source: ByteSource, told: set[int]) -> Iterator[Extra]:
        rest = {n for n, kind in self._items.kinds.items() if kind in _IMAGES} - told
        parts = {part for number in rest for part in self._parts(number) - {number}}
        for number in sorted(rest - parts or rest):
            yield self._extra(source, "image", number)

    def _data(self, source: ByteSource) -> Iterator[Extra]:
        for number, kind in self._items.kinds.items():
            if kind not in _IMAGES and kind not in _METADATA:
                extra = self._extra(source, "data", number)
                if extra.bytes > SMALL:
                    yield extra

    def _auxiliary(self, number: int) -> ExtraKind:
        urn = self._items.auxiliary.get(number, b"")
        return next((kind for word, kind in _AUXILIARY if word in urn), "image")

    def _parts(self, number: int) -> set[int]:
        """Return an item and all items it is derived from."""
        parts, waiting = set(), [number]
        while waiting:
            each = waiting.pop()
            if each not in parts:
                parts.add(each)
                waiting += [
                    n for n in self._items.targets("dimg", each) if n not in self._gain_maps
                ]
        return parts

    def _extra(self, source: ByteSource, kind: ExtraKind, number: int) -> Extra:
        extents = [self._items.extents.get(part) for part in sorted(self._parts(number))]
        ranges = [span for each in extents if each for span in each]
        # Items derived from others may have no bytes of their own.
        known = bool(ranges) and all(each is not None for each in extents)
        length = sum(end - start for start, end in ranges)
        return Extra(kind, length, digest=source.digest(*ranges) if known else None)


def _tracks(source: ByteSource, movie: Box) -> Iterator[Extra]:
    """Yield the extras in the tracks of an image sequence: frames after the first, and sound."""
    frames = 0
    for track in boxes(source, movie.payload, movie.end):
        media = _below(source, track, b"mdia") if track.kind == b"trak" else None
        if media is None:
            continue
        handler = _below(source, media, b"hdlr")
        kind = source.read(handler.payload + 8, 4) if handler else b""
        if kind in _TRACKS:
            yield Extra(_TRACKS[kind], count=None)
            continue
        sizes: Box | None = media
        for name in (b"minf", b"stbl", b"stsz"):
            sizes = _below(source, sizes, name) if sizes else None
        if sizes is None:
            raise UnknownStructure("a track does not tell its samples")
        frames = max(frames, source.number(sizes.payload + 8, 4))
    if frames > 1:
        yield Extra("frame", count=frames - 1)


def _below(source: ByteSource, box: Box, kind: bytes) -> Box | None:
    return next((b for b in boxes(source, box.payload, box.end) if b.kind == kind), None)
