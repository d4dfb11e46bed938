"""Bounded reads of a file from anywhere in it, for those who walk its structure."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import BinaryIO

_CHUNK = 1 << 20
_LONGEST_MATCH = 64  # bytes; two chunks overlap by it
_MOST_READS, _MOST_TIMES = 2_000_000, 16  # in all; the latter times the size of the file
PADDING = b"\0\xff \t\r\n"
MOST_READ = 32 << 20  # bytes held in memory at once


class UnknownStructure(ValueError):
    """The structure of a file is not the one that its format prescribes."""


class ByteSource:
    """The bytes of an open file; it holds `MOST_READ` of them at most.

    What is asked for far more often than a file of its size gives reason to is refused.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self.size = size
        self._reads, self._bytes = _MOST_READS, _MOST_TIMES * size + MOST_READ

    def read(self, start: int, length: int) -> bytes:
        """Return bytes; raises UnknownStructure where not all of them are there."""
        if length > MOST_READ or start < 0 or length < 0 or start + length > self.size:
            raise UnknownStructure("it points beyond the file")
        self._reads, self._bytes = self._reads - 1, self._bytes - length
        if self._reads < 0 or self._bytes < 0:
            raise UnknownStructure("it leads round in circles")
        self._stream.seek(start)
        found = self._stream.read(length)
        if len(found) < length:
            raise UnknownStructure("the file became shorter")
        return found

    def peek(self, start: int, length: int) -> bytes:
        """Return bytes, as many of them as are there."""
        return self.read(start, min(length, max(0, self.size - start)))

    def number(self, start: int, length: int, little: bool = False) -> int:
        """Return an unsigned number."""
        return int.from_bytes(self.read(start, length), "little" if little else "big")

    def digest(self, *ranges: tuple[int, int]) -> str:
        """Return the SHA-256 of byte ranges one after the other, each given by start and end."""
        known = sha256()
        for chunk in self._chunks(ranges):
            known.update(chunk)
        return known.hexdigest()

    def is_padding(self, start: int, end: int) -> bool:
        """Return whether a range holds blanks, zeros and 0xFF alone."""
        return not any(chunk.strip(PADDING) for chunk in self._chunks([(start, end)]))

    def find(self, pattern: re.Pattern[bytes], start: int, end: int) -> tuple[int, bytes] | None:
        """Return where a pattern of at most 64 bytes first matches in a range, and the match."""
        at = start
        while at < end:
            length = min(_CHUNK, end - at)
            last = at + length == end
            found = pattern.search(self.read(at, length))
            # What begins near the end of a chunk may go on in the next one.
            if found and (last or found.end() < length):
                return at + found.start(), found[0]
            if last:
                return None
            at += length - _LONGEST_MATCH
        return None

    def _chunks(self, ranges: Iterable[tuple[int, int]]) -> Iterable[bytes]:
        for start, end in ranges:
            for at in range(start, end, _CHUNK):
                yield self.read(at, min(_CHUNK, end - at))
