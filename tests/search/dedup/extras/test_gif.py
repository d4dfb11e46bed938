"""The frames of a GIF are counted, and what stands behind it is found."""

from pathlib import Path

import pytest

from search.dedup.extras import lacking
from tests.search.dedup.extras.containers import NOISE, contents, drawn, encoded, kinds

FRAMES = [drawn(colour=colour) for colour in ("red", "gold", "blue")]
MOVING = encoded("GIF", save_all=True, append_images=FRAMES)


def test_frames_are_counted(tmp_path: Path) -> None:
    [extra] = contents(tmp_path, MOVING).extras
    assert (extra.kind, extra.count, extra.digest) == ("frame", 3, None)


@pytest.mark.parametrize("data", [encoded("GIF"), encoded("GIF", comment=b"c" * 900)])
def test_one_frame_is_no_more_than_the_image(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == []
    assert kinds(tmp_path, data[:-1]) == []  # some programs write no end
    assert kinds(tmp_path, data + NOISE) == ["data"]


@pytest.mark.parametrize("data", [b"GIF89a and no more", MOVING[:-9], MOVING[:13] + b"\x3b"])
def test_one_that_is_not_understood_may_hold_more(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == ["unknown"]


def test_a_long_comment_is_text(tmp_path: Path) -> None:
    one, other = (
        contents(tmp_path, encoded("GIF", drawn(colour=colour), comment=b"word " * 900))
        for colour in ("red", "gold")
    )
    assert [each.kind for each in one.extras] == ["text"]
    assert lacking(one, other) == ()
