"""What holds more pictures than were compared is counted, and stays."""

from pathlib import Path

import pytest

from search.duplicates.entries import entries
from search.duplicates.evidence import Evidence
from search.duplicates.frames import frames
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


def test_what_cannot_be_read_counts_as_one(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gif"
    broken.write_bytes(b"GIF89a and no more")
    assert frames(str(broken), "GIF") == 1
    assert frames(str(tmp_path / "none.gif"), "GIF") == 1


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
