"""What a run goes over: named paths, links among them, and lists of files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import IndexConfig, Report
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from storage import Library
from storage.errors import InvalidArgument, PathNotFound
from tests.indexer.search_results import counts, paths

Draw = Callable[..., Path]
Index = Callable[..., Report]
IndexList = Callable[..., Report]


@pytest.fixture
def index_list(library: Library, encoder: FakeEncoder) -> IndexList:
    """Runs the line over files named one by one."""

    def run(*names: str | Path) -> Report:
        config = IndexConfig(files=tuple(map(str, names)), workers=1)
        return Indexer(library, encoder, config).run()

    return run


def test_a_named_link_is_followed_and_told(
    library: Library, photos: Path, tmp_path: Path, index: Index
) -> None:
    (tmp_path / "mine").symlink_to(photos)
    (tmp_path / "one.png").symlink_to(photos / "0.png")
    report = index(Path(f"{tmp_path}/mine/"))
    assert counts(report) == {"new": 6}
    assert report.notices == (f"{tmp_path}/mine is a symbolic link: {photos} is looked at",)
    report = index(tmp_path / "one.png")
    assert counts(report) == {"unchanged": 1}
    assert f"{photos / '0.png'} is looked at" in report.notices[0]
    assert [root.path for root in library.roots()] == [str(photos)]


def test_a_named_link_that_leads_nowhere_is_told_by_both_names(
    tmp_path: Path, index: Index
) -> None:
    (tmp_path / "mine").symlink_to(tmp_path / "unplugged")
    with pytest.raises(PathNotFound, match=r"mine is a symbolic link to .*/unplugged, which is"):
        index(tmp_path / "mine")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(PathNotFound, match="loop is a symbolic link"):
        index(tmp_path / "loop")


def test_a_folder_of_links_and_hidden_names_says_so(
    photos: Path, tmp_path: Path, index: Index
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "0.png").symlink_to(photos / "0.png")
    assert index(links).notices == ("1 symbolic link is not followed",)
    (links / "summer").symlink_to(photos / "summer")
    for number in range(5):
        (links / f".{number}").touch()
    (links / "@eaDir").mkdir()
    report = index(links)
    assert report.scanned == 0
    assert report.notices == (
        "2 symbolic links are not followed",
        "5 names that begin with a dot are left out",
        "1 folder that a system keeps for itself is left out",
    )
    (links / "real.png").write_bytes((photos / "0.png").read_bytes())
    report = index(links, exclude=(".0", "sum*"))
    assert report.notices == (
        "1 symbolic link is not followed",
        "4 names that begin with a dot are left out",
    )


def test_a_folder_all_of_which_is_excluded_says_so(photos: Path, index: Index) -> None:
    report = index(photos, exclude=("*.png",))
    assert report.notices == ("6 names are left out by exclude patterns",)


def test_a_list_makes_no_folder_a_place_to_walk(
    library: Library, photos: Path, index_list: IndexList
) -> None:
    for name in (photos / "summer", f"{photos}/", os.curdir, os.sep):
        with pytest.raises(InvalidArgument, match="the list holds a folder.*index them as such"):
            index_list(photos / "0.png", name)
    with pytest.raises(InvalidArgument, match=f"2 folders, {photos} being the first"):
        index_list(photos, photos / "0.png", photos / "summer")
    assert (library.roots(), library.status().files) == ([], 0)


def test_listed_names_that_are_not_there_are_told_and_the_rest_is_indexed(
    library: Library, photos: Path, index_list: IndexList
) -> None:
    gone = [photos / f"gone {number}.png" for number in range(12)]
    report = index_list(*gone, photos / "0.png")
    assert (counts(report), report.not_found) == ({"new": 1}, 12)
    assert report.notices[0] == f"{gone[0]} is not there"
    assert report.notices[10:] == ("2 more listed names are not there",)


def test_a_listed_file_that_was_known_and_is_gone_is_missing_and_told(
    library: Library, photos: Path, index: Index, index_list: IndexList
) -> None:
    index(photos)
    (photos / "0.png").unlink()
    report = index_list(photos / "0.png")
    assert (report.missing, report.not_found) == (1, 1)
    assert len(paths(library)) == 5


def test_a_listed_name_of_a_folder_that_is_gone_touches_nothing_under_it(
    library: Library, photos: Path, tmp_path: Path, index: Index, index_list: IndexList
) -> None:
    index(photos)
    photos.rename(tmp_path / "unplugged")
    with pytest.raises(PathNotFound, match="none of the 2 listed files is there"):
        index_list(photos, photos / "summer")
    assert library.status().missing == 0


def test_listed_links_are_followed_and_told(
    photos: Path, tmp_path: Path, index_list: IndexList
) -> None:
    links = [tmp_path / f"{number}.png" for number in range(4)]
    for link in links:
        link.symlink_to(photos / link.name)
    report = index_list(*links)
    assert counts(report) == {"new": 4}
    assert f"{links[0]} is a symbolic link" in report.notices[0]


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_is_no_path_is_refused(
    name: str, library: Library, index: Index, index_list: IndexList, encoder: FakeEncoder
) -> None:
    with pytest.raises(InvalidArgument, match="the path of a file or folder"):
        index_list("a.png", name)
    with pytest.raises(InvalidArgument, match="the path of a file or folder"):
        Indexer(library, encoder, IndexConfig(paths=(name,), workers=1)).run()
    assert library.roots() == []


def test_a_very_long_path_is_told_in_a_line(
    photos: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = photos / Path(*["long" * 50] * 10)
    deep.mkdir(parents=True)
    listing = os.scandir

    def refuse(folder: str) -> object:
        if folder == str(deep):
            raise OSError(36, "File name too long")
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    [notice] = index(photos).notices
    assert len(notice) < 400
    assert "move it further up" in notice
