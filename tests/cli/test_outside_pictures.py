"""A folder's pictures, read beside the library: what is a picture, and what cannot be one."""

from pathlib import Path

import pytest

from cli.outside_pictures import OutsidePictures
from indexer.images.limits import Limits
from storage import Library
from storage.errors import PathNotFound
from tests.conftest import Draw


@pytest.fixture
def beside(tmp_path: Path) -> Library:
    return Library.create(tmp_path / "library")


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    for number in range(3):
        draw(tmp_path / "folder" / f"{number}.png", number)
    draw(tmp_path / "folder" / "summer" / "3.png", 3)
    return tmp_path / "folder"


def test_pictures_come_in_path_order_and_others_are_passed_over(
    beside: Library, folder: Path, draw: Draw, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "note.txt").write_text("a note")
    (folder / "empty.png").write_bytes(b"")
    draw(folder / ".hidden.png")
    (folder / "linked.png").symlink_to(folder / "0.png")
    reading = OutsidePictures(beside, str(folder), Limits())
    reading.check()
    read = list(reading.read(lambda: None))
    names = [str(Path(each.path).relative_to(folder)) for each in read]
    assert names == ["0.png", "1.png", "2.png", "summer/3.png"]
    assert (reading.read_well, reading.failed, reading.done) == (4, 1, 5)
    assert "empty.png: the file is empty" in capsys.readouterr().err


def test_limits_hold(beside: Library, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reading = OutsidePictures(beside, str(folder), Limits(pixels=100))
    assert list(reading.read(lambda: None)) == []
    assert reading.failed == 4
    assert "the limit is 100" in capsys.readouterr().err


def test_a_folder_without_pictures_is_told(beside: Library, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(PathNotFound, match="holds no picture"):
        OutsidePictures(beside, str(tmp_path / "none"), Limits()).check()


def test_a_folder_of_links_and_hidden_names_says_so(
    beside: Library, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "0.png").symlink_to(folder / "0.png")
    (tmp_path / "links" / ".1.png").write_bytes((folder / "1.png").read_bytes())
    reading = OutsidePictures(beside, str(tmp_path / "links"), Limits())
    said = "1 symbolic link is not followed; 1 name that begins with a dot is left out"
    with pytest.raises(PathNotFound, match=f"links holds no picture: {said}"):
        reading.check()
    (tmp_path / "links" / "1.png").write_bytes((folder / "1.png").read_bytes())
    reading.check()
    assert len(list(reading.read(lambda: None))) == 1
    assert "1 symbolic link is not followed" in capsys.readouterr().err
