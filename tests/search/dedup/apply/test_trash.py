"""The trash is the one of the desktop: files beside notes that say where they were."""

import os
import stat
from pathlib import Path
from urllib.parse import quote

import pytest

from search.dedup.apply.apply import Outcome, apply
from search.dedup.apply.trash import Trash, _top, note_of
from tests.search.dedup.planted_duplicates import contents, group, put


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    return put(tmp_path / "photos" / "keeper.jpg")


def trashed(keeper: Path, *duplicates: Path, home: Path) -> list[Outcome]:
    journal = keeper.parents[1] / "journal"
    return list(apply(group(keeper, *duplicates), Trash(home), journal))


def test_a_file_goes_in_with_a_note_of_where_it_was(keeper: Path, tmp_path: Path) -> None:
    duplicate = put(tmp_path / "photos" / os.fsdecode(b"\xff a%.jpg"))
    home = tmp_path / "deep" / "Trash"
    (one,) = trashed(keeper, duplicate, home=home)
    target = one.target or ""
    assert target == str(home / "files" / duplicate.name)
    assert Path(target).read_bytes() == b"image"
    head, path, date = Path(note_of(target)).read_text().splitlines()
    assert head == "[Trash Info]"
    assert path == f"Path={quote(os.fsencode(duplicate))}"
    assert date.startswith("DeletionDate=20")
    assert stat.S_IMODE((home / "files").stat().st_mode) == 0o700


def test_names_that_are_taken_get_numbers_even_by_a_lone_note(keeper: Path, tmp_path: Path) -> None:
    duplicates = [put(tmp_path / name / "a.jpg") for name in "xyz"]
    put(tmp_path / "Trash" / "files" / "a.jpg", b"older")
    put(tmp_path / "Trash" / "info" / "a 2.jpg.trashinfo", b"lone")
    names = [
        Path(one.target or "").name for one in trashed(keeper, *duplicates, home=tmp_path / "Trash")
    ]
    assert names == ["a 3.jpg", "a 4.jpg", "a 5.jpg"]
    assert b"older" in contents(tmp_path / "Trash")


def far(monkeypatch: pytest.MonkeyPatch, top: Path) -> None:
    """Make a folder the top of its disk, and the trash at home to be on another."""
    monkeypatch.setattr("search.dedup.apply.trash._device", lambda folder: -1)
    monkeypatch.setattr("search.dedup.apply.trash._top", lambda folder, device: str(top))


def test_another_disk_has_a_trash_of_its_own(
    keeper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far(monkeypatch, tmp_path)
    duplicate = put(tmp_path / "photos" / "a b.jpg")
    (one,) = trashed(keeper, duplicate, home=Path("/nowhere/Trash"))
    target = one.target or ""
    assert target == str(tmp_path / f".Trash-{os.getuid()}" / "files" / "a b.jpg")
    assert "Path=photos/a%20b.jpg\n" in Path(note_of(target)).read_text()


@pytest.mark.parametrize("shared", ["sticky", "open to all", "a link"])
def test_a_shared_trash_is_used_only_where_nobody_can_tamper(
    keeper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    far(monkeypatch, tmp_path)
    real = tmp_path / ("elsewhere" if shared == "a link" else ".Trash")
    real.mkdir()
    real.chmod(0o777 if shared == "open to all" else 0o1777)
    if shared == "a link":
        (tmp_path / ".Trash").symlink_to(real)
    duplicate = put(tmp_path / "photos" / "a.jpg")
    (one,) = trashed(keeper, duplicate, home=Path("/nowhere/Trash"))
    mine = f".Trash/{os.getuid()}" if shared == "sticky" else f".Trash-{os.getuid()}"
    assert one.target == str(tmp_path / mine / "files" / "a.jpg")


def test_a_disk_that_takes_no_trash_keeps_its_file(
    keeper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far(monkeypatch, tmp_path)
    put(tmp_path / f".Trash-{os.getuid()}", b"a file where the trash should be")
    duplicate = put(tmp_path / "photos" / "a.jpg")
    (one,) = trashed(keeper, duplicate, home=Path("/nowhere/Trash"))
    assert (one.done, duplicate.exists()) == (False, True)
    assert "use move" in (one.reason or "")


def test_the_top_of_a_disk_is_where_its_number_changes() -> None:
    assert _top("/", os.stat("/").st_dev) == "/"
    if os.path.ismount("/proc"):
        assert _top("/proc/self/task", os.stat("/proc/self/task").st_dev) == "/proc"


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_a_trash_that_it_cannot_put_back_from_is_not_used(
    keeper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr("search.dedup.apply.trash.SYSTEM", system)
    duplicate = put(tmp_path / "photos" / "a.jpg")
    dry = list(apply(group(keeper, duplicate), Trash(tmp_path / "T"), tmp_path / "j", dry_run=True))
    assert "use move" in (dry[0].reason or "")
