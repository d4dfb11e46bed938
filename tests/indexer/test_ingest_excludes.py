"""Excluding through the whole line: what leaves the results, what stays, and what comes back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import IndexConfig, Report
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from search import Engine, Query, Term
from search.dedup.plan.groups import Grouper
from search.dedup.plan.keepers import KeepOrder
from search.dedup.request import KEEP_RULES
from storage import Filters, Library
from storage.errors import InvalidArgument
from storage.records import Caption
from storage.selection import select_items
from storage.tables import captions
from tests.indexer.search_results import counts, paths

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]


def shown(library: Library) -> list[str]:
    return sorted(Path(path).name for path in paths(library))


def test_excluding_later_hides_and_keeps(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    before = library.status()
    report = index(photos, exclude=("summer",))
    assert counts(report) == {"unchanged": 4}
    assert report.excluded == 2
    assert "2 files are excluded now: kept, and not shown" in report.notices
    assert shown(library) == ["0.png", "1.png", "2.png", "3.png"]
    after = library.status()
    assert (after.items, after.files, after.missing, after.excluded) == (6, 6, 0, 2)
    assert before.excluded == 0
    item = library.find(str(photos / "summer" / "4.png"))
    assert (item.paths, item.missing_paths) == ((), ())
    assert item.excluded_paths == (str(photos / "summer" / "4.png"),)


def test_without_the_pattern_they_come_back_whole(
    library: Library, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    index(photos, exclude=("summer", "*.tif"))
    assert counts(index(exclude=("summer",))) == {"unchanged": 4}
    report = index()
    assert (counts(report), report.excluded) == ({"unchanged": 6}, 0)
    assert (len(paths(library)), encoded(), library.status().excluded) == (6, 6, 0)


def test_an_excluded_file_that_changed_is_read_when_it_comes_back(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    index(exclude=("0.png",))
    draw(photos / "0.png", 99)
    assert counts(index(exclude=("0.png",))) == {"unchanged": 5}
    assert counts(index()) == {"new": 1, "unchanged": 5}
    assert "0.png" in shown(library)


def test_no_filter_lets_an_excluded_file_in(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    (photos / "3.png").unlink()
    index(exclude=("summer",))
    everything = Filters(missing=True)
    for filters, count in (
        (Filters(), 3),
        (everything, 4),
        (Filters(folder=str(photos)), 3),
        (Filters(folder=str(photos / "summer")), 0),
        (Filters(folder=str(photos / "summer"), missing=True), 0),
    ):
        hits = Engine(library, FakeEncoder).search(
            Query((Term("text", "anything"),), filters, k=100)
        )
        assert len(hits) == count, filters
        with library.catalogue.reading() as connection:
            assert len(select_items(connection, "image", filters)) == count, filters


def test_an_excluded_image_is_not_found_by_its_caption(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    item = library.find(str(photos / "summer" / "4.png"))
    with library.catalogue.writing() as connection:
        captions.record(connection, [Caption(item.id, "model", "1", "a zeppelin")])
    index(exclude=("summer",))
    with library.catalogue.reading() as connection:
        for hidden in (False, True):
            assert captions.matching(connection, "zeppelin", None, 9, hidden=hidden) == []


def test_a_copy_that_stays_is_found_by_its_own_path(
    library: Library, photos: Path, index: Index
) -> None:
    copy = photos / "summer" / "copy of 0.png"
    copy.write_bytes((photos / "0.png").read_bytes())
    index(photos)
    index(exclude=("summer",))
    item = library.find(str(copy))
    assert (item.paths, item.excluded_paths) == ((str(photos / "0.png"),), (str(copy),))
    order = KeepOrder(KEEP_RULES, ())
    assert list(Grouper(library, order, ["identical"], ["identical"]).run()) == []
    index()
    [group] = Grouper(library, order, ["identical"], ["identical"]).run()
    assert len(group.others) == 1


def test_passages_of_an_excluded_text_are_hidden(
    library: Library, tmp_path: Path, index: Index
) -> None:
    (tmp_path / "notes").mkdir()
    for name in ("mine", "yours"):
        (tmp_path / "notes" / f"{name}.txt").write_text(f"the {name} of a zeppelin")
    index(tmp_path / "notes")
    index(exclude=("mine.txt",))
    with library.catalogue.reading() as connection:
        for filters in (Filters(), Filters(missing=True)):
            assert len(select_items(connection, "text", filters)) == 1


def test_forgetting_what_is_gone_leaves_what_is_excluded(
    library: Library, photos: Path, tmp_path: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    away = (photos / "summer").rename(tmp_path / "away")
    index()
    away.rename(photos / "summer")
    index(exclude=("summer", "1.png"))  # missing before, and there again
    (photos / "1.png").unlink()
    (photos / "2.png").unlink()
    report = index(exclude=("summer", "1.png"))
    assert (report.missing, report.excluded) == (2, 2)
    library.apply(library.plan_forget(), "forget")
    assert counts(index()) == {"unchanged": 4}
    assert encoded() == 6


def test_a_failure_of_an_excluded_file_is_not_told_and_comes_again_with_it(
    library: Library, photos: Path, index: Index
) -> None:
    (photos / "broken.png").write_bytes(b"x")
    assert counts(index(photos)) == {"new": 6, "failed": 1}
    assert counts(index(exclude=("broken*",))) == {"unchanged": 6}
    assert library.failures() == []
    assert counts(index()) == {"unchanged": 6, "failed": 1}


def test_another_model_leaves_out_what_is_excluded_until_it_comes_back(
    library: Library, photos: Path, index: Index, second: FakeEncoder
) -> None:
    index(photos)
    assert counts(index(by=second, exclude=("summer",))) == {"unchanged": 4}
    library.use("second")
    assert counts(index(by=second)) == {"unchanged": 6}
    hits = Engine(library, lambda: second).search(Query((Term("text", "anything"),), k=9))
    assert len(hits) == 6


def test_a_named_path_that_is_excluded_is_left_out_and_told(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    report = index(photos / "0.png", exclude=("*.png",))
    assert (report.scanned, report.excluded) == (0, 1)
    assert f"{photos / '0.png'} is left out by an exclude pattern" in report.notices[0]
    report = index(photos / "summer", exclude=("summer",))
    assert (report.scanned, report.excluded) == (0, 2)
    assert "although it was named" in report.notices[0]
    assert shown(library) == ["1.png", "2.png", "3.png"]


def test_listed_files_are_excluded_too(
    library: Library, photos: Path, encoder: FakeEncoder
) -> None:
    listed = tuple(str(path) for path in sorted(photos.rglob("*.png")))
    config = IndexConfig(files=listed, exclude=("0.png", "1.png"), workers=1)
    report = Indexer(library, encoder, config).run()
    assert counts(report) == {"new": 4}
    assert sum("although it was named" in notice for notice in report.notices) == 2


def test_a_pattern_that_matched_nothing_is_told(
    library: Library, photos: Path, index: Index
) -> None:
    report = index(photos, exclude=("summer", "Summer", "*.gif", "!summer/4.png"))
    [told] = [notice for notice in report.notices if "matched nothing" in notice]
    assert told.startswith("the exclude patterns Summer, *.gif, !summer/4.png matched nothing")
    assert "inside a folder that is left out" in told
    assert index(photos, exclude=("*.png",)).notices[-1].startswith("4 files are excluded now")


@pytest.mark.parametrize("known", [True, False])
def test_a_path_is_relative_to_the_folder_that_is_named(
    photos: Path, index: Index, draw: Draw, known: bool
) -> None:
    draw(photos / "summer" / "raw" / "6.png", 6)
    if known:
        index(photos)
    for pattern in ("/raw", "./raw", "raw/*.png", "/raw/6.png", str(photos / "summer" / "raw")):
        report = index(photos / "summer", exclude=(pattern,))
        assert (report.scanned, report.missing) == (2, 0), pattern
        assert not any("matched nothing" in notice for notice in report.notices)
        assert report.excluded == int(known)
    assert index(photos / "summer").scanned == 3


def test_patterns_by_root_stay_what_they_are_where_a_folder_is_named(
    photos: Path, index: Index
) -> None:
    index(photos)
    for named in ((), (photos,), (photos / "summer",)):
        report = index(*named, exclude=("/summer/4.png", "/5.png"), exclude_by_root=True)
        assert report.excluded == 1, named


def test_a_pattern_that_matched_nothing_is_told_of_named_and_listed_files(
    library: Library, photos: Path, encoder: FakeEncoder, index: Index
) -> None:
    listed = (str(photos / "0.png"), str(photos / "summer" / "4.png"))
    config = IndexConfig(files=listed, exclude=("*.gif", "0*"), workers=1)
    for report in (
        Indexer(library, encoder, config).run(),
        index(photos / "0.png", exclude=("*.gif",)),
        index(photos / "0.png", exclude=("*.gif", "*.png")),
    ):
        assert "the exclude pattern *.gif matched nothing" in report.notices
    # What the settings hold is meant for all files, of which this is one.
    report = index(photos / "0.png", exclude=("*.gif",), exclude_by_root=True)
    assert report.notices == ()


def test_a_pattern_is_not_told_of_where_no_folder_was_looked_through(
    photos: Path, index: Index, tmp_path: Path
) -> None:
    index(photos)
    photos.rename(tmp_path / "unplugged")
    assert not any("matched" in notice for notice in index(exclude=("*.gif",)).notices)


def test_one_text_for_a_list_of_patterns_hides_nothing(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    with pytest.raises(InvalidArgument, match="a tuple of texts"):
        index(photos, exclude="*.gif")
    assert len(paths(library)) == 6
