"""Lists as files: there whole or not at all, whatever the paths are."""

import os
from pathlib import Path

import pytest

from cli.output.lists import list_path, writing_list
from storage.errors import SightlineError

COLUMNS = {"path": "string", "item": "string"}
ROWS = [
    {"path": f"/{name}.jpg", "item": item} for name, item in (("a", "1"), ("b", "1"), ("c", "2"))
]


def test_paths_are_the_very_bytes(tmp_path: Path) -> None:
    odd = os.fsdecode(b"/odd \xff.jpg")
    with writing_list(tmp_path / "new" / "list.txt", "paths", COLUMNS) as written:
        written.add({"path": odd, "item": "1"})
    assert (tmp_path / "new" / "list.txt").read_bytes() == b"/odd \xff.jpg\n"


def test_a_name_with_a_line_break_is_told_from_two_by_nuls(tmp_path: Path) -> None:
    with writing_list(tmp_path / "list.txt", "paths0", COLUMNS) as written:
        written.add({"path": "/a\nb.jpg", "item": "1"})
        written.add({"path": "/c.jpg", "item": "2"})
    assert (tmp_path / "list.txt").read_bytes() == b"/a\nb.jpg\0/c.jpg\0"


def test_an_id_stands_for_all_files_of_an_image(tmp_path: Path) -> None:
    with writing_list(tmp_path / "list.txt", "ids", COLUMNS) as written:
        for row in ROWS:
            written.add(row)
    assert (tmp_path / "list.txt").read_text() == "1\n2\n"


@pytest.mark.parametrize("form", ["paths", "parquet"])
def test_an_interrupted_list_leaves_the_old_one(tmp_path: Path, form: str) -> None:
    place = tmp_path / "list"
    place.write_text("old")
    with (
        pytest.raises(KeyboardInterrupt),
        writing_list(place, form, COLUMNS) as written,  # type: ignore[arg-type]
    ):
        written.add(ROWS[0])
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["list"]
    assert place.read_text() == "old"


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = list_path(tmp_path / "file", "keep", "parquet")
    with (
        pytest.raises(SightlineError, match=r"keep\.parquet cannot be written.*another --out"),
        writing_list(place, "parquet", COLUMNS),
    ):
        pass
