"""Files whose damage costs no pixel, mended: in text, time, size, profile, or a missing end.

What is mended are bytes, before or after a decoder refused them: no decoder is told to be
lenient, which would let missing pixels pass. A repair that finds nothing to mend returns None.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from indexer.images.formats import heif, jpeg, jpeg2000
from indexer.images.formats.boxes import boxes
from indexer.images.formats.png import Png
from indexer.images.formats.tiff import Directory
from storage.errors import DecodeFailure

_RIFF_METADATA = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}  # and their flags in VP8X
_RIFF_PIXELS = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANMF"))
_RIFF_KEPT = _RIFF_PIXELS | frozenset(_RIFF_METADATA) | {b"VP8X", b"ANIM"}
_ANIMATED = 0x02
_JXL_PARTS = frozenset((b"JXL ", b"ftyp", b"jxll", b"jxlc", b"jxlp"))


def prepared(data: bytes, form: str) -> bytes:
    """Return a file as its decoder is to see it: the same bytes unless its header is mended.

    Only for damage that a decoder would not refuse but misread.
    """
    if form == "TIFF":
        return Directory(data).mended()
    return _bmp(data) if form == "BMP" else data


def repaired(data: bytes, form: str, pixels: int) -> bytes | None:
    """Return a repaired copy of a file that a decoder refused, or None if it cannot be repaired.

    `pixels` is the most that an image may have. Raises DecodeFailure where pixels are missing.
    """
    if form == "JPEG":
        return jpeg.repaired(data, pixels)
    repair = _REPAIRS.get(form)
    return None if repair is None else repair(data)


def _png(data: bytes) -> bytes | None:
    return Png(data).repaired()


def _bmp(data: bytes) -> bytes:
    """Return a BMP whose header has no size that cannot be (MS-WMF 2.2.2)."""
    if len(data) < 54:
        return data
    place, header = struct.unpack_from("<I", data, 10)[0], struct.unpack_from("<I", data, 14)[0]
    if header < 40 or 14 + header > len(data):
        return data
    width, height, _, bits, coding = struct.unpack_from("<iiHHI", data, 18)
    colours = struct.unpack_from("<I", data, 46)[0]
    mended = data
    if bits <= 8 and colours > 1 << bits:
        colours, mended = 0, _with_word(mended, 46, 0)
    behind = 14 + header + (12 if coding == 3 and header == 40 else 0)
    if bits <= 8:
        behind += 4 * (colours or 1 << bits)
    needed = (width * bits + 31) // 32 * 4 * abs(height) if coding in (0, 3) else 0
    if place and (place < 14 + header or (place + needed > len(data) >= behind + needed)):
        mended = _with_word(mended, 10, behind)
    return mended


def _with_word(data: bytes, place: int, value: int) -> bytes:
    return data[:place] + struct.pack("<I", value) + data[place + 4 :]


class _RiffChunk(NamedTuple):
    name: bytes
    start: int
    end: int  # of the content, without what pads it to even


def _webp(data: bytes) -> bytes | None:
    """Return the complete chunks of a WebP, written with correct sizes (RFC 9649)."""
    chunks = list(_riff_chunks(data))
    if not any(chunk.name in _RIFF_PIXELS for chunk in chunks):
        raise DecodeFailure("the WEBP is cut short (its pixels are missing)")
    names = {chunk.name for chunk in chunks}
    flags = sum(flag for name, flag in _RIFF_METADATA.items() if name in names)
    flags |= _ANIMATED if b"ANMF" in names else 0
    parts = []
    for name, start, end in chunks:
        content = data[start:end]
        if name == b"VP8X":
            content = bytes((content[0] & 0x10 | flags,)) + content[1:]
        parts.append(name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2))
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff_chunks(data: bytes) -> Iterator[_RiffChunk]:
    at = 12
    while at + 8 <= len(data):
        name, start = data[at : at + 4], at + 8
        end = start + int.from_bytes(data[at + 4 : at + 8], "little")
        if name in _RIFF_PIXELS and end > len(data):
            missing = f"{end - len(data):,} bytes of its pixels are missing"
            raise DecodeFailure(f"the WEBP is cut short ({missing})")
        following = data[end + end % 2 : end + end % 2 + 4]
        is_odd = end > len(data) or (following and following not in _RIFF_KEPT)
        if name not in _RIFF_PIXELS and is_odd:
            at = _next_riff_chunk(data, start)  # its size is wrong, or it is no chunk
            continue
        if name in _RIFF_KEPT:
            yield _RiffChunk(name, start, end)
        at = end + end % 2


def _next_riff_chunk(data: bytes, at: int) -> int:
    found = [place for name in _RIFF_KEPT if (place := data.find(name, at)) > 0]
    return min(found, default=len(data))


def _gif(data: bytes) -> bytes | None:
    """Return the first image of a GIF and what it needs, its last block ended (GIF89a)."""
    if len(data) < 13:
        return None
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    kept = [data[:at]]
    while at < len(data) and data[at] == 0x21:  # an extension
        end, _ = _blocks(data, at + 2)
        if data[at + 1 : at + 3] == b"\xf9\x04":  # whole graphic control: what is transparent
            kept.append(data[at:end])
        at = end
    if data[at : at + 1] != b",":
        return None
    start, flags = at, data[at + 9 : at + 10] or b"\0"
    at += 11 + (3 << (flags[0] & 7) + 1 if flags[0] & 0x80 else 0)
    end, cut = _blocks(data, at)
    image = bytearray(data[start:end])
    if cut is not None:
        image[cut - start] = end - cut - 1
    return b"".join((*kept, image, b"" if cut is not None else b";"))


def _blocks(data: bytes, at: int) -> tuple[int, int | None]:
    """Return where a chain of blocks ends, and where its last one begins if that is cut."""
    while at < len(data) and data[at]:
        following = at + 1 + data[at]
        if following > len(data):
            return len(data), at
        at = following
    return min(at + 1, len(data)), None


def _jxl(data: bytes) -> bytes | None:
    """Return the boxes of a JPEG XL that hold its pixels (ISO/IEC 18181-2)."""
    found = list(boxes(data))
    end = found[-1].end if found else 0
    if data[end + 4 : end + 8] in (b"jxlc", b"jxlp"):
        lacking = end + int.from_bytes(data[end : end + 4], "big") - len(data)
        raise DecodeFailure(f"the JXL is cut short ({lacking:,} bytes of its pixels are missing)")
    kept = b"".join(data[box.start : box.end] for box in found if box.kind in _JXL_PARTS)
    return kept if found and kept != data else None


def _heif(data: bytes) -> bytes | None:
    return heif.repaired(data, "HEIF")


def _avif(data: bytes) -> bytes | None:
    return heif.repaired(data, "AVIF")


_REPAIRS: dict[str, Callable[[bytes], bytes | None]] = {
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "JPEG2000": jpeg2000.repaired,
    "JXL": _jxl,
    "HEIF": _heif,
    "AVIF": _avif,
}
