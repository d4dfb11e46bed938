"""An Exif block with any type and value in any tag, as TIFF 6.0 lays out its directories."""

import struct
from collections.abc import Sequence

EXIF_POINTER, GPS_POINTER = 0x8769, 0x8825
ASCII, LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL, DOUBLE, UTF8 = 2, 4, 5, 7, 10, 12, 129
_SIZES = {ASCII: 1, LONG: 4, RATIONAL: 8, UNDEFINED: 1, SIGNED_RATIONAL: 8, DOUBLE: 8, UTF8: 1}

Entry = tuple[int, int, bytes]  # tag, type, the bytes of the value


def block(
    main: Sequence[Entry] = (),
    detail: Sequence[Entry] = (),
    place: Sequence[Entry] = (),
    order: str = "<",
) -> bytes:
    """Return "Exif", two zeros and a TIFF stream of IFD0, the Exif and the GPS directory."""
    pointers = [tag for tag, part in ((EXIF_POINTER, detail), (GPS_POINTER, place)) if part]
    empty = [*main, *((tag, LONG, bytes(4)) for tag in pointers)]
    second = 8 + len(_directory(empty, 8, order))
    third = second + len(_directory(detail, second, order))
    offsets = {EXIF_POINTER: second, GPS_POINTER: third if detail else second}
    linked = [*main, *((tag, LONG, struct.pack(f"{order}I", offsets[tag])) for tag in pointers)]
    stream = _directory(linked, 8, order)
    stream += _directory(detail, second, order) if detail else b""
    stream += _directory(place, offsets[GPS_POINTER], order) if place else b""
    mark = b"II" if order == "<" else b"MM"
    return b"Exif\0\0" + mark + struct.pack(f"{order}HI", 42, 8) + stream


def rationals(*parts: tuple[int, int], order: str = "<", signed: bool = False) -> bytes:
    """Write numerators and denominators."""
    form = f"{order}{'ii' if signed else 'II'}"
    return b"".join(struct.pack(form, *part) for part in parts)


def _directory(entries: Sequence[Entry], start: int, order: str) -> bytes:
    if not entries:
        return b""
    table, values = struct.pack(f"{order}H", len(entries)), b""
    behind = start + 2 + 12 * len(entries) + 4
    for tag, kind, value in sorted(entries):
        table += struct.pack(f"{order}HHI", tag, kind, len(value) // _SIZES[kind])
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(f"{order}I", behind + len(values))
            values += value + b"\0" * (len(value) % 2)
    return table + bytes(4) + values
