"""How a query is written, and what is refused."""

import pytest

from search import Query, Rerank, Term
from storage import Near
from storage.errors import InvalidArgument
from storage.filters import parse_date

KITE = (Term("text", "kite"),)


@pytest.mark.parametrize(
    ("written", "weight", "value"),
    [
        ("red kite", 1.0, "red kite"),
        ("2:red kite", 2.0, "red kite"),
        ("0.5:pool", 0.5, "pool"),
        (".5:pool", 0.5, "pool"),
        ("1:10:30 train", 1.0, "10:30 train"),
        ("a 3:1 ratio", 1.0, "a 3:1 ratio"),
    ],
)
def test_a_number_and_a_colon_at_the_start_are_a_weight(
    written: str, weight: float, value: str
) -> None:
    assert Term.parse("text", written) == Term("text", value, weight)


def test_a_minus_term_weighs_the_other_way() -> None:
    assert Term.parse("text", "2:fruit", sign=-1).weight == -2


def test_only_words_carry_weights() -> None:
    assert Term.parse("image", "2:photo.jpg") == Term("image", "2:photo.jpg", 1.0)


@pytest.mark.parametrize("written", ["", "  ", "2:", "0:red", "9" * 400 + ":red", "1001:red"])
def test_a_term_without_words_or_weight_is_refused(written: str) -> None:
    with pytest.raises(InvalidArgument):
        Term.parse("text", written)


def test_an_empty_query_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="empty"):
        Query(())
    with pytest.raises(InvalidArgument, match="empty"):
        Query((Term("text", "fruit", -1.0),))


def test_a_k_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="k is 0"):
        Query((Term("text", "kite"),), k=0)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_match_off_the_scale_is_refused(share: float) -> None:
    with pytest.raises(InvalidArgument, match="min_match"):
        Query(KITE, min_match=share)


@pytest.mark.parametrize("lift", [-2.1, 3.0, float("nan")])
def test_a_lift_off_the_scale_is_refused(lift: float) -> None:
    with pytest.raises(InvalidArgument, match="min_lift"):
        Query(KITE, min_lift=lift)


def test_a_cut_off_wants_a_second_reading() -> None:
    assert Query(KITE).effective_rerank is None
    assert Query(KITE, min_match=0.5).effective_rerank == Rerank()
    assert Query(KITE, min_match=0.5, rerank=Rerank(7)).effective_rerank == Rerank(7)


def test_without_words_there_is_nothing_to_read_images_for() -> None:
    like = Term("item", "abcdef12")
    with pytest.raises(InvalidArgument, match="without words"):
        Query((like,), rerank=Rerank())
    with pytest.raises(InvalidArgument, match="without words"):
        Query((like, Term("text", "kite", -1.0)), min_match=0.5)
    assert Query((like, *KITE), rerank=Rerank()).texts == KITE


def test_texts_are_not_reranked() -> None:
    with pytest.raises(InvalidArgument, match="only images"):
        Query(KITE, kind="text", rerank=Rerank())


@pytest.mark.parametrize("written", ["", "1,2", "a,b,c", "91,0,1", "0,181,1", "0,0,0", "nan,0,1"])
def test_a_place_off_the_map_is_refused(written: str) -> None:
    with pytest.raises(InvalidArgument, match="near"):
        Near.parse(written)


@pytest.mark.parametrize("written", ["2020", "2020-06", "2020-06-30", "2020-06-30T18:00"])
def test_a_date_may_be_as_coarse_as_a_year(written: str) -> None:
    assert parse_date(written) == written


@pytest.mark.parametrize(
    "written", ["", "20", "2020-13", "2020-02-30", "yesterday", "2020-06-30 x"]
)
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="a date, written like"):
        parse_date(written)


def test_bytes_that_are_no_text_become_question_marks_and_paths_keep_theirs() -> None:
    assert Term.parse("text", "caf\udce9").value == "caf?"
    assert Term.parse("image", "/caf\udce9.jpg").value == "/caf\udce9.jpg"
