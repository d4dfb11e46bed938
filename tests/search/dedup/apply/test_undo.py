"""Undoing puts back what can be, never onto something else, and says what cannot."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from search.dedup.apply import recovery
from search.dedup.apply import undo as undoing
from search.dedup.apply.actions import Action, Delete, Hardlink, Move, Reflink
from search.dedup.apply.apply import apply
from search.dedup.apply.journal import ActionName, read
from search.dedup.apply.trash import Trash
from search.dedup.apply.undo import Undone, undo
from storage.errors import PathNotFound, SightlineError
from tests.search.dedup.planted_duplicates import contents, drafts, group, killed_after, put

Do = Callable[..., None]


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    return put(tmp_path / "photos" / "keeper.jpg")


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    made = put(tmp_path / "photos" / "sub" / "loser.jpg")
    made.chmod(0o640)
    os.utime(made, ns=(10**18, 10**18 + 7))
    return made


@pytest.fixture
def do(keeper: Path, duplicate: Path, tmp_path: Path) -> Do:
    """Applies the plan of one keeper and one loser."""

    def done(action: Action) -> None:
        (one,) = apply(group(keeper, duplicate, kind="identical"), action, tmp_path / "journal")
        assert one.done, one.reason

    return done


def back(tmp_path: Path) -> Undone:
    (only,) = undo(tmp_path / "journal")
    assert drafts(tmp_path) == []
    return only


def looks(path: Path) -> tuple[bytes, int, int, int]:
    seen = path.stat()
    return path.read_bytes(), stat.S_IMODE(seen.st_mode), seen.st_mtime_ns, seen.st_nlink


ACTIONS: dict[str, Callable[[Path], Action]] = {
    "delete": lambda tmp_path: Delete(),
    "hardlink": lambda tmp_path: Hardlink(),
    "move": lambda tmp_path: Move(tmp_path / "moved"),
    "trash": lambda tmp_path: Trash(tmp_path / "Trash"),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_file_is_as_it_was(
    do: Do, keeper: Path, duplicate: Path, tmp_path: Path, name: str
) -> None:
    before = looks(duplicate)
    do(ACTIONS[name](tmp_path))
    assert back(tmp_path).done
    assert looks(duplicate) == before
    assert contents(tmp_path / "moved") == contents(tmp_path / "Trash") == set()
    assert list(undo(tmp_path / "journal")) == []
    do(ACTIONS[name](tmp_path))  # the same plan, into the same journal
    assert back(tmp_path).done
    assert looks(duplicate) == before


def test_the_last_step_is_undone_first(keeper: Path, tmp_path: Path) -> None:
    duplicates = [put(tmp_path / "photos" / f"{number}.jpg") for number in range(3)]
    assert all(
        one.done for one in apply(group(keeper, *duplicates), Delete(), tmp_path / "journal")
    )
    assert [one.step.path for one in undo(tmp_path / "journal")] == [
        str(path) for path in reversed(duplicates)
    ]


def test_a_deleted_file_unlike_its_keeper_is_gone(
    keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    put(duplicate, b"edited")
    list(apply(group(keeper, duplicate, kind="edited"), Delete(), tmp_path / "journal"))
    for _ in range(2):  # it is told of each time
        one = back(tmp_path)
        assert not one.done
        assert "deleted for good" in (one.reason or "")
    assert not duplicate.exists()


def test_a_deleted_file_whose_keeper_changed_is_gone(
    do: Do, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    do(Delete())
    put(keeper, b"changed")
    assert "another content by now" in (back(tmp_path).reason or "")
    assert not duplicate.exists()


@pytest.mark.parametrize("name", ["delete", "move", "trash"])
def test_what_has_its_place_now_stays(do: Do, duplicate: Path, tmp_path: Path, name: str) -> None:
    do(ACTIONS[name](tmp_path))
    put(duplicate, b"new")
    one = back(tmp_path)
    assert not one.done
    assert "something else is at its place" in (one.reason or "")
    assert duplicate.read_bytes() == b"new"
    assert name == "delete" or contents(tmp_path) >= {b"image", b"new"}
    duplicate.unlink()
    assert back(tmp_path).done


@pytest.mark.parametrize("name", ["delete", "move", "trash"])
def test_a_folder_that_is_gone_is_not_made_again(
    do: Do, duplicate: Path, tmp_path: Path, name: str
) -> None:
    do(ACTIONS[name](tmp_path))
    duplicate.parent.rename(tmp_path / "unmounted")
    assert "put it back first" in (back(tmp_path).reason or "")
    (tmp_path / "unmounted").rename(duplicate.parent)
    assert back(tmp_path).done


def test_a_trash_that_was_emptied_gives_nothing_back(do: Do, tmp_path: Path) -> None:
    do(Trash(tmp_path / "Trash"))
    for path in (tmp_path / "Trash" / "files").iterdir():
        path.unlink()
    assert "not there any more" in (back(tmp_path).reason or "")


def test_what_changed_where_it_went_is_not_brought_back(do: Do, tmp_path: Path) -> None:
    do(Move(tmp_path / "moved"))
    put(tmp_path / "moved" / "loser.jpg", b"changed")
    assert "another content by now" in (back(tmp_path).reason or "")


def test_what_was_brought_back_by_hand_is_left_so(do: Do, duplicate: Path, tmp_path: Path) -> None:
    do(Trash(tmp_path / "Trash"))
    (tmp_path / "Trash" / "files" / "loser.jpg").rename(duplicate)
    one = back(tmp_path)
    assert (one.done, duplicate.read_bytes()) == (True, b"image")
    assert contents(tmp_path / "Trash") == set()


def test_a_link_that_was_written_to_stays_as_it_is(do: Do, duplicate: Path, tmp_path: Path) -> None:
    do(Hardlink())
    put(duplicate, b"edited through either name")
    assert "another content by now" in (back(tmp_path).reason or "")


def test_a_file_of_its_own_needs_no_copy(
    do: Do, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    do(Hardlink())
    keeper.unlink()
    assert (back(tmp_path).done, duplicate.read_bytes()) == (True, b"image")


def test_a_reflink_has_nothing_to_put_back(
    do: Do, duplicate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = looks(duplicate)
    monkeypatch.setattr(
        "search.dedup.apply.actions._clone",
        lambda source, made: os.write(made, os.pread(source, 1 << 20, 0)),
    )
    do(Reflink())
    assert "kept its bytes" in (back(tmp_path).reason or "")
    assert looks(duplicate) == before


@pytest.mark.parametrize("name", ACTIONS)
def test_an_undo_killed_anywhere_is_finished_by_the_next(
    do: Do, duplicate: Path, tmp_path: Path, name: str
) -> None:
    before = looks(duplicate)
    for changes in range(100):
        do(ACTIONS[name](tmp_path))
        with killed_after(changes) as fate:
            list(undo(tmp_path / "journal"))
        assert b"image" in contents(tmp_path)
        assert all(one.done for one in undo(tmp_path / "journal"))
        assert looks(duplicate) == before
        assert contents(tmp_path / "moved") == contents(tmp_path / "Trash") == set()
        assert drafts(tmp_path) == []
        if not fate.killed:
            break
    assert changes > 3


def test_a_step_whose_disk_is_away_is_told_of_until_it_is_back(
    do: Do, duplicate: Path, tmp_path: Path
) -> None:
    do(Move(tmp_path / "moved"))
    journal = tmp_path / "journal"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))  # cut off
    duplicate.parent.rename(tmp_path / "unmounted")
    one = back(tmp_path)
    assert (one.done, one.reason) == (False, f"{recovery.UNSETTLED}, then run undo again")
    assert read(journal)[0][0].state == "open"
    (tmp_path / "unmounted").rename(duplicate.parent)
    assert back(tmp_path).done
    assert duplicate.read_bytes() == b"image"


def test_says_what_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound):
        list(undo(tmp_path / "none"))
    photo = put(tmp_path / "photo.jpg", b"\xff\xd8")
    with pytest.raises(SightlineError, match="is not a journal"):
        list(undo(photo))
    assert photo.read_bytes() == b"\xff\xd8"


def test_every_action_has_a_way_back() -> None:
    assert set(undoing._BACK) == set(get_args(ActionName))
