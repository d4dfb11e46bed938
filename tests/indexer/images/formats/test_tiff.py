"""Tags of a TIFF damaged one by one (TIFF 6.0 section 2)."""

import struct
from typing import Any

import numpy as np
import pytest

from indexer.images.decode import open_image
from indexer.images.formats.tiff import Directory
from storage.errors import DecodeFailure
from tests.indexer.images.encoded import P3, difference, encode, grain, profile, tiff

PIXEL_TAGS = {256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 320, 338}


def sample(**options: Any) -> bytes:
    """Write a TIFF with tags before and behind those that the pixels need."""
    texts = {270: "a description", 305: "a program", 315: "somebody", 33432: "nobody's"}
    return encode(grain(), "TIFF", tiffinfo=texts, icc_profile=profile(P3), **options)


def entries(data: bytes) -> dict[int, int]:
    """Return where each entry of the first directory of a little-endian TIFF begins."""
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    places = range(start + 2, start + 2 + 12 * count, 12)
    return {int.from_bytes(data[place : place + 2], "little"): place for place in places}


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}], ids=["raw", "lzw"])
@pytest.mark.parametrize("place", [0xFFFFFFF0, 0x00FFFFFF])
def test_a_text_that_lies_beyond_the_end_costs_itself(options: dict[str, Any], place: int) -> None:
    data = sample(**options)
    wanted = open_image(data).image
    ancillary = [tag for tag in entries(data) if tag not in PIXEL_TAGS | {34675}]
    assert len(ancillary) >= 4
    for tag in ancillary:
        at = entries(data)[tag]
        spoilt = data[: at + 4] + struct.pack("<II", 5000, place) + data[at + 12 :]
        assert difference(open_image(spoilt).image, wanted) == 0, tag


@pytest.mark.parametrize("kind", [0, 2, 5, 12, 99, 65535])
def test_an_odd_type_of_an_ancillary_tag_costs_itself(kind: int) -> None:
    data = sample()
    wanted = open_image(data).image
    for tag, at in entries(data).items():
        if tag not in PIXEL_TAGS | {34675}:
            spoilt = data[: at + 2] + struct.pack("<H", kind) + data[at + 4 :]
            assert difference(open_image(spoilt).image, wanted) == 0, tag


def test_what_comes_behind_a_damaged_tag_counts() -> None:
    # A colour map and ExtraSamples have higher numbers than a text that is not there.
    for image in (grain().quantize(16), grain().convert("RGBA")):
        data = encode(image, "TIFF", tiffinfo={305: "a program"})
        wanted = open_image(data).image
        at = entries(data)[305]
        spoilt = data[: at + 4] + struct.pack("<II", 900, 0xFFFFFF00) + data[at + 12 :]
        assert difference(open_image(spoilt).image, wanted) == 0


def test_a_profile_that_lies_beyond_the_end_is_ignored() -> None:
    data = sample()
    at = entries(data)[34675]
    spoilt = data[: at + 8] + struct.pack("<I", 0xFFFFFF00) + data[at + 12 :]
    assert difference(open_image(spoilt).image, grain()) == 0


def test_what_is_sound_is_left_as_it_is() -> None:
    data = sample()
    assert Directory(data).mended() is data
    assert open_image(data).reads_since == 1  # for its profile alone
    assert open_image(encode(grain(), "TIFF")).reads_since == 0


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_are_read_in_either_order(order: Any) -> None:
    directory = Directory(tiff(np.zeros((2, 3), np.uint16), order, t281=(4095,)))
    assert directory.numbers(256) == (3,)
    assert directory.numbers(281) == (4095,)
    assert directory.numbers(999) == ()


def test_big_tiff_is_read() -> None:
    data = encode(grain(), "TIFF", big_tiff=True, tiffinfo={305: "a program of a long name"})
    assert data[2] == 43
    assert Directory(data).numbers(257) == (64,)
    entry = next(each for each in Directory(data).entries if each.tag == 305)
    spoilt = data[: entry.place + 12] + struct.pack("<Q", 1 << 40) + data[entry.place + 20 :]
    assert difference(open_image(spoilt).image, grain()) == 0


@pytest.mark.parametrize(
    "data", [b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b""]
)
def test_a_directory_that_is_not_there_has_no_entries(data: bytes) -> None:
    assert Directory(data).entries == ()
    assert Directory(data).mended() == data


def test_missing_pixels_are_a_failure() -> None:
    with pytest.raises(DecodeFailure, match="the TIFF is cut short"):
        open_image(encode(grain(), "TIFF")[:-50])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("samples", "tags", "said"),
    [
        (
            np.zeros((4, 6), np.float64),
            {"t339": (3,)},
            "1 channel of 64-bit floating-point numbers",
        ),
        (
            np.zeros((4, 6), np.float16),
            {"t339": (3,)},
            "1 channel of 16-bit floating-point numbers",
        ),
        (
            np.zeros((4, 6, 3), np.float32),
            {"t339": (3, 3, 3)},
            "3 channels of 32-bit floating-point numbers, photometric interpretation 2",
        ),
        (
            np.zeros((4, 6, 2), np.uint16),
            {"t262": (1,), "t338": (2,)},
            "2 channels of 16-bit unsigned integers, photometric interpretation 1, compression 1",
        ),
        (np.zeros((4, 6), np.uint8), {"t259": (34000,)}, "compression 34000"),
    ],
)
def test_a_sound_file_of_a_kind_that_is_not_read_is_not_called_damaged(
    samples: Any, tags: Any, said: str, order: Any
) -> None:
    with pytest.raises(DecodeFailure, match="of this kind is not read") as caught:
        open_image(tiff(samples, order, **tags))
    assert said in str(caught.value)
    assert "damaged" not in str(caught.value)


def test_a_directory_without_its_size_is_damaged() -> None:
    data = bytearray(tiff(np.zeros((4, 6), np.uint8)))
    entry = next(each for each in Directory(bytes(data)).entries if each.tag == 256)
    data[entry.place : entry.place + 2] = b"\xff\x00"
    with pytest.raises(DecodeFailure, match="header is damaged"):
        open_image(bytes(data))
    assert Directory(tiff(np.zeros((4, 6), np.uint8), t258=(4919,))).kind is None
    assert Directory(tiff(np.zeros((4, 6), np.uint8), t277=(3,), t258=(8, 8))).kind is None
