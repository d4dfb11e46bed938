"""Chunks of a PNG damaged one by one: as long as every pixel is there, the image is."""

import struct
import tracemalloc
import zlib
from functools import cache

import numpy as np
import pytest

from indexer.images.decode import open_image
from indexer.images.formats.png import SIGNATURE, Png
from indexer.images.limits import Limits
from storage.errors import DecodeFailure
from tests.indexer.images.encoded import chunk, difference, encode, grain, png

EXIF = b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHI4s", 271, 2, 4, b"Box\0") + bytes(4)
ANCILLARY = {  # PNG Third Edition 11.3: a sound content for each
    b"tEXt": b"Title\0A drawing",
    b"zTXt": b"Title\0\0" + zlib.compress(b"A drawing"),
    b"iTXt": b"Title\0\1\0en\0\0" + zlib.compress(b"A drawing"),
    b"tIME": struct.pack(">HBBBBB", 2024, 2, 29, 12, 0, 60),
    b"pHYs": struct.pack(">IIB", 2835, 2835, 1),
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    b"sRGB": b"\0",
    b"iCCP": b"profile\0\0" + zlib.compress(bytes(400)),
    b"cICP": bytes((1, 13, 0, 1)),
    b"mDCV": bytes(24),
    b"cLLI": bytes(8),
    b"sBIT": b"\x08\x08\x08",
    b"bKGD": bytes(6),
    b"hIST": bytes(2),
    b"sPLT": b"few\0\x08",
    b"eXIf": EXIF,
    b"acTL": struct.pack(">II", 1, 0),
    b"fcTL": struct.pack(">5I", 0, 96, 64, 0, 0) + bytes(6),
    b"prVt": b"of a program's own",
}
PLAIN = encode(grain(), "PNG")


def with_chunk(content: bytes, behind: bool) -> bytes:
    at = len(PLAIN) - 12 if behind else 33
    return PLAIN[:at] + content + PLAIN[at:]


def damaged(name: bytes, content: bytes) -> dict[str, bytes]:
    noise = np.random.default_rng(3).bytes(60)
    return {
        "wrong check sum": chunk(name, content, check=7),
        "empty": chunk(name, b""),
        "short": chunk(name, content[:1]),
        "noise": chunk(name, noise),
        "twice": chunk(name, content) * 2,
        "a size too small": _sized(chunk(name, content), len(content) // 2),
        "a size too large": _sized(chunk(name, content), len(content) + 9),
        "a huge size": _sized(chunk(name, content), 0x7FFFFFFF),
        "a negative size": _sized(chunk(name, content), 0xFFFFFFF0),
    }


def _sized(whole: bytes, size: int) -> bytes:
    return struct.pack(">I", size) + whole[4:]


@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("name", ANCILLARY, ids=lambda name: name.decode())
def test_no_damage_of_an_ancillary_chunk_costs_the_image(name: bytes, behind: bool) -> None:
    for kind, content in damaged(name, ANCILLARY[name]).items():
        try:
            found = open_image(with_chunk(content, behind)).image
        except DecodeFailure as failure:
            pytest.fail(f"{kind}: {failure}")
        assert difference(found, grain()) == 0, kind


@pytest.mark.parametrize("name", ANCILLARY, ids=lambda name: name.decode())
def test_a_file_that_ends_in_a_chunk_behind_the_pixels_is_whole(name: bytes) -> None:
    whole = PLAIN[:-12] + chunk(name, ANCILLARY[name] + bytes(40))
    for less in (1, 5, 20):
        assert difference(open_image(whole[:-less]).image, grain()) == 0


def texts(size: int) -> dict[str, bytes]:
    words = b"kite over a lake, " * (size // 18)
    return {
        "zTXt": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(words)),
        "iTXt": chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(words)),
        "iTXt, not compressed": chunk(b"iTXt", b"workflow\0\0\0\0\0" + words),
        "tEXt": chunk(b"tEXt", b"workflow\0" + words),
        "XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(words)),
        "iCCP": chunk(b"iCCP", b"scanner\0\0" + zlib.compress(words)),
    }


@pytest.mark.parametrize("kind", texts(0))
@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
def test_a_text_of_any_size_costs_nothing_but_itself(kind: str, behind: bool) -> None:
    data = with_chunk(texts(3_000_000)[kind] + chunk(b"eXIf", EXIF), behind)
    image = open_image(data)
    assert difference(image.image, grain()) == 0
    assert image.capture.camera == "Box"


@cache
def bomb() -> bytes:
    """Compress 100 MB of zeros to 100 KB."""
    packed = zlib.compressobj(9)
    return b"".join(packed.compress(bytes(1 << 20)) for _ in range(100)) + packed.flush()


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "iCCP"])
def test_a_bomb_in_a_text_takes_no_memory(kind: str) -> None:
    heads = {"zTXt": b"a\0\0", "iTXt": b"a\0\1\0\0\0", "iCCP": b"a\0\0"}
    data = with_chunk(chunk(kind.encode(), heads[kind] + bomb()) * 3, False)
    tracemalloc.start()
    try:
        assert difference(open_image(data).image, grain()) == 0
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40 << 20


def test_very_many_texts_are_bounded_together() -> None:
    one = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"word " * 200_000))
    assert difference(open_image(with_chunk(one * 80, False)).image, grain()) == 0


def test_what_is_sound_stays_where_something_else_is_damaged() -> None:
    spoilt = chunk(b"pHYs", b"") + chunk(b"eXIf", EXIF) + chunk(b"tRNS", b"\0")
    image = open_image(with_chunk(spoilt, False))
    assert image.capture.camera == "Box"
    assert difference(image.image, grain()) == 0


@pytest.mark.parametrize("less", [1, 4, 8, 12, 13, 16, 20])
def test_the_end_may_be_missing(less: int) -> None:
    # 12 bytes of IEND, before it the check sum of IDAT and that of its stream.
    assert difference(open_image(PLAIN[:-less]).image, grain()) == 0


def test_rubbish_behind_the_pixels_is_not_looked_at() -> None:
    for rubbish in (b"", bytes(50), b"PK\3\4rubbish", b"\xff\xff\xff\xffIDAT"):
        assert difference(open_image(PLAIN[:-12] + rubbish).image, grain()) == 0


# PNG Third Edition 8.1: where a pass begins and how far apart its pixels are.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
PASSES = {0: ((0, 0, 1, 1),), 1: (*ADAM7, (0, 1, 1, 2))}


def blank(size: tuple[int, int], depth: int, interlace: int) -> bytes:
    """Return black grey as it is stored, each row with its filter byte."""
    width, height = size
    passes = [
        (len(range(left, width, across)) * depth, len(range(top, height, down)))
        for left, top, across, down in PASSES[interlace]
    ]
    return bytes(sum(high * (1 + (wide + 7) // 8) for wide, high in passes if wide))


@pytest.mark.parametrize("interlace", PASSES)
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("size", [(96, 64), (3, 2), (1, 1), (13, 9)])
def test_a_wrong_sum_over_whole_pixels_is_mended(
    size: tuple[int, int], depth: int, interlace: int
) -> None:
    pixels = blank(size, depth, interlace)
    start = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, 0, 0, 0, interlace))
    wrong, end = b"\1\2\3\4", chunk(b"IEND", b"")
    whole = chunk(b"IDAT", zlib.compress(pixels)[:-4] + wrong)
    assert open_image(start + whole + end).image.size == size
    less = chunk(b"IDAT", zlib.compress(pixels[:-1])[:-4] + wrong)
    with pytest.raises(DecodeFailure):
        open_image(start + less + end)


def test_a_wrong_sum_over_damaged_pixels_is_a_failure() -> None:
    at = PLAIN.find(b"IDAT")
    size = int.from_bytes(PLAIN[at - 4 : at], "big")
    spoilt = bytearray(PLAIN)
    spoilt[at + 4 + size - 2] ^= 1  # the stream's sum, and so the chunk's
    with pytest.raises(DecodeFailure, match="damaged"):
        open_image(bytes(spoilt))


@pytest.mark.parametrize("text", [b"", texts(2_000_000)["zTXt"]])
def test_missing_pixels_are_a_failure_that_blames_them(text: bytes) -> None:
    data = with_chunk(text, False)
    with pytest.raises(DecodeFailure, match="the PNG is cut short"):
        open_image(data[: len(data) - 400])


def test_a_damaged_header_or_palette_is_a_failure() -> None:
    header = bytearray(PLAIN)
    header[29] ^= 1
    with pytest.raises(DecodeFailure, match="header is damaged"):
        open_image(bytes(header))
    few = encode(grain().quantize(16), "PNG")
    palette = bytearray(few)
    palette[few.find(b"PLTE") + 5] ^= 64
    with pytest.raises(DecodeFailure):
        open_image(bytes(palette))


def test_the_pixel_limit_holds_for_what_was_mended() -> None:
    data = with_chunk(texts(2_000_000)["zTXt"], False)
    with pytest.raises(DecodeFailure, match="6,144 pixels, the limit is 6,000"):
        open_image(data, limits=Limits(pixels=6000))


def test_the_small_one_has_the_metadata_and_one_pixel() -> None:
    small = Png(with_chunk(chunk(b"eXIf", EXIF), True)).small()
    assert small is not None
    image = open_image(small)
    assert (image.width, image.height, image.capture.camera) == (1, 1, "Box")
    for depth in (1, 2, 4, 8, 16):
        other = Png(png(np.zeros((9, 7), np.uint16), depth)).small()
        assert other is not None and open_image(other).width == 1
