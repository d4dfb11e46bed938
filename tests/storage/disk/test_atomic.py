"""A file is there whole or not at all, and nothing is left beside it."""

import os
from pathlib import Path

import pytest

from storage.disk.atomic import publish, write_whole, written_whole


def refuse(self: Path, target: Path) -> Path:
    raise OSError("disk gone")


def test_what_a_block_writes_takes_the_place_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"old")
    with written_whole(path) as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["list"]


def test_a_block_that_raises_leaves_the_older_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), written_whole(path) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["list"]


def test_a_failed_write_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "card"
    write_whole(path, b"old")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk gone"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["card"]


def test_bytes_are_on_the_disk_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, path = tmp_path / "index.tmp", tmp_path / "index"
    draft.write_bytes(b"rows")
    there: list[bool] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        there.append(path.exists())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    publish(draft, path)
    assert there[0] is False and there[1:] in ([True], [])  # no folder is synced on Windows
    assert path.read_bytes() == b"rows" and not draft.exists()
