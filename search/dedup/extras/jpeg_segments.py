"""The marker segments and the end of a JPEG stream (ITU-T T.81, annex B)."""

import re
from dataclasses import dataclass

from search.dedup.extras.byte_source import ByteSource, UnknownStructure

START = b"\xff\xd8\xff"
COMMENT = 0xFE
_END, _SCAN = 0xD9, 0xDA
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length: TEM, RSTn, SOI
# In coded data 0xFF is followed by zero or is a restart marker; more of it is filling.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MOST = 100_000  # a photo has some dozens
_IDENTIFIER = 64  # bytes by which an application names its segment


@dataclass(frozen=True, slots=True)
class Segment:
    """A comment or application segment: its marker (0xE1 is APP1), payload and first bytes."""

    marker: int
    start: int
    end: int
    head: bytes

    def starts_with(self, marker: int, identifier: bytes) -> bool:
        """Return whether it is an application segment with this identifier."""
        return self.marker == marker and self.head.startswith(identifier)


@dataclass(frozen=True, slots=True)
class JpegStream:
    """A JPEG stream: its comments and application segments, and the offset of its end."""

    segments: tuple[Segment, ...]
    end: int
    scan: int  # where the first scan begins
    whole: bool  # an end marker was there


def stream_at(source: ByteSource, start: int) -> JpegStream:
    """Parse the JPEG stream at an offset; raises UnknownStructure if there is none.

    A stream that is cut off inside its coded data ends with the file.
    """
    if source.peek(start, 3) != START:
        raise UnknownStructure("it is no JPEG")
    segments: list[Segment] = []
    at, scan = start + 2, 0
    for _ in range(_MOST):
        lead, marker = source.read(at, 2)
        if lead != 0xFF:
            raise UnknownStructure("no marker where one should be")
        if marker == 0xFF:  # filling
            at += 1
        elif marker == _END:
            return JpegStream(tuple(segments), at + 2, scan or at, True)
        elif marker in _ALONE:
            at += 2
        else:
            end = at + 2 + source.number(at + 2, 2)
            if not at + 4 <= end <= source.size:
                raise UnknownStructure("a segment points beyond the file")
            if 0xE0 <= marker <= 0xEF or marker == COMMENT:
                head = source.peek(at + 4, min(_IDENTIFIER, end - at - 4))
                segments.append(Segment(marker, at + 4, end, head))
            at = end
            if marker == _SCAN:
                scan = scan or end
                found = source.find(_MARKER, end, source.size)
                if found is None:
                    return JpegStream(tuple(segments), source.size, scan, False)
                at = found[0]
    raise UnknownStructure("it has too many segments")
