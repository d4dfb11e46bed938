"""Decisions are kept by content and hide a group until it has a new member."""

import pytest

from storage import Library
from storage.errors import InvalidArgument
from storage.tables import decisions
from storage.tables.decisions import Decided

A, B, C, D = (digit * 64 for digit in "abcd")


def test_a_decision_hides_its_group_and_smaller_ones(library: Library) -> None:
    with library.catalogue.writing() as connection:
        decisions.record(connection, "keep-all", [C, A, B])
        assert Decided.read(connection).hides([B, A, C])
        assert Decided.read(connection).hides([A, C])
        assert not Decided.read(connection).hides([A, B, C, D])
        assert not Decided.read(connection).hides([D])
        assert not Decided.read(connection).hides([])


def test_a_group_in_two_decisions_but_in_neither_whole_is_shown(library: Library) -> None:
    with library.catalogue.writing() as connection:
        decisions.record(connection, "keep-all", [A, B])
        decisions.record(connection, "keep-all", [B, C])
        assert not Decided.read(connection).hides([A, B, C])


def test_one_more_copy_of_the_same_bytes_is_a_new_member(library: Library) -> None:
    with library.catalogue.writing() as connection:
        decisions.record(connection, "keep-all", [A, A])
        assert Decided.read(connection).hides([A, A])
        assert not Decided.read(connection).hides([A, A, A])


def test_as_many_files_stay_as_were_decided_on(library: Library) -> None:
    with library.catalogue.writing() as connection:
        decisions.record(connection, "keep-all", [A, A, B])
        decided = Decided.read(connection)
        assert decided.stays([A, A, A, B, C]) == [True, True, False, True, False]
        assert decided.stays([]) == []


def test_pairs_are_parted_by_not_duplicates_alone(library: Library) -> None:
    with library.catalogue.writing() as connection:
        decisions.record(connection, "not-duplicates", [A, B, C])
        decisions.record(connection, "keep-all", [C, D])
        assert Decided.read(connection).hides([A, C])
        decided = Decided.read(connection)
        assert decided.parts(C, A)
        assert not decided.parts(C, D)
        assert not decided.parts(A, A)
        assert not decided.parts(A, D)


def test_a_decision_is_listed_once_and_can_be_taken_back(library: Library) -> None:
    with library.catalogue.writing() as connection:
        first = decisions.record(connection, "keep-all", [B, A])
        assert decisions.record(connection, "keep-all", [A, B]) == first
        other = decisions.record(connection, "not-duplicates", [A, B])
        kinds = [(taken.id, taken.kind, taken.hashes) for taken in decisions.every(connection)]
        assert kinds == [(first, "keep-all", (A, B)), (other, "not-duplicates", (A, B))]
        assert decisions.remove(connection, [first, first, 99]) == 1
        assert decisions.remove(connection, [other]) == 1
        assert not Decided.read(connection).hides([A, B])


def test_what_decides_nothing_is_refused(library: Library) -> None:
    with library.catalogue.writing() as connection:
        with pytest.raises(InvalidArgument, match="the same bytes"):
            decisions.record(connection, "not-duplicates", [A, A])
        with pytest.raises(InvalidArgument, match="needs a group of files"):
            decisions.record(connection, "keep-all", [])
        with pytest.raises(InvalidArgument, match="keep-all, not-duplicates"):
            decisions.record(connection, "maybe", [A, B])  # type: ignore[arg-type]


def test_decisions_outlive_the_items(library: Library) -> None:
    with library.catalogue.writing() as connection:
        decisions.record(connection, "keep-all", [A, B])  # no item has these contents
    with Library.open(library.path) as again, again.catalogue.reading() as connection:
        assert Decided.read(connection).hides([A, B])
