"""Files of every other format whose damage costs no pixel, and those where it does."""

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.images.decode import open_image
from storage.errors import DecodeFailure
from tests.indexer.images.encoded import P3, box, difference, encode, grain, profile

NOISE = np.random.default_rng(8).bytes(64)


def exif() -> bytes:
    made = Image.Exif()
    made[271], made[306] = "Acme", "2015:07:04 12:30:00"
    return made.tobytes()


def seen(data: bytes) -> Image.Image:
    return open_image(data).image


# WebP (RFC 9649)


def webp(lossless: bool = True) -> bytes:
    extra: dict[str, Any] = {"exif": exif(), "icc_profile": profile(P3), "xmp": b"<x/>"}
    return encode(grain(), "WEBP", lossless=lossless, **extra)


def riff(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Return where each chunk begins, and the size of its content."""
    found, at = {}, 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found[data[at : at + 4]] = at, size
        at += 8 + size + size % 2
    return found


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("size", [0, 1, 20, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wrong_size_of_a_whole_webp_costs_nothing(size: int, lossless: bool) -> None:
    for data in (webp(lossless), encode(grain(), "WEBP", lossless=lossless)):
        wrong = data[:4] + struct.pack("<I", size) + data[8:]
        assert difference(seen(wrong), seen(data)) == 0


@pytest.mark.parametrize("behind", [b"\0", b"junk", NOISE, b"EXIF\xff\xff\xff\x7f"])
def test_what_follows_a_webp_is_not_looked_at(behind: bytes) -> None:
    assert difference(seen(webp() + behind), seen(webp())) == 0
    size = struct.pack("<I", len(webp()) + len(behind) - 8)
    assert difference(seen(webp()[:4] + size + webp()[8:] + behind), seen(webp())) == 0


@pytest.mark.parametrize("name", [b"ICCP", b"EXIF", b"XMP "])
def test_a_damaged_metadata_chunk_of_a_webp_costs_itself(name: bytes) -> None:
    data = webp()
    at, size = riff(data)[name]
    without = seen(encode(grain(), "WEBP", lossless=True))
    wanted = without if name == b"ICCP" else seen(data)
    for wrong in (0, size + 1000, 0xFFFFFF00):
        spoilt = data[: at + 4] + struct.pack("<I", wrong) + data[at + 8 :]
        assert difference(seen(spoilt), wanted) == 0, wrong
    noise = data[: at + 8] + (NOISE * 20)[:size] + data[at + 8 + size :]
    assert difference(seen(noise), wanted) == 0
    if name != b"ICCP":  # which stands before the pixels
        for place in (at + 3, at + 8, at + 8 + size // 2):
            assert difference(seen(data[:place]), wanted) == 0


def test_flags_of_a_webp_that_promise_what_is_not_there_cost_nothing() -> None:
    data = webp()
    for flags in (0x00, 0x02, 0x2E, 0x3E):
        spoilt = data[:20] + bytes((flags,)) + data[21:]
        assert seen(spoilt).size == (96, 64)


@pytest.mark.parametrize("lossless", [True, False])
def test_missing_pixels_of_a_webp_are_a_failure(lossless: bool) -> None:
    data = encode(grain(), "WEBP", lossless=lossless)
    for less in (40, len(data) // 2, len(data) - 30):
        with pytest.raises(DecodeFailure, match="the WEBP is cut short"):
            open_image(data[:-less])


# GIF (GIF89a)


def gif() -> bytes:
    return encode(grain().quantize(64), "GIF")


@pytest.mark.parametrize("less", [1, 2])
def test_the_end_of_a_gif_may_be_missing(less: int) -> None:
    assert difference(seen(gif()[:-less]), seen(gif())) == 0


def test_a_gif_cut_in_the_block_that_only_ends_its_codes_is_whole() -> None:
    data = gif()
    # The last block of codes, its terminator 0 and the trailer: cut a byte off the codes, which
    # end with a code that says so.
    assert data[-2:] == b"\0;"
    assert difference(seen(data[:-3]), seen(data)) == 0


@pytest.mark.parametrize(
    "extension",
    [
        b"!\xfe\x05hello\0",
        b"!\xfe\0",
        b"!\xf9\0",
        b"!\xf9\x01\x05\0",
        b"!\xff\x0bNETSCAPE2.0\0",
        b"!\xff\x0bNETSCAPE2.0\1\1\0",
        b"!\xff\x03abc\0",
        b"!\x01\x01a\0",
        b"!\x77\x02ab\0",
    ],
)
def test_odd_extensions_of_a_gif_cost_nothing(extension: bytes) -> None:
    data = gif()
    at = 13 + (3 << (data[10] & 7) + 1)
    for place in (at, len(data) - 1):
        assert difference(seen(data[:place] + extension + data[place:]), seen(data)) == 0


def test_a_transparent_colour_of_a_gif_outlives_the_repair() -> None:
    data = encode(grain().quantize(64), "GIF", transparency=5)
    assert difference(seen(data[:-3]), seen(data)) == 0
    assert difference(seen(data), seen(gif())) > 20


def test_missing_pixels_of_a_gif_are_a_failure() -> None:
    for less in (20, 200, len(gif()) // 2):
        with pytest.raises(DecodeFailure, match="the GIF is cut short"):
            open_image(gif()[:-less])


# BMP (MS-WMF 2.2.2)


def put(data: bytes, place: int, value: int) -> bytes:
    return data[:place] + struct.pack("<I", value) + data[place + 4 :]


FIELDS = {"file size": 2, "offset": 10, "image size": 34, "resolution": 38, "colours": 46}
VALUES = (0, 1, 53, 65537, 0xFFFFFFFF)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_wrong_size_in_a_bitmap_costs_nothing(field: str, mode: str) -> None:
    data = encode(grain() if mode == "RGB" else grain().quantize(256), "BMP")
    for value in (*VALUES, len(data) - 500):
        if field == "colours" and mode == "P" and 0 < value <= 256:
            continue  # so few there may be
        assert difference(seen(put(data, FIELDS[field], value)), seen(data)) == 0, value


def test_missing_pixels_of_a_bitmap_are_a_failure() -> None:
    for offset in (54, 0, 1):
        data = put(encode(grain(), "BMP"), 10, offset)
        with pytest.raises(DecodeFailure, match="the BMP is cut short"):
            open_image(data[:-100])


# JPEG XL (ISO/IEC 18181-2)


JXL_HEAD = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
BAD_BOXES = [
    box(b"Exif", b"abc"),
    box(b"Exif", b"\xff\xff\xff\xff" + NOISE),
    box(b"brob", b"Exif" + NOISE),
    box(b"brob", b"E"),
    box(b"xml ", NOISE),
    box(b"jumb", NOISE),
    box(b"jbrd", NOISE),
]


@pytest.mark.parametrize("bad", BAD_BOXES, ids=lambda bad: bad[4:8].decode())
def test_a_damaged_metadata_box_of_jpeg_xl_costs_itself(bad: bytes) -> None:
    stream = encode(grain(), "JXL")
    wanted = seen(stream)
    code = box(b"jxlc", stream)
    cut = box(b"Exif", b"\0\0\0\0" + exif())[:-20]
    for data in (JXL_HEAD + bad + code, JXL_HEAD + code + bad, JXL_HEAD + code + cut):
        assert difference(seen(data), wanted) == 0


def test_missing_pixels_of_jpeg_xl_are_a_failure_in_plain_words() -> None:
    stream = encode(grain(), "JXL")
    with pytest.raises(DecodeFailure, match="the JXL is damaged") as caught:
        open_image(stream[:-20])
    assert "libjxl" not in caught.value.reason
    with pytest.raises(DecodeFailure, match=r"the JXL is cut short \(20 bytes of its pixels"):
        open_image(JXL_HEAD + box(b"jxlc", stream)[:-20])


# JPEG 2000 (ISO/IEC 15444-1)


def jp2(*inside: bytes, before: bytes = b"", behind: bytes = b"", **options: Any) -> bytes:
    """Return a JPEG 2000 with more boxes in its header, before that, and before its pixels."""
    data = encode(grain(), "JPEG2000", irreversible=False, **options)
    at = data.find(b"jp2h") - 4
    end = at + int.from_bytes(data[at : at + 4], "big")
    header = box(b"jp2h", data[at + 8 : end] + b"".join(inside))
    return data[:at] + before + header + behind + data[end:]


@pytest.mark.parametrize(
    "bad",
    [
        box(b"colr", b"\1\0\0"),
        box(b"colr", b"\2\0\0" + NOISE),
        box(b"res ", b"ab"),
        box(b"res ", box(b"resc", b"ab")),
        box(b"cdef", b"\0"),
        box(b"\0\1\2\3", b""),
        struct.pack(">I", 3) + b"free",
        struct.pack(">I", 9999) + b"free",
    ],
)
def test_a_damaged_box_of_jpeg_2000_costs_itself(bad: bytes) -> None:
    for data in (jp2(bad), jp2(before=bad), jp2(behind=bad)):
        assert difference(seen(data), grain()) == 0


@pytest.mark.parametrize("options", [{}, {"tile_size": (32, 32)}, {"no_jp2": True}])
def test_the_end_mark_of_a_codestream_may_be_missing(options: dict[str, Any]) -> None:
    data = encode(grain(), "JPEG2000", irreversible=False, **options)
    assert data.endswith(b"\xff\xd9")
    for less in (1, 2):
        assert difference(seen(data[:-less]), grain()) == 0


@pytest.mark.parametrize("options", [{}, {"tile_size": (32, 32)}, {"no_jp2": True}])
def test_missing_tiles_of_jpeg_2000_are_a_failure(options: dict[str, Any]) -> None:
    data = encode(grain(), "JPEG2000", irreversible=False, **options)
    places = [len(data) - 3, len(data) - 40]
    last = data.rfind(b"\xff\x90\0\x0a")  # SOT: a file cut between two tile-parts
    places += [last] if options.get("tile_size") else []
    for place in places:
        with pytest.raises(DecodeFailure, match="JPEG2000"):
            open_image(data[:place])


# HEIF and AVIF (ISO/IEC 14496-12)


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_damaged_exif_of_heif_and_avif_costs_itself(form: str) -> None:
    data = encode(grain(), form, exif=exif(), xmp=b"<x>" + b"y" * 99 + b"</x>")
    at = data.find(b"Acme")
    wanted = seen(data)
    for spoilt in (
        data[: at - 30] + NOISE[:40] + data[at + 10 :],
        data[: data.find(b"yyy")] + NOISE + data[data.find(b"yyy") + 64 :],
        data + NOISE,
    ):
        assert difference(seen(spoilt), wanted) == 0


def test_a_heif_cut_in_its_metadata_is_whole() -> None:
    data = encode(grain(), "HEIF", exif=exif(), xmp=b"<x>" + b"y" * 99 + b"</x>")
    start = data.find(b"<x>")
    assert start > len(data) - 200  # behind the pixels
    for place in (len(data) - 1, start + 20, start):
        image = open_image(data[:place])
        assert difference(image.image, seen(data)) == 0
        assert image.capture.taken_at == "2015-07-04T12:30:00"


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_missing_pixels_of_heif_and_avif_are_told(form: str) -> None:
    data = encode(grain(), form)
    with pytest.raises(DecodeFailure, match=rf"the {form} is cut short \(7 bytes of its pixels"):
        open_image(data[:-7])


# All


@pytest.mark.parametrize(
    "form",
    ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF", "HEIF", "JXL"],
)
def test_no_damage_brings_anything_but_an_image_or_a_failure(form: str) -> None:
    dice, data = np.random.default_rng(11), encode(grain(48, 32), form)
    for _ in range(60):
        spoilt = bytearray(data[: dice.integers(1, len(data) + 1)])
        for at in dice.integers(0, len(spoilt), 3):
            spoilt[at] = dice.integers(0, 256)
        try:
            assert open_image(bytes(spoilt)).image.mode == "RGB"
        except DecodeFailure as failure:
            assert failure.reason.strip() and "\n" not in failure.reason
