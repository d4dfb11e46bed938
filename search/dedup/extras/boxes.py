"""Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2), which many formats share."""

from collections.abc import Iterator
from dataclasses import dataclass

from search.dedup.extras.byte_source import ByteSource, UnknownStructure

_MOST = 20_000  # boxes at one level; a picture has some dozens, a video of hours some thousands


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, and where it, its payload and the box behind it begin."""

    kind: bytes
    start: int
    payload: int
    end: int
    open_ended: bool = False  # it tells no size and goes on to the end of the range

    @property
    def length(self) -> int:
        """Return the bytes of the payload."""
        return self.end - self.payload


def box_at(source: ByteSource, start: int, end: int) -> Box | None:
    """Return the box at an offset, or None where the bytes there are no box inside the range."""
    head = source.peek(start, 16)[: max(0, end - start)]
    size, kind, payload = int.from_bytes(head[:4], "big"), head[4:8], start + 8
    if len(kind) < 4 or not all(32 <= letter < 127 or letter == 0xA9 for letter in kind):
        return None
    if size == 1 and len(head) == 16:
        size, payload = int.from_bytes(head[8:], "big"), start + 16
    box_end = end if size == 0 else start + size
    return Box(kind, start, payload, box_end, size == 0) if payload <= box_end <= end else None


def file_boxes(source: ByteSource) -> Iterator[Box]:
    """Yield the boxes of a file until what is no box, or until another file begins behind it."""
    at, typed = 0, False
    while (box := box_at(source, at, source.size)) is not None:
        if box.kind == b"ftyp" and typed:
            return
        typed = typed or box.kind == b"ftyp"
        yield box
        at = box.end


def boxes(source: ByteSource, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that fill a range; raises UnknownStructure where it holds anything else."""
    for _ in range(_MOST):
        if start == end:
            return
        box = box_at(source, start, end)
        if box is None:
            raise UnknownStructure("it holds what is no box")
        yield box
        start = box.end
    raise UnknownStructure("it holds too many boxes")
