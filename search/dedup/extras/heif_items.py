"""The items of a HEIF file's "meta" box (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 6)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from search.dedup.extras.boxes import Box, boxes
from search.dedup.extras.byte_source import ByteSource, UnknownStructure

_MOST = 100_000  # items, references, extents
Extents = list[tuple[int, int]]


@dataclass(slots=True)
class Items:
    """The items of a file by number, with their kinds and their references."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    references: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    auxiliary: dict[int, bytes] = field(default_factory=dict)  # URNs of auxiliary images
    depths: dict[int, int] = field(default_factory=dict)  # bits per channel, where they are told
    # Where the bytes of an item are, beginning and end; None where that cannot be told.
    extents: dict[int, Extents | None] = field(default_factory=dict)

    def targets(self, kind: str, number: int) -> list[int]:
        """Return the items that an item refers to."""
        return self.references.get(kind, {}).get(number, [])

    def sources(self, kind: str) -> set[int]:
        """Return the items that have references of a kind."""
        return set(self.references.get(kind, {}))


class _Cursor:
    """Reads consecutive numbers of a box."""

    def __init__(self, source: ByteSource, box: Box, full: bool = True) -> None:
        self._source, self._at, self.end = source, box.payload, box.end
        self.version, self.flags = (self.take(1), self.take(3)) if full else (0, 0)

    def take(self, length: int) -> int:
        return int.from_bytes(self.bytes(length), "big")

    def bytes(self, length: int) -> bytes:
        if self._at + length > self.end:
            raise UnknownStructure("a box is too short")
        self._at += length
        return self._source.read(self._at - length, length)

    def count(self, length: int) -> range:
        many = self.take(length)
        if many > _MOST:
            raise UnknownStructure("it has too many items")
        return range(many)


def items(source: ByteSource, meta: Box) -> Items:
    """Return the items of a "meta" box; raises UnknownStructure."""
    found = Items()
    parts = {box.kind: box for box in boxes(source, meta.payload + 4, meta.end)}
    if b"pitm" in parts:
        cursor = _Cursor(source, parts[b"pitm"])
        found.primary = cursor.take(4 if cursor.version else 2)
    if b"iinf" in parts:
        found.kinds = dict(_kinds(source, parts[b"iinf"]))
    if b"iref" in parts:
        found.references = _references(source, parts[b"iref"])
    if b"iprp" in parts:
        for number, known in _properties(source, parts[b"iprp"]):
            if known.kind == b"auxC":
                text = source.peek(known.payload + 4, min(256, max(0, known.length - 4)))
                found.auxiliary[number] = text.split(b"\0")[0]
            elif bits := _bits(source, known):
                found.depths[number] = max(bits, found.depths.get(number, 0))
    if b"iloc" in parts:
        found.extents = dict(_extents(source, parts[b"iloc"], parts.get(b"idat")))
    return found


def _kinds(source: ByteSource, box: Box) -> Iterator[tuple[int, bytes]]:
    cursor = _Cursor(source, box)
    cursor.count(4 if cursor.version else 2)
    start = box.payload + (8 if cursor.version else 6)
    for entry in boxes(source, start, box.end):
        inner = _Cursor(source, entry)
        if inner.version >= 2:  # earlier ones are of metadata alone
            number = inner.take(4 if inner.version == 3 else 2)
            inner.take(2)
            yield number, inner.bytes(4)


def _references(source: ByteSource, box: Box) -> dict[str, dict[int, list[int]]]:
    width = 4 if _Cursor(source, box).version else 2
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for each in boxes(source, box.payload + 4, box.end):
        cursor = _Cursor(source, each, full=False)
        number = cursor.take(width)
        targets = [cursor.take(width) for _ in cursor.count(2)]
        found[each.kind.decode("latin-1")][number] += targets
    return found


def _bits(source: ByteSource, known: Box) -> int:
    """Return the bits per channel of a property, 0 if it has none."""
    if known.kind == b"pixi":  # ISO/IEC 23008-12, 6.5.6
        return max(source.peek(known.payload + 5, source.number(known.payload + 4, 1)), default=0)
    if known.kind == b"hvcC":  # ISO/IEC 14496-15, 8.3.3.1
        return 8 + (source.number(known.payload + 17, 1) & 7)
    if known.kind == b"av1C":  # AV1 Codec ISO Media File Format Binding, 2.3.3
        high = source.number(known.payload + 2, 1)
        return 8 + 2 * (high >> 6 & 1) * (1 + (high >> 5 & 1))
    return 0


def _properties(source: ByteSource, box: Box) -> Iterator[tuple[int, Box]]:
    """Yield the properties of items, each with the number of its item."""
    parts = list(boxes(source, box.payload, box.end))
    properties = [
        each
        for part in parts
        if part.kind == b"ipco"
        for each in boxes(source, part.payload, part.end)
    ]
    for part in parts:
        if part.kind != b"ipma":
            continue
        cursor = _Cursor(source, part)
        width = 2 if cursor.flags & 1 else 1
        for _ in cursor.count(4):
            number = cursor.take(4 if cursor.version else 2)
            for _ in cursor.count(1):
                index = cursor.take(width) & ((1 << (8 * width - 1)) - 1)
                if 0 < index <= len(properties):
                    yield number, properties[index - 1]


def _extents(
    source: ByteSource, box: Box, data: Box | None
) -> Iterator[tuple[int, Extents | None]]:
    cursor = _Cursor(source, box)
    sizes = cursor.take(2)
    offset_size, length_size, base_size, index_size = (sizes >> s & 15 for s in (12, 8, 4, 0))
    for _ in cursor.count(4 if cursor.version == 2 else 2):
        number = cursor.take(4 if cursor.version == 2 else 2)
        method = cursor.take(2) & 15 if cursor.version else 0  # 0 in the file, 1 in "idat"
        elsewhere = cursor.take(2) != 0
        base = cursor.take(base_size)
        spans = []
        for _ in cursor.count(2):
            if cursor.version:
                cursor.take(index_size)
            start = base + cursor.take(offset_size)
            start += data.payload if method == 1 and data else 0
            length = cursor.take(length_size)
            # No length means all of it: an item of that kind lies in a file of its own.
            spans.append((start, start + length) if length else None)
        told = method == 0 or (method == 1 and data is not None)
        whole = [span for span in spans if span is not None and span[1] <= source.size]
        lost = elsewhere or not told or len(whole) < len(spans)
        yield number, None if lost else whole
