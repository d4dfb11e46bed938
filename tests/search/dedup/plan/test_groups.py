"""Groups: a keeper and what is like it, never what is like something that is like it."""

from pathlib import Path

import pytest

from search.dedup.detect.kinds import KINDS, Kind
from search.dedup.plan.groups import Group, Grouper
from search.dedup.plan.keepers import KeepOrder
from storage.tables import decisions
from tests.search.dedup.paired_images import PairedImages

ORDER = KeepOrder(["bytes"])


class Shelf(PairedImages):
    """Images and pairs that are grouped without a look at full detail."""

    def groups(self, *dropped: Kind, kinds: tuple[Kind, ...] = KINDS) -> list[list[str]]:
        return [_names(group) for group in self.given(*dropped, kinds=kinds)]

    def given(self, *dropped: Kind, kinds: tuple[Kind, ...] = KINDS) -> list[Group]:
        return list(Grouper(self.library, ORDER, kinds, dropped).run())


def _names(group: Group) -> list[str]:
    return [Path(member.path).name for member in (group.keeper, *group.others)]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_nothing_joins_through_a_third(shelf: Shelf) -> None:
    large, middle, small = (shelf.add(size, f"{size}") for size in (30, 20, 10))
    shelf.pair(large, middle, "same-picture")
    shelf.pair(middle, small, "same-picture")
    assert shelf.groups() == [["30", "20"]]


def test_what_is_not_like_the_keeper_may_head_a_group(shelf: Shelf) -> None:
    numbers = [shelf.add(size, f"{size}") for size in (40, 30, 20, 10)]
    for one, other in ((0, 1), (1, 2), (2, 3)):
        shelf.pair(numbers[one], numbers[other], "same-picture")
    assert shelf.groups() == [["40", "30"], ["20", "10"]]


def test_files_of_one_content_are_identical(shelf: Shelf) -> None:
    shelf.add(10, "b", "a")
    [group] = shelf.given()
    assert _names(group) == ["a", "b"]
    assert (group.kind, group.others[0].kind, group.rule) == ("identical", "identical", "path")


@pytest.mark.parametrize("how", ["hardlink_to", "symlink_to"])
def test_a_second_name_of_one_file_is_no_duplicate(shelf: Shelf, how: str) -> None:
    (shelf.folder / "a").write_bytes(b"an image")
    getattr(shelf.folder / "b", how)(shelf.folder / "a")
    shelf.add(10, "a", "b")
    assert shelf.groups() == []


def test_a_link_to_a_file_that_the_library_does_not_hold_is_no_keeper(shelf: Shelf) -> None:
    shelf.add(10, "a", "b", "c")
    (shelf.folder / "a").rename(shelf.folder.parent / "object")
    (shelf.folder / "a").symlink_to(shelf.folder.parent / "object")
    assert shelf.groups() == [["b", "c"]]


def test_a_file_that_is_gone_is_in_no_group(shelf: Shelf) -> None:
    shelf.add(10, "a", "b")
    (shelf.folder / "b").unlink()
    assert shelf.groups() == []


def test_copies_find_their_keeper_before_edits_are_grouped(shelf: Shelf) -> None:
    edit, photo, copy = (shelf.add(size, f"{size}") for size in (30, 20, 10))
    shelf.pair(edit, photo, "edited")
    shelf.pair(edit, copy, "edited")
    shelf.pair(photo, copy, "same-picture")
    assert shelf.groups("identical", "same-picture") == [["20", "10"], ["30", "20"]]
    assert shelf.groups(*KINDS) == [["30", "10", "20"]]


def test_copies_of_a_keeper_of_edits_are_still_told_of(shelf: Shelf) -> None:
    photo, edit = shelf.add(20, "20", "twin"), shelf.add(10, "10")
    shelf.pair(photo, edit, "edited")
    assert shelf.groups("edited") == [["20", "10"], ["20", "twin"]]


def test_kinds_that_are_not_asked_for_stay_out(shelf: Shelf) -> None:
    photo, copy = shelf.add(20, "20", "twin"), shelf.add(10, "10")
    shelf.pair(photo, copy, "edited")
    assert shelf.groups(kinds=("identical",)) == [["20", "twin"]]
    assert shelf.groups(kinds=("edited",)) == [["20", "10"]]


def test_a_pair_that_is_none_by_decision_is_parted(shelf: Shelf) -> None:
    photo, copy, other = (shelf.add(size, f"{size}") for size in (30, 20, 10))
    shelf.pair(photo, copy, "same-picture")
    shelf.pair(photo, other, "same-picture")
    with shelf.library.catalogue.writing() as connection:
        decisions.record(connection, "not-duplicates", [f"{30:064x}", f"{20:064x}"])
    assert shelf.groups() == [["30", "10"]]


def test_numbers_are_in_order_and_without_gaps(shelf: Shelf) -> None:
    for size in (10, 20, 30):
        shelf.add(size, f"{size}", f"{size} again")
    with shelf.library.catalogue.writing() as connection:
        decisions.record(connection, "keep-all", [f"{20:064x}"] * 2)
    assert [(group.number, _names(group)[0]) for group in shelf.given()] == [(1, "30"), (2, "10")]
