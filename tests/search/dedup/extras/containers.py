"""Containers of images built by hand, as their specifications have them."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from indexer.images.decode import register_all
from search.dedup.extras import Contents, read

register_all()  # Pillow writes HEIF and JPEG XL by them, too
NOISE = bytes(range(1, 200)) * 30  # 6 KB that are no padding


def drawn(size: tuple[int, int] = (32, 24), colour: str = "teal", mode: str = "RGB") -> Image.Image:
    """Draw a plain image."""
    return Image.new(mode, size, colour)


def encoded(form: str, image: Image.Image | None = None, **how: Any) -> bytes:
    """Encode an image by Pillow."""
    stream = BytesIO()
    (image or drawn()).save(stream, form, **how)
    return stream.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    """Make a JPEG segment (ITU-T T.81, B.1.1.4)."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(*segments: bytes, colour: str = "teal") -> bytes:
    """Make a JPEG with segments behind its JFIF header."""
    plain = encoded("JPEG", drawn(colour=colour))
    behind = 4 + int.from_bytes(plain[4:6], "big")
    return plain[:behind] + b"".join(segments) + plain[behind:]


def xmp(text: str) -> bytes:
    """Make the segment of an XMP packet (XMP Specification Part 3, 1.1.3)."""
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text.encode())


def extended_xmp(text: str, pieces: int) -> list[bytes]:
    """Make the segments of an extended packet (XMP Specification Part 3, 1.1.3.1)."""
    data = text.encode()
    size = -(-len(data) // pieces)
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32
    return [
        segment(0xE1, head + struct.pack(">II", len(data), at) + data[at : at + size])
        for at in range(0, len(data), size)
    ]


def box(kind: bytes, *payload: bytes) -> bytes:
    """Make a box (ISO/IEC 14496-12, 4.2)."""
    data = b"".join(payload)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def full(kind: bytes, *payload: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Make a full box."""
    return box(kind, struct.pack(">I", version << 24 | flags), *payload)


def video(length: int = 4000, brand: bytes = b"mp42") -> bytes:
    """Make what passes for a video."""
    return box(b"ftyp", brand, bytes(4), b"isom") + box(b"mdat", bytes(length)) + box(b"moov", b"x")


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Make a chunk of a PNG (third edition, 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    """Make a chunk of a RIFF file (RFC 9649, 2.3)."""
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


Tag = tuple[int, int, Sequence[int] | bytes]


def tiff_bytes(directories: Iterable[Sequence[Tag]], order: str = "<", big: bool = False) -> bytes:
    """Make a TIFF of a chain of directories (TIFF 6.0, 2), or a BigTIFF.

    A value of a tag that is a negative number stands for the offset of the directory of that
    place, from -1; a directory that is so pointed at is not in the chain.
    """
    held = [list(each) for each in directories]
    below = {
        -v - 1
        for tags in held
        for _, _, vs in tags
        for v in vs
        if not isinstance(vs, bytes) and v < 0
    }
    wide, offset, count = (8, "Q", "Q") if big else (4, "I", "H")
    starts = [0] * len(held)
    out = b""
    for _ in range(2):  # offsets are known the second time
        start = b"II" if order == "<" else b"MM"
        out = start + (
            struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8)
        )
        chain = [place for place in range(len(held)) if place not in below]
        for place, tags in enumerate(held):
            starts[place] = len(out)
            size = (8 if big else 2) + len(tags) * (20 if big else 12) + wide
            table, values = struct.pack(order + count, len(tags)), b""
            for tag, kind, given in tags:
                code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}.get(kind, "B")
                numbers = [starts[-v - 1] if v < 0 else v for v in given]
                data = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
                table += struct.pack(order + "HH" + offset, tag, kind, len(numbers))
                if len(data) <= wide:
                    table += data.ljust(wide, b"\0")
                else:
                    table += struct.pack(order + offset, starts[place] + size + len(values))
                    values += data
            rest = chain[chain.index(place) + 1 :] if place in chain else []
            following = starts[rest[0]] if rest else 0
            out += table + struct.pack(order + offset, following) + values
    return out


def contents(tmp_path: Path, data: bytes, name: str = "file") -> Contents:
    """Read what a file of these bytes holds."""
    path = tmp_path / name
    path.write_bytes(data)
    return read(str(path))


def kinds(tmp_path: Path, data: bytes) -> list[str]:
    """Name what a file of these bytes holds, in order."""
    return [each.kind for each in contents(tmp_path, data).extras]
