"""JPEG XL: animations, boxes and what stands behind; a bare codestream does not tell its end."""

from pathlib import Path
from typing import Any

import pytest

from tests.drawn_images import photo
from tests.search.dedup.extras.containers import (
    NOISE,
    box,
    contents,
    encoded,
    kinds,
    video,
)

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl ", bytes(4), b"jxl ")
BARE = encoded("JXL", photo(1, (64, 48)))


@pytest.mark.parametrize("size", [(64, 48), (65, 47), (300, 300), (1000, 8)])
@pytest.mark.parametrize("how", [{}, {"lossless": True}, {"use_container": True}])
def test_a_still_holds_nothing_more(
    tmp_path: Path, size: tuple[int, int], how: dict[str, Any]
) -> None:
    assert kinds(tmp_path, encoded("JXL", photo(1, size), **how)) == []


def moving() -> bytes:
    """Make the beginning of an animation (ISO/IEC 18181-1, annexes D.2 and D.3).

    8 by 8 pixels: div8 1, height 00000, ratio 001; then not all by default, something out of the
    way, orientation 000, no size of its own, no preview, animated.
    """
    bits = "1" + "00000" + "100" + "0" + "1" + "000" + "0" + "0" + "1"
    return b"\xff\x0a" + int(bits[::-1], 2).to_bytes(62, "little")


def test_an_animation_does_not_tell_its_frames(tmp_path: Path) -> None:
    parts = box(b"jxlp", bytes(4), moving()[:3]) + box(b"jxlp", b"\x80\0\0\1", moving()[3:])
    for data in (moving(), CONTAINER + box(b"jxlc", moving()), CONTAINER + parts):
        [extra] = contents(tmp_path, data).extras
        assert (extra.kind, extra.count) == ("frame", None)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (box(b"jhgm", b"a gain map"), ["gain map"]),  # ISO/IEC 18181-2, amendment 1
        (box(b"jumb", NOISE), ["data"]),
        (box(b"Exif", NOISE) + box(b"xml ", NOISE) + box(b"brob", NOISE), []),
        (video(), ["video"]),
        (NOISE, ["data"]),
    ],
)
def test_what_other_boxes_hold_is_found(tmp_path: Path, more: bytes, found: list[str]) -> None:
    assert kinds(tmp_path, CONTAINER + box(b"jxlc", BARE) + more) == found


def test_what_may_stand_behind_a_codestream_without_an_end_is_not_overlooked(
    tmp_path: Path,
) -> None:
    open_ended = CONTAINER + bytes(4) + b"jxlc" + BARE
    for data in (BARE, open_ended):
        assert kinds(tmp_path, data) == []
        assert kinds(tmp_path, data + video()) == ["unknown"]
        assert kinds(tmp_path, data + b"PK\x03\x04\x14\0\0\0") == ["unknown"]
