"""The VQA measure, against what it must be for so many people out of ten."""

import pytest

from benchmarks.answering import accuracy, normalised


@pytest.mark.parametrize(
    ("people", "score"),
    [
        (0, 0.0),
        (1, 0.3),  # leaving out the one: 0; leaving out any of nine others: 1/3. 9 × 1/3 / 10
        (2, 0.6),  # leaving out one of the two: 1/3; one of the eight: 2/3. (2/3 + 16/3) / 10
        (3, 0.9),  # leaving out one of the three: 2/3; one of the seven: 1. (2 + 7) / 10
        (4, 1.0),  # three are left at least
        (10, 1.0),
    ],
)
def test_an_answer_is_right_to_the_degree_that_people_gave_it(people: int, score: float) -> None:
    given = ["red"] * people + [f"other {number}" for number in range(10 - people)]
    assert accuracy("red", given) == pytest.approx(score)


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("The Red Kite.", "red kite"),
        ("two", "2"),
        ("none", "0"),
        ("1,000 people", "1000 people"),  # a mark within a number goes
        ("red/blue", "red blue"),  # between words it parts them
        ("red, blue", "red blue"),  # at an edge it goes
        ("5.5 m.", "5.5 m"),
        ("dont know", "don't know"),
        ("couldntve", "couldntve"),  # two forgotten apostrophes are not in the official table
        ("couldn'tve", "couldn't've"),
        ("well its", "well its"),
    ],
)
def test_answers_are_compared_in_the_official_form(answer: str, form: str) -> None:
    assert normalised(answer) == form


def test_where_all_people_agree_the_answer_must_be_just_theirs() -> None:
    assert accuracy("A Kite", ["kite"] * 10) == 0
    assert accuracy(" kite\n", ["kite"] * 10) == 1
    assert accuracy("A Kite", ["kite"] * 9 + ["bird"]) == 1
