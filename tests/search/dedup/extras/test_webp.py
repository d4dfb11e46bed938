"""The frames and unknown chunks of a WebP file are found, and what stands behind it."""

from pathlib import Path
from typing import Any

import pytest

from tests.search.dedup.extras.containers import (
    NOISE,
    contents,
    drawn,
    encoded,
    kinds,
    riff_chunk,
    video,
)

PLAIN = encoded("WEBP")


def with_chunk(kind: bytes, data: bytes) -> bytes:
    more = riff_chunk(kind, data)
    length = int.from_bytes(PLAIN[4:8], "little") + len(more)
    return PLAIN[:4] + length.to_bytes(4, "little") + PLAIN[8:] + more


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        encoded("WEBP", lossless=True),
        encoded("WEBP", icc_profile=NOISE, xmp=NOISE, exif=NOISE),
        with_chunk(b"XMP ", NOISE[:-1]),
        with_chunk(b"abcd", b"short"),
    ],
)
def test_a_plain_one_holds_nothing(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == []


def test_frames_are_counted(tmp_path: Path) -> None:
    frames = [drawn(colour=colour) for colour in ("red", "gold")]
    data = encoded("WEBP", save_all=True, append_images=frames)
    [extra] = contents(tmp_path, data).extras
    assert (extra.kind, extra.count) == ("frame", 2)


@pytest.mark.parametrize(
    ("data", "found"),
    [(with_chunk(b"abcd", NOISE), "data"), (PLAIN + NOISE, "data"), (PLAIN + video(), "video")],
)
def test_what_no_viewer_shows_is_found(tmp_path: Path, data: bytes, found: str) -> None:
    assert kinds(tmp_path, data) == [found]


@pytest.mark.parametrize("how", [{}, {"lossless": True}])
@pytest.mark.parametrize(("mode", "transparent"), [("RGB", False), ("RGBA", True)])
def test_its_transparency_is_seen(
    tmp_path: Path, how: dict[str, Any], mode: str, transparent: bool
) -> None:
    data = encoded(
        "WEBP", drawn(colour="#11223344" if mode == "RGBA" else "teal", mode=mode), **how
    )
    assert contents(tmp_path, data).transparent is transparent


def test_one_that_is_cut_off_is_not_understood(tmp_path: Path) -> None:
    assert kinds(tmp_path, PLAIN[:-9]) == ["unknown"]
