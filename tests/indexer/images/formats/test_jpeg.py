"""JPEGs that lack an end mark, whole and not; and application segments that are too short."""

import re
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from indexer.images.decode import open_image
from indexer.images.formats import jpeg
from storage.errors import DecodeFailure
from tests.indexer.images.encoded import difference, encode, grain, scene

WAYS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "not subsampled": {"subsampling": 0},
    "fine": {"quality": 100},
    "coarse": {"quality": 20},
    "optimized": {"optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 2},
    "restarts in every row": {"progressive": True, "restart_marker_rows": 1},
}


def flat() -> Image.Image:
    """Draw a square on a large white sheet, which an optimized JPEG ends in zeros."""
    image = Image.new("RGB", (160, 120), "white")
    ImageDraw.Draw(image).rectangle((10, 10, 60, 50), fill="red")
    return image


def drawn() -> dict[str, Image.Image]:
    return {"grain": grain(), "flat": flat(), "grey": grain().convert("L")}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["grain", "flat", "grey", "cmyk"])
def test_a_missing_end_mark_costs_nothing(name: str, way: str) -> None:
    image = grain().convert("CMYK") if name == "cmyk" else drawn()[name]
    options = {key: value for key, value in WAYS[way].items() if key != "subsampling"}
    whole = encode(image, "JPEG", **(WAYS[way] if image.mode == "RGB" else options))
    expected = open_image(whole).image
    for data in (whole[:-2], whole[:-1], whole[:-2] + b"\xff" * 40, whole[:-2] + b"\0"):
        assert difference(open_image(data).image, expected) == 0


def test_zeros_where_the_end_mark_should_be_cost_nothing() -> None:
    whole = encode(grain(), "JPEG", quality=88)
    assert whole[-3] != 0
    assert difference(open_image(whole[:-2] + bytes(512)).image, open_image(whole).image) == 0


def test_a_scaled_one_is_read_as_well() -> None:
    data = encode(scene(1600, 1200), "JPEG")[:-2]
    image = open_image(data, smallest=(128, 200))
    assert (image.image.size, image.width) == ((200, 150), 1600)


def cuts(data: bytes) -> list[int]:
    """Choose places to cut: near the end, at every restart and scan, and some between."""
    marks = [match.start() for match in re.finditer(rb"\xff[\xc4\xd0-\xd7\xda]", data)]
    start = data.rfind(b"\xff\xda") if len(marks) < 12 else marks[4]
    dice = np.random.default_rng(len(data))
    some = [int(place) for place in dice.integers(start + 20, len(data) - 5, 6)]
    return [*(len(data) - less for less in (5, 9, 30)), *marks[-6:], *some]


@pytest.mark.parametrize("way", WAYS)
def test_missing_pixels_remain_a_failure(way: str) -> None:
    whole = encode(grain(), "JPEG", **WAYS[way])
    expected = open_image(whole).image
    for place in cuts(whole):
        try:
            found = open_image(whole[:place]).image
        except DecodeFailure as failure:
            assert "JPEG" in failure.reason
        else:  # only where what was cut off was no pixel
            assert difference(found, expected) == 0, place
    with pytest.raises(DecodeFailure, match="the JPEG is cut short"):
        open_image(whole[: len(whole) * 2 // 3])


def test_a_progressive_one_without_its_last_scans_is_a_failure() -> None:
    whole = encode(grain(), "JPEG", progressive=True)
    scans = [match.start() for match in re.finditer(rb"\xff\xda", whole)]
    assert len(scans) > 4
    for scan in scans[1:]:
        tables = whole.rfind(b"\xff\xc4", 0, scan)
        with pytest.raises(DecodeFailure, match="cut short"):
            open_image(whole[:tables])


def test_the_end_mark_of_a_thumbnail_is_not_taken_for_the_images() -> None:
    thumbnail = encode(scene(32, 24), "JPEG")
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    whole = encode(grain(), "JPEG")
    whole = whole[:2] + segment + whole[2:]
    assert difference(open_image(whole[:-2]).image, open_image(whole).image) == 0
    with pytest.raises(DecodeFailure, match="cut short"):
        open_image(whole[:-60])


SEGMENTS = {
    "JFIF": (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
    "ICC": (0xE2, b"ICC_PROFILE\0\1\1"),
    "MPF": (0xE2, b"MPF\0II*\0\x08\0\0\0"),
    "Photoshop": (0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\5abcde"),
    "Adobe": (0xEE, b"Adobe\0d\0\0\0\0\1"),
    "Exif": (0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
}


@pytest.mark.filterwarnings("ignore:Image appears to be a malformed MPO", "ignore:Corrupt EXIF")
@pytest.mark.parametrize("name", SEGMENTS)
def test_a_short_application_segment_costs_nothing(name: str) -> None:
    marker, content = SEGMENTS[name]
    whole = encode(grain(), "JPEG")
    expected = open_image(whole).image
    for size in range(len(content) + 1):
        if name == "Adobe" and size == len(content):
            continue  # then it says how the colours are stored
        segment = bytes((0xFF, marker)) + struct.pack(">H", size + 2) + content[:size]
        found = open_image(whole[:2] + segment + whole[2:]).image
        assert difference(found, expected) == 0, size


def test_nothing_is_tried_above_the_pixel_limit() -> None:
    assert jpeg.repaired(encode(grain(), "JPEG")[:-2], 96 * 64 - 1) is None
    assert jpeg.repaired(encode(grain(), "JPEG")[:-2], 96 * 64) is not None


def test_what_is_sound_is_not_mended() -> None:
    assert jpeg.repaired(encode(grain(), "JPEG"), 1_000_000) is None
    assert jpeg.repaired(b"\xff\xd8\xff\xe0", 1_000_000) is None
