"""The first directory of a TIFF (TIFF 6.0 section 2, BigTIFF), and what is mended in it.

Pillow reads the entries of a directory in their order and gives up at the first whose value lies
beyond the end of the file: what comes after it, be it the bit depth or a colour map, is not seen.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLES_PER_PIXEL, MAX_SAMPLE_VALUE = 258, 262, 277, 281
PLANAR_CONFIGURATION, EXTRA_SAMPLES = 284, 338
_WIDTH, _HEIGHT, _COMPRESSION, _STRIPS, _TILES, _SAMPLE_FORMAT = 256, 257, 259, 273, 324, 339
_SAMPLE_FORMATS = {1: "unsigned integers", 2: "signed integers", 3: "floating-point numbers"}
_MOST_BITS = 64  # of a sample in any file there is
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
_PLACES = frozenset((273, 279, 324, 325))  # of strips or tiles, and their sizes
_PER_SAMPLE = frozenset((BITS_PER_SAMPLE, _SAMPLE_FORMAT))
_UNKNOWN_TAG = 335
_ORIENTATION, _XMP, _NO_XMP = 274, 700, 701
_TURNED_BY_XMP = re.compile(rb'tiff:Orientation(="|>)[2-8]')
_UNKNOWN_TYPE = 0  # an entry of which every reader skips
_DEEP = frozenset((12, 16, 32))  # bits of a sample whose WhiteIsZero Pillow does not turn over
_PIXELS = frozenset(  # tags without which the pixels cannot be read
    (254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320)
) | frozenset((322, 323, 324, 325, 338, 339, 347, 529, 530, 532))
_MOST_ENTRIES = 4096
_MOST_NUMBERS = 16  # of the values of an entry


class Entry(NamedTuple):
    """An entry of the directory: its tag, type and length, where it and its value begin."""

    tag: int
    kind: int
    length: int  # in values
    place: int
    value: int


class Directory:
    """The first directory of a TIFF."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = ">" if data[:2] == b"MM" else "<"
        self._big = data[2:4] in (b"\0+", b"+\0")
        self.entries = tuple(self._entries())

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the values of a tag of short or long integers; none where it has no such."""
        for entry in self.entries:
            if entry.tag == tag and entry.kind in (3, 4) and self._fits(entry):
                code = "H" if entry.kind == 3 else "I"
                count = min(entry.length, _MOST_NUMBERS)
                return struct.unpack_from(f"{self._order}{count}{code}", self._data, entry.value)
        return ()

    @property
    def is_inverted(self) -> bool:
        """Return whether it is grey of 12, 16 or 32 bits whose zero is white."""
        return self.numbers(PHOTOMETRIC)[:1] == (_WHITE_IS_ZERO,) and (
            set(self.numbers(BITS_PER_SAMPLE)) <= _DEEP and bool(self.numbers(BITS_PER_SAMPLE))
        )

    @property
    def is_unsigned(self) -> bool:
        """Return whether samples are unsigned integers."""
        return set(self.numbers(_SAMPLE_FORMAT)) <= {1}

    @property
    def kind(self) -> str | None:
        """Return the kind of its samples in words; None if the directory is incomplete."""
        tags = {entry.tag for entry in self.entries if self._fits(entry)}
        bits = self.numbers(BITS_PER_SAMPLE)
        if not tags >= {_WIDTH, _HEIGHT, PHOTOMETRIC} or not tags & {_STRIPS, _TILES}:
            return None
        if not bits or not all(1 <= each <= _MOST_BITS for each in bits):
            return None
        (channels,) = self.numbers(SAMPLES_PER_PIXEL)[:1] or (1,)
        if len(bits) not in (1, min(channels, _MOST_NUMBERS)):
            return None
        (form,) = self.numbers(_SAMPLE_FORMAT)[:1] or (1,)
        (compression,) = self.numbers(_COMPRESSION)[:1] or (1,)
        return (
            f"{channels} channel{'s' * (channels != 1)} of {bits[0]}-bit "
            f"{_SAMPLE_FORMATS.get(form, 'numbers of another format')}, "
            f"{'big-endian BigTIFF, ' * (self._big and self._order == '>')}"
            f"photometric interpretation {self.numbers(PHOTOMETRIC)[0]}, compression {compression}"
        )

    def mended(self) -> bytes:
        """Return the file without damaged entries that no pixel needs, and with zero as black.

        The same bytes where nothing is to be mended. What `is_inverted` before is to be turned
        over after it is decoded: not all of it is known to Pillow. XMP that would turn the image,
        which Pillow heeds where the tag is missing, is hidden.
        """
        damaged = [entry for entry in self.entries if not self._fits(entry)]
        damaged = [entry for entry in damaged if entry.tag not in _PIXELS]
        inverted, turning = self.is_inverted, self._turning_xmp()
        if not damaged and not inverted and not turning:
            return self._data
        data = bytearray(self._data)
        for entry in damaged:
            struct.pack_into(f"{self._order}H", data, entry.place + 2, _UNKNOWN_TYPE)
        for entry in turning:
            struct.pack_into(f"{self._order}H", data, entry.place, _NO_XMP)
        for entry in self.entries:
            if inverted and entry.tag == PHOTOMETRIC:
                self._put(data, entry, _BLACK_IS_ZERO)
        return bytes(data)

    def _turning_xmp(self) -> list[Entry]:
        """Return the XMP entries with an orientation, if there is no orientation tag."""
        if any(entry.tag == _ORIENTATION for entry in self.entries):
            return []
        return [
            entry
            for entry in self.entries
            if entry.tag == _XMP
            and _TURNED_BY_XMP.search(self._data, entry.value, entry.value + entry.length)
        ]

    def plane(self, index: int) -> bytes:
        """Return a file stored plane by plane (PlanarConfiguration 2) as grey: one plane."""
        data = bytearray(self._data)
        planes = next(iter(self.numbers(SAMPLES_PER_PIXEL)), 1)
        for entry in self.entries:
            if entry.tag in _PLACES:
                count = entry.length // planes
                self._keep(data, entry, index * count, count)
            elif entry.tag in _PER_SAMPLE:
                self._keep(data, entry, min(index, entry.length - 1), 1)
            elif entry.tag in (PHOTOMETRIC, SAMPLES_PER_PIXEL, PLANAR_CONFIGURATION):
                self._put(data, entry, 1)  # zero is black, one sample, nothing apart
            elif entry.tag == EXTRA_SAMPLES:
                struct.pack_into(f"{self._order}H", data, entry.place, _UNKNOWN_TAG)
        return bytes(data)

    def _put(self, data: bytearray, entry: Entry, number: int) -> None:
        code = "H" if entry.kind == 3 else "I"
        struct.pack_into(f"{self._order}{code}", data, entry.value, number)

    def _keep(self, data: bytearray, entry: Entry, first: int, count: int) -> None:
        """Leave an entry only `count` of its values, from the one numbered `first`."""
        size = _SIZES[entry.kind]
        place, code, width = entry.value + first * size, *(("Q", 8) if self._big else ("I", 4))
        struct.pack_into(f"{self._order}{code}", data, entry.place + 4, count)
        if count * size <= width:
            field = self._data[place : place + count * size].ljust(width, b"\0")
        else:
            field = struct.pack(f"{self._order}{code}", place)
        data[entry.place + 4 + width : entry.place + 4 + 2 * width] = field

    def _entries(self) -> Iterator[Entry]:
        order, data = self._order, self._data
        head, step, word = ("Q", 20, "HHQ") if self._big else ("H", 12, "HHI")
        try:
            (start,) = struct.unpack_from(
                f"{order}{'Q' if self._big else 'I'}", data, 8 if self._big else 4
            )
            (count,) = struct.unpack_from(f"{order}{head}", data, start)
            first = start + struct.calcsize(f"{order}{head}")
            for place in range(first, first + step * min(count, _MOST_ENTRIES), step):
                tag, kind, values = struct.unpack_from(f"{order}{word}", data, place)
                yield Entry(tag, kind, values, place, self._value(place, kind, values))
        except (struct.error, OverflowError):  # the directory is not in the file
            return

    def _value(self, place: int, kind: int, count: int) -> int:
        field, width, code = (place + 12, 8, "Q") if self._big else (place + 8, 4, "I")
        if _SIZES.get(kind, 1) * count <= width:
            return field
        return int(struct.unpack_from(f"{self._order}{code}", self._data, field)[0])

    def _fits(self, entry: Entry) -> bool:
        size = _SIZES.get(entry.kind)
        # A type that is not known is skipped by every reader.
        return size is None or entry.value + size * entry.length <= len(self._data)
