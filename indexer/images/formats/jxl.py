"""The header of a JPEG XL image, read without decoding a pixel.

The fields are those of ISO/IEC 18181-1 (SizeHeader, ImageMetadata) and 18181-2 (the box container).
"""

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_SIDE_BITS = (9, 13, 18, 30)
_WHOLE_BITS, _FLOAT_BITS = (8, 10, 12), (32, 16, 24)  # per sample; others stand in six bits
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def dimensions(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) as stored, in pixels; None where the header makes no sense."""
    bits = _header(data)
    return None if bits is None else _size(bits)


def moves(data: bytes) -> bool | None:
    """Return whether it is an animation; None where the header makes no sense or has a preview."""
    bits = _header(data)
    if bits is None:
        return None
    _size(bits)
    if bits.take(1) or not bits.take(1):  # all by default, or nothing out of the way
        return False
    bits.take(3)  # orientation
    if bits.take(1):
        _size(bits)  # at which it is to be shown
    return None if bits.take(1) else bool(bits.take(1))


def bits_per_sample(data: bytes) -> int:
    """Read the bits per sample; 8 by default, for animations and for files with a preview."""
    bits = _header(data)
    if bits is None:
        return 8
    _size(bits)
    if bits.take(1):  # all by default
        return 8
    if bits.take(1):
        bits.take(3)  # orientation
        if bits.take(1):
            _size(bits)  # at which it is to be shown
        if bits.take(1) or bits.take(1):
            return 8
    known = _FLOAT_BITS if bits.take(1) else _WHOLE_BITS
    chosen = bits.take(2)
    return known[chosen] if chosen < len(known) else 1 + bits.take(6)


def orientation(data: bytes) -> int:
    """Read the orientation in the codestream, 1 to 8 as in Exif; 1 by default."""
    bits = _header(data)
    if bits is None:
        return 1
    _size(bits)
    if bits.take(1) or not bits.take(1):  # all by default, or nothing out of the way
        return 1
    return bits.take(3) + 1


def _header(data: bytes) -> "_Bits | None":
    start = _codestream_start(data)
    if start is None or data[start : start + 2] != _CODESTREAM or len(data) < start + 4:
        return None
    return _Bits(data[start + 2 : start + 34])


def _size(bits: "_Bits") -> tuple[int, int]:
    small = bits.take(1)
    height = _side(bits, small)
    ratio = _RATIOS.get(bits.take(3))
    width = height * ratio[0] // ratio[1] if ratio else _side(bits, small)
    return width, height


def _side(bits: "_Bits", small: int) -> int:
    return (bits.take(5) + 1) * 8 if small else bits.take(_SIDE_BITS[bits.take(2)]) + 1


class _Bits:
    """Reads numbers of a few bits from bytes, lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & ((1 << count) - 1)
        self._left >>= count
        return value


def _codestream_start(data: bytes) -> int | None:
    """Find where the codestream begins: at once, or in the first jxlc or jxlp box."""
    if data.startswith(_CODESTREAM):
        return 0
    if not data.startswith(_CONTAINER):
        return None
    at = len(_CONTAINER)
    while at + 8 <= len(data):
        size, kind, header = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:  # the size did not fit into 32 bits
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if kind == b"jxlc":
            return at + header
        if kind == b"jxlp":
            return at + header + 4  # past the part's number
        if size < header:  # 0 is "to the end of the file", and the rest is nonsense
            return None
        at += size
    return None
