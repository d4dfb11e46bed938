"""Carrying never lands on another file, and what fails half way leaves the file where it was."""

import errno
import os
from pathlib import Path

import pytest

from search.dedup.apply.open_file import open_verified
from search.dedup.apply.safe_move import move
from storage.errors import FileFailure
from tests.search.dedup.planted_duplicates import put


def test_a_name_that_was_taken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    source, taken = put(tmp_path / "a"), put(tmp_path / "b", b"of somebody else")
    with open_verified(str(source), exclusive=True) as file, pytest.raises(FileExistsError):
        move(file, str(taken), None)
    assert (source.read_bytes(), taken.read_bytes()) == (b"image", b"of somebody else")


@pytest.mark.parametrize("fails", ["copy", "unlink"])
def test_a_copy_that_fails_half_way_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    source, rename, unlink = put(tmp_path / "a"), os.rename, os.unlink

    def across(path: str, target: str) -> None:
        if path == str(source):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(path, target)

    def stuck(path: str) -> None:
        if path == str(source):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        unlink(path)

    with open_verified(str(source), exclusive=True) as file, monkeypatch.context() as patch:
        patch.setattr(os, "rename", across)
        if fails == "unlink":
            patch.setattr(os, "unlink", stuck)
        else:
            patch.setattr("shutil.copyfileobj", lambda read, write, size: write.write(b"damaged"))
        with pytest.raises((OSError, FileFailure)):
            move(file, str(tmp_path / "b"), str(tmp_path / ".sightline-0"))
    assert os.listdir(tmp_path) == ["a"]
    assert source.read_bytes() == b"image"
