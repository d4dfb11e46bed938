"""Applying does what the plan says to files that are as it says, and leaves all others alone."""

import errno
import os
import sys
from pathlib import Path

import pytest

from search.dedup.apply.actions import Action, Delete, Hardlink, Move, Reflink
from search.dedup.apply.apply import Outcome, apply
from search.dedup.apply.journal import Journal, read
from search.dedup.apply.trash import Trash
from storage.errors import DiskFull
from tests.search.dedup.planted_duplicates import (
    Run,
    actions,
    contents,
    drafts,
    group,
    killed_after,
    put,
    refusal,
    row,
)


def test_delete_removes_what_goes_and_keeps_the_keeper(
    run: Run, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    entries = group(keeper, duplicate)
    assert run(entries) == [Outcome(entries[1], True)]
    assert not duplicate.exists()
    assert keeper.read_bytes() == b"image"
    (logged,) = read(tmp_path / "journal")[0]
    assert (logged.state, logged.step.path, logged.step.keeper) == (
        "done",
        str(duplicate),
        str(keeper),
    )


def test_move_numbers_names_that_are_taken(run: Run, keeper: Path, tmp_path: Path) -> None:
    duplicates = [put(tmp_path / "photos" / name / "a.jpg") for name in "xyz"]
    taken = put(tmp_path / "moved" / "a.jpg", b"of somebody else")
    outcomes = run(group(keeper, *duplicates), Move(tmp_path / "moved"))
    assert [one.target and os.path.basename(one.target) for one in outcomes] == [
        "a (2).jpg",
        "a (3).jpg",
        "a (4).jpg",
    ]
    assert taken.read_bytes() == b"of somebody else"
    assert not any(path.exists() for path in duplicates)


def test_move_refuses_what_is_in_the_folder_already(
    run: Run, keeper: Path, duplicate: Path
) -> None:
    assert "already" in refusal(run(group(keeper, duplicate), Move(duplicate.parent)))


def test_hardlink_leaves_one_file_under_both_names(run: Run, keeper: Path, duplicate: Path) -> None:
    assert run(group(keeper, duplicate), Hardlink())[0].done
    assert os.path.samefile(keeper, duplicate)


def other_file_system(tmp_path: Path) -> Path:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    return shared / f"sightline-test-{os.getpid()}-{tmp_path.name}"


def test_links_do_not_cross_file_systems_and_moves_do(
    run: Run, keeper: Path, tmp_path: Path
) -> None:
    far = other_file_system(tmp_path)
    try:
        duplicate = put(far / "loser.jpg")
        os.utime(duplicate, ns=(5, 10**18))
        for action in (Hardlink(), Reflink()):
            reason = refusal(run(group(keeper, duplicate), action))
            assert "another file system" in reason or "no reflinks" in reason
        assert run(group(keeper, duplicate), Move(tmp_path / "moved"))[0].done
        assert not duplicate.exists()
        moved = tmp_path / "moved" / "loser.jpg"
        assert (moved.read_bytes(), moved.stat().st_mtime_ns) == (b"image", 10**18)
    finally:
        for path in sorted(far.rglob("*"), reverse=True):
            path.unlink()
        far.rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="reflinks are made on Linux alone")
def test_reflink_shares_bytes_and_keeps_mode_and_dates(
    run: Run, keeper: Path, duplicate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clone(made: int, request: int, source: int) -> int:
        assert request == 0x40049409
        return os.write(made, os.pread(source, 1 << 20, 0))

    monkeypatch.setattr("fcntl.ioctl", clone)
    duplicate.chmod(0o640)
    os.utime(duplicate, ns=(10**18, 10**18))
    before = duplicate.stat()
    assert run(group(keeper, duplicate), Reflink())[0].done
    after = duplicate.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert before.st_ino != after.st_ino != keeper.stat().st_ino
    assert duplicate.read_bytes() == b"image"
    # No trace on the disk tells that it was done, but the journal does.
    assert "done before" in refusal(run(group(keeper, duplicate), Reflink()))


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL])
@pytest.mark.skipif(sys.platform != "linux", reason="reflinks are made on Linux alone")
def test_reflink_says_where_the_file_system_makes_none(
    run: Run, keeper: Path, duplicate: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clone(*words: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.ioctl", clone)
    assert "no reflinks" in refusal(run(group(keeper, duplicate), Reflink()))
    assert duplicate.read_bytes() == b"image"


def test_a_clone_that_came_out_different_is_not_taken(
    run: Run, keeper: Path, duplicate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.dedup.apply.actions._clone", lambda source, made: None)
    assert "came out different" in refusal(run(group(keeper, duplicate), Reflink()))
    assert duplicate.read_bytes() == b"image"


@pytest.mark.parametrize("action", [Hardlink(), Reflink()])
def test_links_never_change_what_is_in_a_file(
    run: Run, keeper: Path, duplicate: Path, action: Action
) -> None:
    put(duplicate, b"edited image")
    assert "(edited)" in refusal(run(group(keeper, duplicate, kind="edited"), action))
    assert duplicate.read_bytes() == b"edited image"


def test_an_edited_file_goes_where_its_keeper_is_as_recorded(
    run: Run, keeper: Path, duplicate: Path
) -> None:
    put(duplicate, b"edited image")
    entries = group(keeper, duplicate, kind="edited")
    put(keeper, b"something else")
    assert "its keeper's content changed" in refusal(run(entries))
    put(keeper)
    assert run(entries)[0].done


def test_a_dry_run_says_the_same_and_writes_nothing(
    run: Run, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    stale = put(tmp_path / "photos" / "stale.jpg")
    entries = group(keeper, duplicate, stale)
    put(stale, b"changed")
    for action in actions(tmp_path):
        done, refused = run(entries, action, dry_run=True)
        assert (done.done, refused.done) == (True, False)
        assert "content changed" in (refused.reason or "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]
    assert duplicate.read_bytes() == b"image"


def test_applied_twice_the_second_time_changes_nothing(
    run: Run, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    entries = group(keeper, duplicate)
    for action in (Delete(), Move(tmp_path / "moved"), Trash(tmp_path / "Trash"), Hardlink()):
        put(duplicate)
        assert run(entries, action)[0].done
        before = contents(tmp_path / "photos")
        assert "as the journal says" in refusal(run(entries, action))
        assert contents(tmp_path / "photos") == before
        other = list(apply(entries, action, tmp_path / "other journal"))
        assert "not there any more" in refusal(other) or "the same file" in refusal(other)


def test_a_folder_that_takes_no_change_keeps_its_file(
    run: Run, keeper: Path, duplicate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: path != str(duplicate.parent) and allowed(path, mode)
    )
    for action in actions(tmp_path):
        assert "read-only" in refusal(run(group(keeper, duplicate), action))
    assert duplicate.read_bytes() == b"image"


@pytest.mark.parametrize(
    ("call", "number", "words"),
    [
        ("unlink", errno.EROFS, "read-only"),
        ("rename", errno.EACCES, "permission is denied"),
        ("rename", errno.EIO, "the disk gives errors"),
        ("rename", errno.EXDEV, "another file system"),
        ("open", errno.ENOSPC, "the disk is full"),
        ("link", errno.EMLINK, "as many links"),
        ("link", errno.EPERM, "no hard link can be made here"),
    ],
)
def test_what_the_system_refuses_is_a_reason(
    keeper: Path,
    duplicate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    words: str,
) -> None:
    special: dict[str, Action] = {"unlink": Delete(), "link": Hardlink()}
    by = special.get(call, Trash(tmp_path / "Trash"))
    real = getattr(os, call)

    def refuse(path: str, *rest: object, **more: object) -> object:
        if call == "open" and not str(path).startswith(str(tmp_path / "Trash")):
            return real(path, *rest, **more)
        if call == "unlink" and path != str(duplicate):
            return real(path, *rest, **more)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        outcomes = list(apply(group(keeper, duplicate), by, tmp_path / "journal"))
    assert words in refusal(outcomes)
    assert duplicate.read_bytes() == b"image"
    assert contents(tmp_path / "Trash") == set()
    assert [one.state for one in read(tmp_path / "journal")[0]] == ["failed"]


def test_a_disk_too_full_for_the_journal_stops_before_the_file_is_touched(
    keeper: Path, duplicate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(tmp_path / "journal"):
        pass

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull):
            list(apply(group(keeper, duplicate), Delete(), tmp_path / "journal"))
    assert duplicate.exists()


def test_names_of_any_bytes_are_dealt_with(run: Run, keeper: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/photos/\xff\n{}.jpg"))
    for action in (Delete(), Move(tmp_path / "moved"), Trash(tmp_path / "Trash"), Hardlink()):
        put(odd)
        assert run(group(keeper, odd), action)[0].done


@pytest.mark.parametrize("name", ["delete", "move", "trash", "hardlink"])
def test_a_run_killed_anywhere_is_finished_by_the_next(tmp_path: Path, name: str) -> None:
    for changes in range(100):
        home = tmp_path / str(changes)
        by = next(one for one in actions(home) if one.name == name)
        photos = [put(home / "photos" / f"{number}.jpg") for number in range(3)]
        entries = group(*photos)
        with killed_after(changes) as fate:
            list(apply(entries, by, home / "journal"))
        assert b"image" in contents(home / "photos")
        again = list(apply(entries, by, home / "journal"))
        assert all(one.done or "done before" in (one.reason or "") for one in again)
        assert [path for path in photos[1:] if path.exists() and not path.samefile(photos[0])] == []
        assert len(list(home.rglob("*.jpg"))) == (1 if name == "delete" else 3)
        assert drafts(home) == []
        assert len(list(home.rglob("*.trashinfo"))) == (2 if name == "trash" else 0)
        states = {one.state for one in read(home / "journal")[0]}
        assert states <= {"done", "failed"}
        if not fate.killed:
            break
    assert changes > 6


def test_rows_that_are_kept_are_not_told_of(run: Run, keeper: Path, duplicate: Path) -> None:
    assert run([row(keeper, keeper, "keep"), row(duplicate, keeper, "keep")]) == []
