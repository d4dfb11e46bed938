"""The chunks of a PNG: what they say of its colours, and a copy without the damaged ones.

The rules are those of the PNG Specification, Third Edition (W3C, 2025).
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from indexer.images import icc

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE_BYTES = 16 << 20  # of an ICC profile; the largest of real printers have a quarter
_MAX_TEXT_BYTES = 1 << 20  # of one text; Pillow takes no more
_MAX_TEXTS_BYTES = 16 << 20  # of all texts
_BLOCK = 1 << 20
_NEEDED = re.compile(rb"PLTE|IDAT|IEND")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
# gAMA of sRGB, and how far a value may be from it: libpng corrects no smaller difference.
_SRGB_GAMA, _GAMA_TOLERANCE = 45455, 0.05


class Chunk(NamedTuple):
    """A chunk: its name and where its content begins and ends."""

    name: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """The IHDR; `colour` is 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool


class Png:
    """A PNG as its chunks; ancillary ones whose check sum is wrong are left out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.chunks = tuple(_chunks(data))

    def content(self, name: bytes) -> bytes | None:
        """Return the content of the first chunk of this name before the pixels."""
        for chunk in self.chunks:
            if chunk.name == name:
                return self._data[chunk.start : chunk.end]
            if chunk.name == b"IDAT":
                break
        return None

    @cached_property
    def header(self) -> Header | None:
        """Return the IHDR, None if it is incomplete."""
        content = self.content(b"IHDR") or b""
        if len(content) < 13:
            return None
        width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", content[:13])
        return Header(width, height, depth, colour, bool(interlace))

    def profiles(self) -> Iterator[bytes | None]:
        """Yield its colour metadata as ICC profiles, None for sRGB; the first counts.

        In the order of the specification: cICP, iCCP, sRGB, and last gAMA with cHRM. A profile
        of iCCP may be broken, and then the next counts.
        """
        cicp, iccp = self.content(b"cICP") or b"", self.content(b"iCCP") or b""
        # As RGB, of the full range.
        if len(cicp) == 4 and cicp[2:] == b"\0\1" and icc.is_coded(cicp[0], cicp[1]):
            yield icc.coded_profile(cicp[0], cicp[1], self._is_grey)
        if profile := _inflated(iccp.partition(b"\0")[2], MAX_PROFILE_BYTES):
            yield profile
        yield None if self.content(b"sRGB") else self._calibrated()

    def _calibrated(self) -> bytes | None:
        gama, chrm = self.content(b"gAMA") or b"", self.content(b"cHRM") or b""
        gamma = int.from_bytes(gama, "big") if len(gama) == 4 else _SRGB_GAMA
        if not 10_000 <= gamma <= 1_000_000:  # an image for no screen there is
            gamma = _SRGB_GAMA
        like_srgb = abs(gamma / _SRGB_GAMA - 1) < _GAMA_TOLERANCE
        if like_srgb and len(chrm) != 32:
            return None
        curve = icc.srgb_curve() if like_srgb else icc.gamma_curve(100_000 / gamma)
        if self._is_grey:
            return icc.grey_profile(curve)
        return icc.matrix_profile(_primaries(chrm) if len(chrm) == 32 else icc.SRGB, curve)

    @property
    def _is_grey(self) -> bool:
        return self.header is not None and self.header.colour in (0, 4)

    def significant_bits(self) -> int | None:
        """Return the highest number of significant bits of a sample in sBIT."""
        bits = self.content(b"sBIT") or b""
        return max(bits, default=None)

    def transparent(self) -> tuple[int, ...] | None:
        """Return the sample values that tRNS makes transparent, or None; not those of a palette."""
        header, content = self.header, self.content(b"tRNS") or b""
        if header is None or header.colour not in (0, 2):
            return None
        count = _CHANNELS[header.colour]
        if len(content) < 2 * count:
            return None
        mask = (1 << header.depth) - 1  # "only the low-order bits are used"
        return tuple(value & mask for value in struct.unpack(f">{count}H", content[: 2 * count]))

    def by_bytes(self) -> bytes:
        """Return 16-bit grey with alpha as RGBA of 8 bits: its channels are the two bytes of each.

        A filter predicts a byte by the one four before in both (clause 9.2).
        """
        header = self.header
        assert header is not None and (header.depth, header.colour) == (16, 4)
        start, end = next((at, end) for name, at, end in self.chunks if name == b"IHDR")
        content = self._data[start:end]
        ihdr = _chunk(b"IHDR", content[:8] + b"\x08\x06" + content[10:])
        return self._data[: start - 8] + ihdr + self._data[end + 4 :]

    def repaired(self) -> bytes | None:
        """Return the pixels and the sound metadata as a new PNG; None where it has no pixels."""
        pixels = [chunk for chunk in self.chunks if chunk.name == b"IDAT"]
        return self._with(self._data, pixels) if self.header and pixels else None

    def small(self) -> bytes | None:
        """Return a PNG of one pixel with this one's metadata, which is read in no time."""
        header = self.header
        if header is None or header.colour not in _CHANNELS:
            return None
        depth = bytes((header.depth, header.colour, 0, 0, 0))
        ihdr = _chunk(b"IHDR", struct.pack(">II", 1, 1) + depth)
        bits = _CHANNELS[header.colour] * header.depth
        return self._joined(ihdr, _chunk(b"IDAT", zlib.compress(bytes(1 + (bits + 7) // 8))))

    def _with(self, data: bytes, pixels: Sequence[Chunk]) -> bytes:
        ihdr = next(chunk for chunk in self.chunks if chunk.name == b"IHDR")
        body = b"".join(data[chunk.start : chunk.end] for chunk in pixels)
        if all(_is_sound(data, chunk) for chunk in pixels):
            body = self._with_check_sum(body)
        return self._joined(_whole(data, ihdr), _chunk(b"IDAT", body))

    def _joined(self, ihdr: bytes, idat: bytes) -> bytes:
        before = [_whole(self._data, chunk) for chunk in self._kept()]
        return b"".join((SIGNATURE, ihdr, *before, idat, _chunk(b"IEND", b"")))

    def _kept(self) -> Iterator[Chunk]:
        """Yield what stays beside the pixels: palette, transparency, Exif and texts in bounds."""
        room = _MAX_TEXTS_BYTES
        for chunk in self.chunks:
            if chunk.name in _TEXTS:
                size = _text_bytes(chunk.name, self._data[chunk.start : chunk.end])
                if size is None or size > min(room, _MAX_TEXT_BYTES):
                    continue
                room -= size
            elif chunk.name == b"tRNS":
                if not self._is_transparency(chunk):
                    continue
            elif chunk.name not in (b"PLTE", b"eXIf"):
                continue
            yield chunk

    def _is_transparency(self, chunk: Chunk) -> bool:
        header = self.header
        size = chunk.end - chunk.start
        least = {0: 2, 2: 6, 3: 1}.get(header.colour) if header else None
        return least is not None and size >= least

    def _with_check_sum(self, body: bytes) -> bytes:
        """Return a stream that has every pixel with its right check sum."""
        stream = zlib.decompressobj(-15)
        found, total, rest = 1, 0, body[2:]
        try:
            while rest and not stream.eof:
                block = stream.decompress(rest, _BLOCK)
                found, total = zlib.adler32(block, found), total + len(block)
                rest = stream.unconsumed_tail
        except zlib.error:
            return body
        if not stream.eof or total < self._raw_bytes():
            return body
        used = len(body) - len(stream.unused_data)
        return body[:used] + found.to_bytes(4, "big")

    def _raw_bytes(self) -> int:
        """Return the size of the pixels before they were compressed, filter bytes among them."""
        header = self.header
        assert header is not None
        passes = _ADAM7 if header.interlaced else ((0, 0, 1, 1),)
        total = 0
        for left, top, across, down in passes:
            width = (header.width - left + across - 1) // across
            height = (header.height - top + down - 1) // down
            if width > 0 and height > 0:
                bits = width * header.depth * _CHANNELS.get(header.colour, 1)
                total += height * (1 + (bits + 7) // 8)
        return total


def _chunks(data: bytes) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        chunk = Chunk(name, at + 8, min(at + 8 + size, len(data)))
        plausible = name.isalpha() and size < 1 << 31
        if plausible and (_is_critical(name) or _is_sound(data, chunk)):
            yield chunk
            if name == b"IEND":
                return
        at += 12 + size
        if not plausible or (not _is_critical(name) and not _follows(data, at)):
            at = _resumed(data, chunk.start)


def _is_critical(name: bytes) -> bool:
    return name[:1].isupper()


def _is_sound(data: bytes, chunk: Chunk) -> bool:
    stated = data[chunk.end : chunk.end + 4]
    return stated == zlib.crc32(data[chunk.start - 4 : chunk.end]).to_bytes(4, "big")


def _follows(data: bytes, at: int) -> bool:
    """Return whether a chunk, or the end of the file, begins where the chunk before ends."""
    size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
    is_whole = at + 12 + size <= len(data)
    return at == len(data) or (is_whole and name.isalpha() and name[2:3].isupper())


def _resumed(data: bytes, at: int) -> int:
    """Return the place of the next palette, pixels or end behind a chunk whose size is wrong."""
    first = len(data)
    for match in _NEEDED.finditer(data, at):
        start = match.end()
        end = start + int.from_bytes(data[start - 8 : start - 4], "big")
        if _is_sound(data, Chunk(match.group(), start, end)):
            return start - 8
        first = min(first, start - 8)
    return first  # maybe the pixels, cut


def _whole(data: bytes, chunk: Chunk) -> bytes:
    """Return a chunk unchanged, with its check sum."""
    return data[chunk.start - 8 : chunk.end + 4]


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(name))
    return b"".join((struct.pack(">I", len(content)), name, content, check.to_bytes(4, "big")))


def _inflated(content: bytes, most: int) -> bytes | None:
    """Decompress what follows a compression method byte; None where it is broken or too long."""
    if content[:1] != b"\0":
        return None
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(content[1:], most)
    except zlib.error:
        return None
    return plain if stream.eof else None


def _text_bytes(name: bytes, content: bytes) -> int | None:
    """Return how much memory a text takes; None where it is broken or takes too much."""
    _, _, rest = content.partition(b"\0")
    if name == b"zTXt":
        packed = rest
    elif name == b"iTXt" and rest[:1] == b"\1":
        packed = rest[1:2] + rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        return len(content)
    plain = _inflated(packed, _MAX_TEXT_BYTES)
    return None if plain is None else len(content) + len(plain)


def _primaries(chrm: bytes) -> icc.Primaries:
    values = [value / 100_000 for value in struct.unpack(">8I", chrm)]
    white, red, green, blue = zip(values[::2], values[1::2], strict=True)
    return icc.Primaries(red, green, blue, white)
