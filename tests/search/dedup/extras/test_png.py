"""The frames and the private chunks of a PNG are found, and what stands behind it."""

from pathlib import Path

import pytest
from PIL import PngImagePlugin

from tests.search.dedup.extras.containers import (
    NOISE,
    chunk,
    contents,
    drawn,
    encoded,
    kinds,
    video,
)

PLAIN = encoded("PNG")
FRAMES = [drawn(colour=colour) for colour in ("red", "gold")]


def with_chunk(kind: bytes, data: bytes) -> bytes:
    return PLAIN[:-12] + chunk(kind, data) + PLAIN[-12:]


def with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "x" * 9000, zip=True)
    return encoded("PNG", pnginfo=text, icc_profile=NOISE, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        with_text(),
        with_chunk(b"prVt", b"short"),
        with_chunk(b"tEXt", b"Comment\0Created with GIMP"),
        with_chunk(b"tEXt", b"Raw profile type exif\0" + NOISE),
        with_chunk(b"zTXt", b"Raw profile type APP1\0\0" + NOISE),
        with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + NOISE),
        encoded("PNG", save_all=True),
        PLAIN[:-12],  # no end
        PLAIN[:-20],  # pixels cut off
        PLAIN + b"\r\n",
    ],
)
def test_a_plain_one_holds_nothing(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == []


@pytest.mark.parametrize("default", [False, True])
def test_frames_are_counted_without_the_image_that_is_shown(tmp_path: Path, default: bool) -> None:
    data = encoded("PNG", save_all=True, append_images=FRAMES, default_image=default)
    assert [each.count for each in contents(tmp_path, data).extras] == [2]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (with_chunk(b"mkBS", NOISE), "data"),  # the layers of Fireworks
        (with_chunk(b"caBX", NOISE), "data"),
        (with_chunk(b"tEXt", b"workflow\0" + b"{" * 2000), "text"),
        (with_chunk(b"zTXt", b"mxfile\0\0" + NOISE), "text"),
        (with_chunk(b"iTXt", b"parameters\0\0\0\0\0" + NOISE), "text"),
        (PLAIN + video(), "video"),
        (PLAIN + encoded("PNG", icc_profile=NOISE, compress_level=0), "data"),
        (PLAIN + b"PK\x03\x04", "data"),
    ],
)
def test_what_no_viewer_shows_is_found(tmp_path: Path, data: bytes, found: str) -> None:
    assert kinds(tmp_path, data) == [found]


@pytest.mark.parametrize(
    ("mode", "transparent"), [("RGB", False), ("RGBA", True), ("LA", True), ("L", False)]
)
def test_its_transparency_is_seen(tmp_path: Path, mode: str, transparent: bool) -> None:
    data = encoded("PNG", drawn(mode=mode))
    assert contents(tmp_path, data).transparent is transparent


def test_a_chunk_that_points_beyond_the_file_is_not_understood(tmp_path: Path) -> None:
    data = with_chunk(b"tEXt", b"words")
    at = data.index(b"tEXt") - 4
    assert kinds(tmp_path, data[:at] + b"\0\xff\0\0" + data[at + 4 :]) == ["unknown"]
