"""What a PNG says of its colours: the first of its statements counts (PNG, 3rd edition, 4.3)."""

import struct
import zlib

import pytest
from PIL import Image

from indexer.images import icc
from tests.indexer.images.converted import PROFILES, by_littlecms, colours, seen
from tests.indexer.images.encoded import ADOBE, P3, PROPHOTO, chunk, difference, encode, profile


def gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def chrm(primaries: icc.Primaries) -> bytes:
    points = (primaries.white, primaries.red, primaries.green, primaries.blue)
    numbers = [round(value * 100_000) for point in points for value in point]
    return chunk(b"cHRM", struct.pack(">8I", *numbers))


def iccp(content: bytes) -> bytes:
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(content))


S_RGB, P3_CODES = chunk(b"sRGB", b"\0"), chunk(b"cICP", bytes((12, 13, 0, 1)))


@pytest.mark.parametrize(
    ("chunks", "meant"),
    [
        ([P3_CODES, iccp(PROFILES["ProPhoto"]), S_RGB], PROFILES["Display P3"]),
        ([iccp(PROFILES["ProPhoto"]), S_RGB, gama(100_000)], PROFILES["ProPhoto"]),
        ([S_RGB, gama(100_000), chrm(ADOBE)], None),
        ([gama(100_000)], profile(icc.SRGB, 1.0)),
        ([gama(55_556), chrm(PROPHOTO)], PROFILES["ProPhoto"]),
        ([chrm(P3)], PROFILES["Display P3"]),
        ([gama(45_455), chrm(P3)], PROFILES["Display P3"]),
        ([gama(45_455)], None),
        ([gama(45_455), chrm(icc.SRGB)], None),
        ([gama(0)], None),
        ([gama(1)], None),
        ([chunk(b"cHRM", bytes(32))], None),
        ([chunk(b"cICP", bytes((12, 13, 1, 1)))], None),  # YCbCr is for no PNG
        ([chunk(b"cICP", bytes((12, 99, 0, 1))), S_RGB], None),
        ([iccp(b"broken"), chrm(P3)], PROFILES["Display P3"]),
    ],
)
def test_a_png_is_read_by_the_first_of_its_statements(
    chunks: list[bytes], meant: bytes | None
) -> None:
    plain = encode(colours(), "PNG")
    data = plain[:33] + b"".join(chunks) + plain[33:]
    wanted = colours() if meant is None else by_littlecms(colours(), meant)
    assert difference(seen(data), wanted) <= 2


def test_gamma_of_a_grey_png_is_its_curve() -> None:
    grey = Image.linear_gradient("L")
    plain = encode(grey, "PNG")
    data = plain[:33] + gama(100_000) + chrm(P3) + plain[33:]
    linear = icc.grey_profile(icc.gamma_curve(1.0))
    assert difference(seen(data), by_littlecms(grey, linear)) <= 1
