"""Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2), common to many formats."""

from collections.abc import Iterator
from dataclasses import dataclass

from search.dedup.extras.byte_source import ByteSource, UnknownStructure

_MOST = 20_000  # boxes at one level; an image has some dozens, a video of hours some thousands


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, and the offsets of its start, its payload and its end."""

    kind: bytes
    start: int
    payload: int
    end: int
    open_ended: bool = False  # its size is 0: it extends to the end of the range

    @property
    def length(self) -> int:
        """Return the length of the payload in bytes."""
        return self.end - self.payload


def box_at(source: ByteSource, start: int, end: int) -> Box | None:
    """Return the box at an offset, or None if there is no valid box within the range."""
    head = source.peek(start, 16)[: max(0, end - start)]
    size, kind, payload = int.from_bytes(head[:4], "big"), head[4:8], start + 8
    if len(kind) < 4 or not all(32 <= letter < 127 or letter == 0xA9 for letter in kind):
        return None
    if size == 1 and len(head) == 16:
        size, payload = int.from_bytes(head[8:], "big"), start + 16
    box_end = end if size == 0 else start + size
    return Box(kind, start, payload, box_end, size == 0) if payload <= box_end <= end else None


def file_boxes(source: ByteSource) -> Iterator[Box]:
    """Yield the boxes of a file up to the first invalid one, or to the start of another file."""
    at, typed = 0, False
    while (box := box_at(source, at, source.size)) is not None:
        if box.kind == b"ftyp" and typed:
            return
        typed = typed or box.kind == b"ftyp"
        yield box
        at = box.end


def boxes(source: ByteSource, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that fill a range; raises UnknownStructure if it contains anything else."""
    for _ in range(_MOST):
        if start == end:
            return
        box = box_at(source, start, end)
        if box is None:
            raise UnknownStructure("it holds what is no box")
        yield box
        start = box.end
    raise UnknownStructure("it holds too many boxes")
