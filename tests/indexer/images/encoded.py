"""Drawn images as the bytes of files: by Pillow's encoders, and by hand where they cannot."""

import struct
import zlib
from io import BytesIO
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from indexer.images import icc
from indexer.images.decode import register_all

register_all()  # Pillow writes HEIF and JPEG XL by them, too


def scene(width: int = 96, height: int = 64) -> Image.Image:
    """Draw four fields of colour, so that every turn and flip looks different."""
    image = Image.new("RGB", (width, height), (210, 40, 40))
    image.paste((40, 190, 60), (width // 2, 0, width, height // 2))
    image.paste((50, 70, 200), (0, height // 2, width // 2, height))
    image.paste((230, 220, 90), (width // 2, height // 2, width, height))
    return image


def grain(width: int = 96, height: int = 64) -> Image.Image:
    """Draw the scene with noise, which no codec writes in few bytes."""
    noise = np.random.default_rng(5).integers(-30, 30, (height, width, 3))
    return Image.fromarray((np.asarray(scene(width, height)) + noise).clip(0, 255).astype(np.uint8))


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return an image as the bytes of a file; skips where the machine cannot write the format."""
    if form not in Image.SAVE:
        pytest.skip(f"this machine cannot write {form}")
    into = BytesIO()
    image.save(into, form, **options)
    return into.getvalue()


def difference(one: Image.Image, other: Image.Image) -> int:
    """Return by how many levels two images differ where they differ most."""
    assert one.size == other.size
    pair = (np.asarray(each.convert("RGB"), np.int64) for each in (one, other))
    first, second = pair
    return int(np.abs(first - second).max())


def chunk(name: bytes, content: bytes, check: int | None = None) -> bytes:
    """Return a PNG chunk (PNG Third Edition 5.3), with a wrong check sum if one is given."""
    right = zlib.crc32(name + content)
    stated = right if check is None else check
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", stated)


def png(samples: NDArray[Any], depth: int, *chunks: bytes) -> bytes:
    """Return samples (height, width) or (height, width, 3 or 4) as a PNG of a bit depth."""
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    header = struct.pack(">IIBB3x", width, height, depth, {1: 0, 2: 4, 3: 2, 4: 6}[channels])
    flat = samples.reshape(height, -1)
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in flat]
    else:
        bits = ((flat[..., None] >> np.arange(depth)[::-1]) & 1).astype(np.uint8)
        rows = [np.packbits(row.reshape(-1)).tobytes() for row in bits]
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    body = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def tiff(samples: NDArray[Any], order: Literal["<", ">"] = "<", **tags: tuple[int, ...]) -> bytes:
    """Return samples as an uncompressed TIFF of one strip (TIFF 6.0) in a byte order.

    `tags` are further ones, short integers, by number as in `t262=(0,)`.
    """
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    pixels = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    values: dict[int, tuple[int, ...]] = {
        256: (width,),
        257: (height,),
        258: (samples.dtype.itemsize * 8,) * channels,
        259: (1,),
        262: (1 if channels == 1 else 2,),
        273: (8,),
        277: (channels,),
        278: (height,),
    }
    values |= {int(name[1:]): value for name, value in tags.items()}
    start = 8 + len(pixels) + len(pixels) % 2
    values.setdefault(279, (len(pixels),))
    behind = start + 2 + 12 * len(values) + 4
    entries, rest = [], b""
    for tag, value in sorted(values.items()):
        code, kind = ("I", 4) if tag in (273, 279) else ("H", 3)
        packed = struct.pack(f"{order}{len(value)}{code}", *value)
        if len(packed) > 4:
            place, rest = behind + len(rest), rest + packed
            packed = struct.pack(f"{order}I", place)
        entries.append(struct.pack(f"{order}HHI", tag, kind, len(value)) + packed.ljust(4, b"\0"))
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4)
    return (
        mark + struct.pack(f"{order}I", start) + pixels + bytes(len(pixels) % 2) + directory + rest
    )


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box of ISO/IEC 14496-12 4.2."""
    return struct.pack(">I", 8 + len(content)) + kind + content


P3 = icc.Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = icc.Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
PROPHOTO = icc.Primaries((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))
EXCHANGED = icc.Primaries(icc.SRGB.green, icc.SRGB.blue, icc.SRGB.red)


def profile(primaries: icc.Primaries, gamma: float | None = None) -> bytes:
    """Return an ICC profile, of sRGB's curve unless a gamma is given."""
    curve = icc.srgb_curve() if gamma is None else icc.gamma_curve(gamma)
    made = icc.matrix_profile(primaries, curve)
    assert made is not None
    return made
