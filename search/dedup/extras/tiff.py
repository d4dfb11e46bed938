"""The image file directories of a TIFF: pages, previews, raw images, Photoshop's layers.

TIFF 6.0 (Adobe), its supplements on trees of directories (Technical Note 1) and BigTIFF, Adobe
Photoshop TIFF Technical Notes, DNG 1.7 (ISO 12234-4).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from search.dedup.extras.bit_depth import bit_depth
from search.dedup.extras.byte_source import ByteSource, UnknownStructure
from search.dedup.extras.contents import Contents, Extra, ExtraKind
from search.dedup.extras.trailer import SMALL, behind

LITTLE = (b"II*\0", b"II+\0")
_BIG = (b"II+\0", b"MM\0+")
_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC = 254, 255, 256, 257, 262
_BITS, _SUB_IFDS, _EXTRA_SAMPLES, _LAYERS = 258, 330, 338, 37724
# Scale, tie points, transformation and keys (GeoTIFF 1.1, OGC 19-008r4, 7.1 and 7.2).
_PLACES = (33550, 33922, 34264, 34735, 34736, 34737)
_PARTS = ((273, 279), (324, 325), (513, 514))  # offsets and lengths of strips, tiles, a JPEG
_POINTERS = frozenset((34665, 34853, 40965))  # directories of Exif, GPS and interoperability
_REDUCED, _MASK = 1, 4  # bits of the new subfile type
_SENSOR = frozenset((32803, 34892))  # photometric interpretations: filter array, linear raw
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
_WHOLE = frozenset((1, 3, 4, 13, 16, 18))  # types of unsigned whole numbers
_MOST_IFDS, _MOST_TAGS, _MOST_VALUES = 65_536, 4_096, 1_000_000


@dataclass(frozen=True, slots=True)
class _Field:
    kind: int
    count: int
    start: int

    @property
    def end(self) -> int:
        return self.start + self.count * _SIZES.get(self.kind, 1)


@dataclass(frozen=True, slots=True)
class _Directory:
    fields: dict[int, _Field]
    end: int
    next: int
    sub: bool = False


def tiff(source: ByteSource) -> Contents:
    """Return the extras of a TIFF; raises UnknownStructure."""
    return _Tiff(source).contents()


class _Tiff:
    def __init__(self, source: ByteSource) -> None:
        self._source = source
        magic = source.read(0, 4)
        self._little = magic in LITTLE
        self._number = partial(source.number, little=self._little)
        self._wide = 8 if magic in _BIG else 4  # bytes of an offset

    def contents(self) -> Contents:
        """Return the extras of the file."""
        first, *others = self._directories()
        size = self._pixels(first)
        extras = [extra for each in others for extra in self._further(each, size)]
        extras += [*self._layers(first), *self._georeference(first)]
        bits = max(self._values(first, _BITS), default=1)
        extras += bit_depth(self._source, bits, *self._spans(first))
        samples = self._values(first, _EXTRA_SAMPLES)
        if len(samples) > 1 or 0 in samples:  # 1 and 2 are transparency, 0 is not told
            extras.append(Extra("channels", count=None))
        end = max(self._end(each) for each in (first, *others))
        extras += behind(self._source, min(end, self._source.size), self._source.size)
        return Contents(tuple(extras), transparent=bool({1, 2} & set(samples)))

    def _directories(self) -> Iterator[_Directory]:
        """Yield the directories in order, each before its sub-directories."""
        waiting = [(self._number(8 if self._wide == 8 else 4, self._wide), False)]
        seen: set[int] = set()
        while waiting:
            at, sub = waiting.pop()
            if at == 0 or at in seen:
                continue
            if len(seen) == _MOST_IFDS:
                raise UnknownStructure("it has too many directories")
            seen.add(at)
            found = self._directory(at, sub)
            yield found
            waiting.append((found.next, sub))
            waiting += [(below, True) for below in self._values(found, _SUB_IFDS)]

    def _directory(self, at: int, sub: bool) -> _Directory:
        head, each = (8, 20) if self._wide == 8 else (2, 12)
        count = self._number(at, head)
        if not 0 < count <= _MOST_TAGS:
            raise UnknownStructure("it has too many tags, or none")
        fields = {}
        for entry in range(at + head, at + head + count * each, each):
            kind, many = self._number(entry + 2, 2), self._number(entry + 4, self._wide)
            start = entry + 4 + self._wide
            if _SIZES.get(kind, 1) * many > self._wide:
                start = self._number(start, self._wide)
            fields[self._number(entry, 2)] = _Field(kind, many, start)
        behind_tags = at + head + count * each
        following = self._number(behind_tags, self._wide)
        return _Directory(fields, behind_tags + self._wide, following, sub)

    def _further(self, directory: _Directory, first: int) -> Iterator[Extra]:
        """Yield the extras in a directory after the first one, unless it is a small preview."""
        subfile = self._values(directory, _SUBFILE)
        flags = subfile[0] if subfile else _REDUCED * (self._values(directory, _OLD_SUBFILE) == [2])
        kind: ExtraKind = "image" if directory.sub else "page"
        if set(self._values(directory, _PHOTOMETRIC)) & _SENSOR:
            kind = "raw image"
        elif flags & _MASK:
            kind = "matte"
        elif flags & _REDUCED and self._pixels(directory) <= first:
            return
        yield Extra(kind)

    def _layers(self, directory: _Directory) -> Iterator[Extra]:
        field = directory.fields.get(_LAYERS)
        if field is not None and field.count > SMALL:  # less is an empty block
            span = (field.start, field.end)
            yield Extra("layers", field.count, digest=self._source.digest(span))

    def _georeference(self, directory: _Directory) -> Iterator[Extra]:
        spans = [(f.start, f.end) for tag in _PLACES if (f := directory.fields.get(tag))]
        if spans:
            length = sum(end - start for start, end in spans)
            yield Extra("georeference", length, digest=self._source.digest(*spans))

    def _pixels(self, directory: _Directory) -> int:
        width, height = (self._values(directory, tag) for tag in (_WIDTH, _HEIGHT))
        return width[0] * height[0] if width and height else 0

    def _end(self, directory: _Directory) -> int:
        """Return the end of the last data that a directory refers to."""
        ends = [directory.end, *(field.end for field in directory.fields.values())]
        ends += [end for _, end in self._spans(directory)]
        for tag in _POINTERS:
            for at in self._values(directory, tag):
                below = self._directory(at, True)
                ends += [below.end, *(field.end for field in below.fields.values())]
        return max(end for end in ends if end <= self._source.size)

    def _spans(self, directory: _Directory) -> Iterator[tuple[int, int]]:
        """Yield the start and end of the coded pixels of a directory."""
        for offsets, lengths in _PARTS:
            pairs = zip(
                self._values(directory, offsets), self._values(directory, lengths), strict=False
            )
            yield from ((offset, offset + length) for offset, length in pairs)

    def _values(self, directory: _Directory, tag: int) -> list[int]:
        field = directory.fields.get(tag)
        if field is None or field.kind not in _WHOLE:
            return []
        if field.count > _MOST_VALUES:
            raise UnknownStructure("a tag has too many values")
        size = _SIZES[field.kind]
        data = self._source.read(field.start, field.count * size)
        order: Literal["little", "big"] = "little" if self._little else "big"
        return [int.from_bytes(data[at : at + size], order) for at in range(0, len(data), size)]
