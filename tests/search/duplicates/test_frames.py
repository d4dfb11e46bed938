"""What holds more pictures than were compared is counted, and stays."""

from pathlib import Path
from typing import Any

import pytest

from search.duplicates.entries import entries
from search.duplicates.evidence import Evidence
from search.duplicates.frames import UNTOLD, frames
from search.duplicates.groups import Group, Member
from storage.records import Item
from tests.search.duplicates.drawn import photo


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_frames_and_pages_are_counted(tmp_path: Path, suffix: str) -> None:
    several, one = tmp_path / f"several.{suffix}", tmp_path / f"one.{suffix}"
    pictures = [photo(seed, (64, 48)) for seed in range(3)]
    pictures[0].save(several, save_all=True, append_images=pictures[1:])
    pictures[0].save(one)
    assert frames(str(several), suffix.upper()) == 3
    assert frames(str(one), suffix.upper()) == 1


def test_of_what_cannot_be_read_it_is_not_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gif"
    broken.write_bytes(b"GIF89a and no more")
    assert frames(str(broken), "GIF") == UNTOLD
    assert frames(str(tmp_path / "none.gif"), "GIF") == UNTOLD


@pytest.mark.parametrize("size", [(64, 48), (65, 47), (300, 300), (1000, 8)])
@pytest.mark.parametrize("more", [{}, {"lossless": True}, {"use_container": True}])
def test_a_jpeg_xl_is_one_picture_unless_its_header_says_that_it_moves(
    tmp_path: Path, size: tuple[int, int], more: dict[str, Any]
) -> None:
    still = tmp_path / "still.jxl"
    photo(1, size).save(still, **more)
    assert frames(str(still), "JXL") == 1


def test_a_jpeg_xl_that_moves_is_not_counted(tmp_path: Path) -> None:
    # 8 by 8 pixels: div8 1, height 00000, ratio 001; then not all by default, something out of
    # the way, orientation 000, no size of its own, no preview, animated.
    bits = "1" + "00000" + "100" + "0" + "1" + "000" + "0" + "0" + "1"
    head = int(bits[::-1], 2).to_bytes(8, "little")
    bare, boxed = tmp_path / "bare.jxl", tmp_path / "boxed.jxl"
    bare.write_bytes(b"\xff\x0a" + head)
    codestream = b"\xff\x0a" + head
    box = (len(codestream) + 12).to_bytes(4, "big") + b"jxlp" + bytes(4) + codestream
    boxed.write_bytes(b"\0\0\0\x0cJXL \r\n\x87\n" + box)
    assert frames(str(bare), "JXL") == frames(str(boxed), "JXL") == UNTOLD


def test_an_animation_is_not_dropped_for_its_first_frame(tmp_path: Path) -> None:
    moving, still = tmp_path / "moving.gif", tmp_path / "still.png"
    photo(1).save(still)
    photo(1).save(moving, save_all=True, append_images=[photo(2)])
    item = Item(1, "0" * 64, "image", 1, "PNG", 480, 360)
    other = Item(2, "1" * 64, "image", 1, "GIF", 480, 360)
    alike = Member(other, str(moving), "same-picture", Evidence("same-picture", agreement=1.0))
    copy = Member(other, str(moving), "identical", Evidence("identical"))
    keeper = Member(item, str(still), "same-picture")
    group = Group(1, "same-picture", keeper, "format", (alike, copy))
    _, first, second = entries([group])
    assert (first.action, first.evidence["frames"]) == ("keep", 2)
    assert second.action == "drop"
