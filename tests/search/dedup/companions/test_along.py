"""No image is parted from what belongs to it unasked, and what goes with it comes back with it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.dedup.apply.actions import Action, Delete, Hardlink, Move
from search.dedup.apply.apply import Outcome, apply
from search.dedup.apply.journal import Journal
from search.dedup.apply.journal import read as read_journal
from search.dedup.apply.trash import Trash
from search.dedup.apply.undo import undo
from search.dedup.plan.plan import Entry
from tests.search.dedup.planted_duplicates import (
    contents,
    drafts,
    group,
    killed_after,
    put,
    refusal,
)

Applied = Callable[..., list[Outcome]]


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    return put(tmp_path / "photos" / "z" / "P.jpg")


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    return put(tmp_path / "photos" / "a" / "P.jpg")


@pytest.fixture
def run(tmp_path: Path) -> Applied:
    """Applies a plan, moving to the trash unless told."""

    def applied(entries: list[Entry], action: Action | None = None, **how: Any) -> list[Outcome]:
        way = action or Trash(tmp_path / "Trash")
        outcomes = list(apply(entries, way, tmp_path / "journal", **how))
        assert drafts(tmp_path) == []
        return outcomes

    return applied


def beside(image: Path, *names: str, content: bytes = b"video") -> list[Path]:
    return [put(image.parent / name, content) for name in names]


def back(tmp_path: Path) -> None:
    assert all(one.done for one in undo(tmp_path / "journal"))
    assert drafts(tmp_path) == []


@pytest.mark.parametrize("name", ["P.mov", "P.NEF", "P.xmp", "P.jpg.xmp", "p.aae", "P.jpg.json"])
def test_a_file_with_a_companion_of_its_own_stays(
    run: Applied, keeper: Path, duplicate: Path, tmp_path: Path, name: str
) -> None:
    [companion] = beside(duplicate, name)
    for action in (Delete(), Move(tmp_path / "moved"), Trash(tmp_path / "Trash")):
        for dry_run in (True, False):
            reason = refusal(run(group(keeper, duplicate), action, dry_run=dry_run))
            assert f"{name} lies beside it and not beside its keeper" in reason
            assert "companions move takes it along" in reason
    assert duplicate.exists() and companion.exists()
    beside(keeper, "P.mov", content=b"other")
    assert "not beside its keeper" in refusal(run(group(keeper, duplicate)))


def test_what_lies_equally_beside_the_keeper_goes_along(
    run: Applied, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    own = beside(duplicate, "P.mov", "P.jpg.xmp")
    kept = beside(keeper, "P.MOV")
    put(keeper.parent / "P.xmp", b"video")
    for action in (Delete(), Move(tmp_path / "moved"), Trash(tmp_path / "Trash")):
        [outcome] = run(group(keeper, duplicate), action)
        assert outcome.done and outcome.companions == tuple(sorted(map(str, own)))
        assert not duplicate.exists() and not any(path.exists() for path in own)
        assert keeper.exists() and kept[0].exists()
        back(tmp_path)
        assert duplicate.exists() and [path.read_bytes() for path in own] == [b"video"] * 2


def test_asked_for_they_go_where_the_file_goes_and_come_back(
    run: Applied, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    own = beside(duplicate, "P.mov", "P.jpg.xmp")
    before = os.stat(own[0])
    moved = tmp_path / "moved"
    put(moved / "P.jpg", b"of somebody else")
    put(moved / "P (2).mov", b"of somebody else")
    [outcome] = run(group(keeper, duplicate), Move(moved), companions="move")
    assert outcome.done and outcome.target == str(moved / "P (3).jpg")
    assert (moved / "P (3).mov").read_bytes() == b"video" == (moved / "P (3).jpg.xmp").read_bytes()
    steps = [(Path(one.step.path).name, one.step.companion_of) for one in _logged(tmp_path)]
    assert steps == [("P.jpg.xmp", str(duplicate)), ("P.mov", str(duplicate)), ("P.jpg", None)]
    back(tmp_path)
    assert [path.read_bytes() for path in own] == [b"video"] * 2
    assert os.stat(own[0]).st_mtime_ns == before.st_mtime_ns
    assert sorted(path.name for path in moved.iterdir()) == ["P (2).mov", "P.jpg"]


def test_a_companion_of_another_name_gets_a_free_one_of_its_own(
    run: Applied, keeper: Path, tmp_path: Path
) -> None:
    duplicate = put(tmp_path / "photos" / "a" / "IMG_E1.HEIC")
    [companion] = beside(duplicate, "IMG_1.AAE")
    moved = tmp_path / "moved"
    put(moved / "IMG_1.AAE", b"of somebody else")
    assert run(group(keeper, duplicate), Move(moved), companions="move")[0].done
    assert (moved / "IMG_E1.HEIC").exists()
    assert (moved / "IMG_1 (2).AAE").read_bytes() == b"video"
    back(tmp_path)
    assert companion.exists()


def _logged(tmp_path: Path) -> list[Any]:
    return list(read_journal(tmp_path / "journal")[0])


def test_left_behind_they_stay(run: Applied, keeper: Path, duplicate: Path) -> None:
    [companion] = beside(duplicate, "P.mov")
    [outcome] = run(group(keeper, duplicate), companions="leave")
    assert outcome.done and outcome.companions == ()
    assert not duplicate.exists() and companion.exists()


def test_a_link_parts_nothing(run: Applied, keeper: Path, duplicate: Path) -> None:
    [companion] = beside(duplicate, "P.mov")
    assert run(group(keeper, duplicate), Hardlink())[0].done
    assert os.path.samefile(keeper, duplicate) and companion.exists()


def test_what_is_nowhere_else_is_never_deleted(run: Applied, keeper: Path, duplicate: Path) -> None:
    [companion] = beside(duplicate, "P.mov")
    reason = refusal(run(group(keeper, duplicate), Delete(), companions="move"))
    assert "P.mov would go with it and is nowhere else: use trash or move" in reason
    assert duplicate.exists() and companion.exists()


def test_a_companion_of_the_keeper_as_well_stays(run: Applied, keeper: Path) -> None:
    duplicate = put(keeper.with_suffix(".heic"))
    [companion] = beside(keeper, "P.mov")
    for mode in ("keep", "move"):
        put(duplicate)
        [outcome] = run(group(keeper, duplicate), companions=mode)
        assert outcome.done and outcome.companions == () and companion.exists()


def test_a_companion_of_an_image_that_stays_is_not_taken(
    run: Applied, keeper: Path, duplicate: Path
) -> None:
    other = put(duplicate.with_suffix(".heic"), b"another image")
    [companion] = beside(duplicate, "P.mov")
    reason = refusal(run(group(keeper, duplicate), companions="move"))
    assert "P.mov belongs to P.heic as well, which stays" in reason
    assert "not beside its keeper" in refusal(run(group(keeper, duplicate)))
    beside(keeper, "P.mov")  # now the keeper has one of its own
    [outcome] = run(group(keeper, duplicate))
    assert outcome.done and outcome.companions == ()
    assert companion.exists() and other.exists() and not duplicate.exists()


def test_a_shared_companion_goes_with_the_last_that_goes(
    run: Applied, keeper: Path, duplicate: Path, tmp_path: Path
) -> None:
    second = put(duplicate.with_suffix(".heic"))
    [companion] = beside(duplicate, "P.mov")
    entries = group(keeper, duplicate, second)
    assert not any(one.done for one in run(entries))
    first, last = run(entries, companions="move")
    assert (first.companions, last.companions) == ((), (str(companion),))
    back(tmp_path)
    assert duplicate.exists() and second.exists() and companion.exists()


@pytest.mark.parametrize("kind", ["link", "unreadable"])
def test_a_companion_that_cannot_be_checked_keeps_its_image(
    run: Applied, keeper: Path, duplicate: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    beside(keeper, "P.mov")
    companion = duplicate.with_suffix(".mov")
    if kind == "link":
        companion.symlink_to(keeper.parent / "P.mov")
        assert "is a symbolic link" in refusal(run(group(keeper, duplicate), companions="move"))
    else:
        put(companion, b"video")
        real = os.open

        def closed(path: Any, *rest: Any, **more: Any) -> int:
            if path == str(companion):
                raise PermissionError(13, "Permission denied", path)
            return real(path, *rest, **more)

        monkeypatch.setattr(os, "open", closed)
        assert "permission is denied" in refusal(run(group(keeper, duplicate), companions="move"))
    assert duplicate.exists() and os.path.lexists(companion)


def test_an_image_that_is_called_as_a_companion_is_none(
    run: Applied, keeper: Path, duplicate: Path
) -> None:
    beside(keeper, "P.exv", content=b"\xff\xd8\xff\xe0")
    [image] = beside(duplicate, "P.exv", content=b"\xff\xd8\xff\xe0")
    assert "is an image of its own" in refusal(run(group(keeper, duplicate)))
    assert duplicate.exists() and image.exists()


def test_companions_come_back_where_their_image_cannot_go(
    keeper: Path, duplicate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = beside(duplicate, "P.mov", "P.nef")
    real = os.rename

    def refuse(source: str, target: str) -> None:
        if source == str(duplicate):
            raise PermissionError(13, "Permission denied", source)
        real(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    moved = tmp_path / "moved"
    [outcome] = apply(
        group(keeper, duplicate), Move(moved), tmp_path / "journal", companions="move"
    )
    assert not outcome.done and outcome.companions == ()
    assert "permission is denied; the companions that had gone are back" in (outcome.reason or "")
    assert [path.read_bytes() for path in own] == [b"video"] * 2 and list(moved.iterdir()) == []
    assert [one.state for one in _logged(tmp_path)] == ["undone", "undone", "failed"]


def test_companions_come_back_where_their_image_changed_since_a_kill(
    run: Applied, keeper: Path, duplicate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [companion] = beside(duplicate, "P.mov")
    entries = group(keeper, duplicate)
    mark = Journal.mark

    def killed(*words: Any) -> None:
        mark(*words)
        raise KeyboardInterrupt  # the companion has gone, its image has not

    monkeypatch.setattr(Journal, "mark", killed)
    with pytest.raises(KeyboardInterrupt):
        run(entries, companions="move")
    monkeypatch.setattr(Journal, "mark", mark)
    assert duplicate.exists() and not companion.exists()
    put(duplicate, b"edited meanwhile")
    assert "the companions that had gone are back" in refusal(run(entries, companions="move"))
    assert companion.read_bytes() == b"video"


def test_a_file_that_came_again_does_not_bring_back_what_went_before(
    run: Applied, keeper: Path, duplicate: Path
) -> None:
    [companion] = beside(duplicate, "P.mov")
    entries = group(keeper, duplicate)
    assert run(entries, companions="move")[0].done
    put(duplicate, b"another file of that name")
    assert "changed since the plan" in refusal(run(entries, companions="move"))
    assert not companion.exists()


@pytest.mark.parametrize("name", ["move", "trash", "delete"])
def test_a_run_killed_anywhere_is_finished_by_the_next_and_undone(
    tmp_path: Path, name: str
) -> None:
    finished = False
    for changes in range(200):
        home = tmp_path / str(changes)
        keeper = put(home / "photos" / "z" / "P.jpg")
        duplicates = [put(home / "photos" / folder / "P.jpg") for folder in "ab"]
        for number, image in enumerate((keeper, *duplicates)):
            beside(image, "P.mov")
            if name != "delete" and image != keeper:
                put(image.parent / "P.nef", b"raw of %d" % number)
        every = contents(home / "photos")
        before = sorted(path for path in (home / "photos").rglob("*") if path.is_file())
        ways: tuple[Action, ...] = (Delete(), Move(home / "moved"), Trash(home / "Trash"))
        by = next(each for each in ways if each.name == name)
        entries, journal = group(keeper, *duplicates), home / "journal"
        with killed_after(changes) as fate:
            list(apply(entries, by, journal, companions="move"))
        assert every <= contents(home)
        again = list(apply(entries, by, journal, companions="move"))
        assert all(one.done or "done before" in (one.reason or "") for one in again)
        assert every <= contents(home) and drafts(home) == []
        assert {path.parent for path in (home / "photos").rglob("P.*")} == {keeper.parent}
        with killed_after(changes):
            list(undo(journal))
        assert every <= contents(home)
        assert all(one.done for one in undo(journal))
        assert sorted(p for p in (home / "photos").rglob("*") if p.is_file()) == before
        assert contents(home / "photos") == every and drafts(home) == []
        if not fate.killed:
            finished = True
            break
    assert finished and changes > 20
