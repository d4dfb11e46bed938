"""Fusing by rank, on lists small enough to check by hand."""

from search.fusion import reciprocal_rank


def test_one_list_stays_as_it_is() -> None:
    assert reciprocal_rank([["a", "b", "c"]]) == ["a", "b", "c"]


def test_two_lists_without_a_common_thing_interleave() -> None:
    assert reciprocal_rank([["a", "b"], ["x", "y"]]) == ["a", "x", "b", "y"]


def test_agreement_beats_a_single_first_place() -> None:
    assert reciprocal_rank([["a", "b"], ["x", "b"]])[0] == "b"


def test_nothing_fuses_to_nothing() -> None:
    assert reciprocal_rank([[], []]) == []
