"""What an interrupted run left is settled by what the disk shows."""

import os
from pathlib import Path

import pytest

from search.dedup.apply.actions import Move
from search.dedup.apply.apply import apply
from search.dedup.apply.journal import Journal
from search.dedup.apply.recovery import recover
from search.dedup.apply.undo import undo
from storage.errors import DiskFull
from tests.search.dedup.planted_duplicates import group, put


def test_a_file_that_moved_and_was_changed_there_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, duplicate = put(tmp_path / "a" / "keeper"), put(tmp_path / "a" / "loser")
    mark = Journal.mark

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "mark", killed)  # between the renaming and the mark
    with pytest.raises(KeyboardInterrupt):
        list(apply(group(keeper, duplicate), Move(tmp_path / "moved"), tmp_path / "journal"))
    monkeypatch.setattr(Journal, "mark", mark)
    (tmp_path / "moved" / "loser").write_bytes(b"image with a tag")
    with Journal.open(tmp_path / "journal") as log:
        recover(log)
        assert [one.state for one in log.logged] == ["done"]
    [one] = undo(tmp_path / "journal")
    assert not one.done and str(tmp_path / "moved" / "loser") in (one.reason or "")
    assert (tmp_path / "moved" / "loser").read_bytes() == b"image with a tag"


def test_a_line_that_the_disk_has_no_room_for_is_not_there_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, duplicate = put(tmp_path / "keeper"), put(tmp_path / "loser")
    write, room = os.write, [200]

    def full(file: int, data: memoryview) -> int:
        if len(data) > room[0]:
            if room[0] == 0:
                raise OSError(28, "No space left on device")
            data = data[: room[0]]
        room[0] -= len(data)
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DiskFull):
        list(apply(group(keeper, duplicate), Move(tmp_path / "moved"), tmp_path / "journal"))
    assert duplicate.exists()
    assert (tmp_path / "journal").read_bytes().endswith(b"}\n")
    assert len((tmp_path / "journal").read_bytes().splitlines()) == 1
