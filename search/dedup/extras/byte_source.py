"""Bounded random access to a file, for parsers of its structure."""

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
    """The file does not have the structure that its format prescribes."""


class ByteSource:
    """The bytes of an open file, with at most `MOST_READ` of them in memory.

    More reads than a valid file of its size needs raise UnknownStructure.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self.size = size
        self._reads, self._bytes = _MOST_READS, _MOST_TIMES * size + MOST_READ

    def read(self, start: int, length: int) -> bytes:
        """Return a range of bytes; raises UnknownStructure if it extends beyond the file."""
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
        """Return a range of bytes, cut at the end of the file."""
        return self.read(start, min(length, max(0, self.size - start)))

    def number(self, start: int, length: int, little: bool = False) -> int:
        """Return an unsigned number."""
        return int.from_bytes(self.read(start, length), "little" if little else "big")

    def digest(self, *ranges: tuple[int, int]) -> str:
        """Return the SHA-256 of concatenated byte ranges, each given by start and end."""
        known = sha256()
        for chunk in self._chunks(ranges):
            known.update(chunk)
        return known.hexdigest()

    def is_padding(self, start: int, end: int) -> bool:
        """Return whether a range contains only blanks, zeros and 0xFF."""
        return not any(chunk.strip(PADDING) for chunk in self._chunks([(start, end)]))

    def find(self, pattern: re.Pattern[bytes], start: int, end: int) -> tuple[int, bytes] | None:
        """Return the offset and the bytes of the first match of a pattern of at most 64 bytes."""
        at = start
        while at < end:
            length = min(_CHUNK, end - at)
            last = at + length == end
            found = pattern.search(self.read(at, length))
            # A match near the end of a chunk may continue in the next one.
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
