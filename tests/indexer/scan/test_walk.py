"""The walk: its order, its depth, and what it passes over."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.scan.excludes import Excludes
from indexer.scan.file_systems import FileSystems, StableStat
from indexer.scan.walk import LeftOut, Scan
from storage.records import Root


def scan(folder: Path, *patterns: str, mounts: dict[str, StableStat] | None = None) -> Scan:
    return Scan(
        Root(1, str(folder), True), Excludes(patterns), file_systems=FileSystems(mounts or {})
    )


def found(walk: Scan, folder: Path) -> list[str]:
    """The paths of the files that a walk yields, relative to where it began."""
    return [os.path.relpath(seen.path, folder) for seen in walk.files(str(folder))]


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Path]:
    """A chain of folders, more than Python calls may be deep, with a path beyond PATH_MAX."""
    back = os.open(".", os.O_RDONLY)
    (tmp_path / "deep").mkdir()
    try:
        os.chdir(tmp_path / "deep")
        for name in ["d"] * 1200 + ["long" * 50] * 20:
            os.mkdir(name)
            os.chdir(name)
    finally:
        os.fchdir(back)
        os.close(back)
    yield tmp_path / "deep"
    subprocess.run(["rm", "-rf", tmp_path / "deep"], check=True)  # Python's own removal recurses


def test_files_come_in_the_byte_order_of_their_paths(tmp_path: Path) -> None:
    make(tmp_path, "a/b/x", "a/b.x", "a/b-x", "a b", "a.txt", "a0", "B", "é", "a/z", "ab/c")
    make(tmp_path, os.fsdecode(b"caf\xe9/x"))
    paths = found(scan(tmp_path), tmp_path)
    assert paths == sorted(paths, key=os.fsencode)
    assert len(paths) == 11


def test_a_chain_of_folders_costs_itself_alone(chain: Path) -> None:
    make(chain, "a.jpg", "d/b.jpg", "d/d/d/c.jpg", "z/e.jpg")
    walk = scan(chain)
    assert found(walk, chain) == ["a.jpg", "d/b.jpg", "d/d/d/c.jpg", "z/e.jpg"]
    [(folder, reason)] = walk.unreadable.items()
    assert folder.startswith(str(chain / "d" / "d"))
    assert "too long" in reason
    assert walk.is_hidden_by_error(os.path.join(folder, "d", "x.jpg"))
    assert not walk.is_hidden_by_error(str(chain / "d" / "gone.jpg"))


def test_a_file_whose_path_is_too_long_to_be_opened_is_told(tmp_path: Path) -> None:
    back = os.open(".", os.O_RDONLY)
    make(tmp_path, "long/a.jpg")
    folder = tmp_path / "long"
    try:
        os.chdir(folder)
        while len(os.fsencode(folder)) < 3900:
            os.mkdir("d" * 100)
            os.chdir("d" * 100)
            folder /= "d" * 100
        Path("short.jpg").touch()
        Path("x" * 250).touch()
        walk = scan(tmp_path)
        names = [Path(seen.path).name for seen in walk.files(str(tmp_path))]
        assert (names, list(walk.unreadable)) == (["a.jpg", "short.jpg"], [str(folder)])
    finally:
        os.fchdir(back)
        os.close(back)
        subprocess.run(["rm", "-rf", tmp_path / "long"], check=True)


def test_the_files_of_a_large_folder_come_in_several_runs(tmp_path: Path) -> None:
    make(tmp_path, *(f"{number:04d}.jpg" for number in range(1500)), "0700/a.jpg", "A.xmp/b.jpg")
    walk = scan(tmp_path)
    runs = list(walk.runs(str(tmp_path)))
    assert [len(run.looks) for run in runs] == [701, 1, 799, 1]
    paths = [path for run in runs for path, *_ in run.looks]
    assert paths == sorted(paths)
    assert not any(run.beside_sidecars for run in runs)  # a folder is none
    make(tmp_path, "0700/A.XMP")
    assert [run.beside_sidecars for run in walk.runs(str(tmp_path))] == [False, True, False, False]


def test_a_folder_that_cannot_be_listed_is_told_and_the_rest_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a/x", "b/x", "c/x")
    listing = os.scandir

    def refuse(folder: str) -> object:
        if folder == str(tmp_path / "b"):
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    walk = scan(tmp_path)
    assert found(walk, tmp_path) == ["a/x", "c/x"]
    assert walk.unreadable == {str(tmp_path / "b"): "Permission denied"}


def test_what_is_passed_over_is_counted_by_its_reason(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", ".DS_Store", ".thumbnails/1.jpg", "@eaDir/a.jpg", "old/b.jpg", "c.gif")
    for name, target in (("to file", "a.jpg"), ("to folder", "old"), ("to nothing", "gone")):
        (tmp_path / name).symlink_to(tmp_path / target)
    walk = scan(tmp_path, "old", "*.gif", ".DS*")
    assert found(walk, tmp_path) == ["a.jpg"]
    assert walk.left_out == LeftOut(links=3, hidden=1, system=1, excluded=3)


def test_a_folder_that_is_left_out_is_not_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "Private/deep/a.jpg", "b.jpg")
    listed: list[str] = []
    listing = os.scandir

    def noted(folder: str) -> object:
        listed.append(folder)
        return listing(folder)

    monkeypatch.setattr(os, "scandir", noted)
    assert found(scan(tmp_path, "Private/", "!Private/deep/a.jpg"), tmp_path) == ["b.jpg"]
    assert listed == [str(tmp_path)]
    assert found(scan(tmp_path, "Private"), tmp_path / "Private") == []


def test_change_time_and_number_are_seen_where_they_last(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "network/b.jpg", "stick/c.jpg", "stick/2019/d.jpg")
    mounts = {
        str(tmp_path): StableStat(True, True),
        str(tmp_path / "network"): StableStat(True, False),
        str(tmp_path / "stick"): StableStat(False, False),
    }
    walk = scan(tmp_path, mounts=mounts)
    seen = {Path(one.path).name: one for one in walk.files(str(tmp_path))}
    stat = os.stat(tmp_path / "a.jpg")
    assert (seen["a.jpg"].ctime_ns, seen["a.jpg"].inode) == (stat.st_ctime_ns, str(stat.st_ino))
    assert seen["b.jpg"].ctime_ns is not None and seen["b.jpg"].inode is None
    for name in ("c.jpg", "d.jpg"):
        assert (seen[name].ctime_ns, seen[name].inode) == (None, None)
    assert list(walk.file(str(tmp_path / "stick" / "2019" / "d.jpg"))) == [seen["d.jpg"]]


def test_a_folder_that_goes_away_meanwhile_is_no_error(tmp_path: Path) -> None:
    make(tmp_path, "a/x", "b/x", "c/x")
    walk = scan(tmp_path)
    files = walk.files(str(tmp_path))
    assert next(files).path == str(tmp_path / "a" / "x")
    shutil.rmtree(tmp_path / "b")
    assert [seen.path for seen in files] == [str(tmp_path / "c" / "x")]
    assert walk.unreadable == {}
