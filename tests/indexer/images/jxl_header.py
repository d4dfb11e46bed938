"""A JPEG XL codestream with another header (ISO/IEC 18181-1 annex D), and a container for it."""

import struct

from tests.indexer.images.encoded import box

_SIDES = (9, 13, 18, 30)


def turned(stream: bytes, orientation: int, primaries: int | None = None) -> bytes:
    """Return a bare codestream, of default metadata, turned and of other primaries (11 is P3)."""
    bits = int.from_bytes(stream[2:], "little")
    size = _size_bits(bits)
    assert bits >> size & 3 == 3, "the metadata are not those by default"
    writer = _Writer(bits & (1 << size) - 1, size)
    writer.put(0, 1)  # not all by default
    writer.put(1, 1)  # extra fields:
    writer.put(orientation - 1, 3)
    writer.put(0, 3)  # no intrinsic size, preview, animation
    writer.put(0, 1)  # integers
    writer.put(0, 2)  # of 8 bits
    writer.put(1, 1)  # 16-bit buffers do
    writer.put(0, 2)  # no extra channels
    writer.put(1, 1)  # XYB
    _colours(writer, primaries)
    writer.put(1, 1)  # tone mapping by default
    writer.put(0, 2)  # no extensions
    writer.put(1, 1)  # transforms by default
    rest = stream[2 + (size + 2 + 7) // 8 :]
    return stream[:2] + writer.bytes() + rest


def deepened(stream: bytes, bits: int) -> bytes:
    """Return a bare codestream of 8-bit samples whose colours have 10 or 12 bits instead.

    The samples stay as they are, so they are a quarter or a sixteenth as bright; alpha keeps its
    8 bits.
    """
    header = int.from_bytes(stream[2:], "little")
    place = _size_bits(header)
    assert header >> place & 0b11111 == 0, "the metadata do not begin with integers of 8 bits"
    header |= {10: 1, 12: 2}[bits] << place + 3
    return stream[:2] + header.to_bytes(len(stream) - 2, "little")


def container(stream: bytes, orientation: int) -> bytes:
    """Return a container (ISO/IEC 18181-2) whose Exif box states an orientation."""
    entry = struct.pack("<HHIHH", 274, 3, 1, orientation, 0)
    exif = b"\0\0\0\0II*\0\x08\0\0\0\1\0" + entry + bytes(4)
    head = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return head + box(b"Exif", exif) + box(b"jxlc", stream)


def _colours(writer: "_Writer", primaries: int | None) -> None:
    if primaries is None:
        writer.put(1, 1)  # sRGB
        return
    writer.put(0, 2)  # not by default, no ICC profile
    for value in (0, 1, primaries):  # RGB, D65
        writer.enumerated(value)
    writer.put(0, 1)  # no gamma but
    writer.enumerated(13)  # sRGB's curve
    writer.enumerated(0)


def _size_bits(bits: int) -> int:
    """Count the bits of the SizeHeader."""
    small, at = bits & 1, 1

    def side() -> None:
        nonlocal at
        at += 5 if small else 2 + _SIDES[bits >> at & 3]

    side()
    ratio, at = bits >> at & 7, at + 3
    if not ratio:
        side()
    return at


class _Writer:
    def __init__(self, bits: int, count: int) -> None:
        self._bits, self._count = bits, count

    def put(self, value: int, count: int) -> None:
        self._bits |= value << self._count
        self._count += count

    def enumerated(self, value: int) -> None:
        if value < 2:
            self.put(value, 2)
        else:
            self.put(2, 2)
            self.put(value - 2, 4)

    def bytes(self) -> bytes:
        return self._bits.to_bytes((self._count + 7) // 8, "little")
