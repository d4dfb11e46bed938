"""A folder's images, read beside the library: what is an image, and what cannot be one."""

from pathlib import Path

import pytest

from indexer.folder_reader import FolderReader
from indexer.images.limits import Limits
from storage.errors import PathNotFound
from tests.conftest import Draw


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    for number in range(3):
        draw(tmp_path / "folder" / f"{number}.png", number)
    draw(tmp_path / "folder" / "summer" / "3.png", 3)
    return tmp_path / "folder"


def test_images_come_in_path_order_and_others_are_passed_over(folder: Path, draw: Draw) -> None:
    (folder / "note.txt").write_text("a note")
    (folder / "empty.png").write_bytes(b"")
    draw(folder / ".hidden.png")
    (folder / "linked.png").symlink_to(folder / "0.png")
    reading = FolderReader(str(folder), Limits())
    reading.check()
    read = list(reading.read())
    names = [str(Path(each.path).relative_to(folder)) for each in read]
    assert names == ["0.png", "1.png", "2.png", "summer/3.png"]
    assert (reading.read_well, reading.failed) == (4, 1)
    assert "empty.png: the file is empty" in " ".join(reading.notices)


def test_limits_hold(folder: Path) -> None:
    reading = FolderReader(str(folder), Limits(pixels=100))
    assert list(reading.read()) == []
    assert reading.failed == 4
    assert "the limit is 100" in " ".join(reading.notices)


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(PathNotFound, match="holds no image"):
        FolderReader(str(tmp_path / "none"), Limits()).check()


def test_a_folder_of_links_and_hidden_names_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "0.png").symlink_to(folder / "0.png")
    (tmp_path / "links" / ".1.png").write_bytes((folder / "1.png").read_bytes())
    reading = FolderReader(str(tmp_path / "links"), Limits())
    said = "1 symbolic link is not followed; 1 name that begins with a dot is left out"
    with pytest.raises(PathNotFound, match=f"links holds no image: {said}"):
        reading.check()
    (tmp_path / "links" / "1.png").write_bytes((folder / "1.png").read_bytes())
    reading.check()
    assert len(list(reading.read())) == 1
    assert "1 symbolic link is not followed" in " ".join(reading.notices)
