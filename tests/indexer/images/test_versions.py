"""Since when an image is read as it is now: only what can look otherwise is read again."""

from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from indexer.images import icc
from indexer.images.decode import open_header, open_image
from indexer.images.limits import Limits
from tests.indexer.images.encoded import (
    EXCHANGED,
    P3,
    PROPHOTO,
    chunk,
    encode,
    grain,
    png,
    profile,
    tiff,
)
from tests.indexer.images.jxl_header import container, turned

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "HEIF", "JXL"]


def since(data: bytes) -> int:
    """Return the version; the header and the pixels must say the same."""
    found = open_header(data, Limits()).reads_since
    assert open_image(data).reads_since == found
    return found


def oriented() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return exif.tobytes()


@pytest.mark.parametrize("form", FORMATS)
def test_plain_images_were_always_read_so(form: str) -> None:
    assert since(encode(grain(), form)) == 0
    if form not in ("JXL", "JPEG2000", "BMP", "HEIF"):
        assert since(encode(grain().convert("L"), form)) == 0


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_so_were_those_that_exif_turns_and_those_of_srgb(form: str) -> None:
    assert since(encode(grain(), form, exif=oriented())) == 0
    assert since(encode(grain(), form, icc_profile=profile(icc.SRGB))) == 0


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("primaries", [P3, PROPHOTO, EXCHANGED])
def test_not_those_of_another_profile(form: str, primaries: icc.Primaries) -> None:
    assert since(encode(grain(), form, icc_profile=profile(primaries))) == 1


def test_a_profile_that_is_ignored_changes_nothing() -> None:
    data = encode(grain().convert("L"), "JPEG", icc_profile=profile(PROPHOTO))
    assert since(data) == 0
    assert since(encode(grain(), "PNG", icc_profile=b"no profile" * 20)) == 0


def test_jpeg_xl_is_where_exif_and_codestream_do_not_agree_with_what_was_done() -> None:
    stream = encode(grain(), "JXL")
    assert since(turned(stream, 6)) == 0
    assert since(container(stream, 1)) == 0
    assert since(container(turned(stream, 6), 6)) == 1
    assert since(container(stream, 6)) == 1
    assert since(turned(stream, 1, primaries=11)) == 1


GREY = np.asarray(grain().convert("L"))
DEEP = GREY.astype(np.uint16) * np.uint16(257)
KEY = chunk(b"tRNS", b"\0\1")


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (png(GREY, 8), 0),
        (png(GREY, 8, KEY), 0),
        (png(GREY >> 4, 4), 0),
        (png(GREY >> 4, 4, KEY), 1),
        (png(DEEP, 16), 1),
        (png(DEEP, 16, KEY), 1),
        (png(np.dstack([DEEP] * 2), 16), 1),
        (png(np.dstack([GREY] * 2), 8), 0),
        (png(GREY, 8, chunk(b"gAMA", (45455).to_bytes(4, "big"))), 0),
        (png(GREY, 8, chunk(b"gAMA", (100000).to_bytes(4, "big"))), 1),
        (tiff(GREY), 0),
        (tiff(~GREY, t262=(0,)), 0),
        (tiff(DEEP), 1),
        (tiff(DEEP, t262=(0,)), 1),
        (tiff(np.dstack([GREY] * 4)), 1),
        (tiff(np.dstack([GREY] * 4), t338=(2,)), 0),
    ],
)
def test_bit_depth_and_transparency(data: bytes, version: int) -> None:
    assert since(data) == version


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_what_had_to_be_mended_is_new(form: str) -> None:
    options: dict[str, Any] = {"quality": 90} if form == "JPEG" else {}
    data = encode(grain(), form, **options)
    if form == "JPEG":
        assert open_image(data[:-2]).reads_since == 1
    else:
        assert open_image(data[:33] + chunk(b"pHYs", b"") + data[33:]).reads_since == 1
