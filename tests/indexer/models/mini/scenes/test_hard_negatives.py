import numpy as np

from indexer.models.mini.scenes.hard_negatives import Ids, swapped
from indexer.models.mini.scenes.words import words

WORDS = ("", *words())


def spelled(text: str) -> Ids:
    row = np.zeros(30, np.int64)
    numbers = [WORDS.index(word) for word in text.replace(",", " ,").split()]
    row[: len(numbers)] = numbers
    return row


def all_swaps(text: str) -> set[str]:
    made, false = swapped(np.stack([spelled(text)] * 60), np.random.default_rng(0))
    said = {
        " ".join(WORDS[number] for number in row if number).replace(" ,", ",")
        for row, untrue in zip(made, false, strict=True)
        if untrue
    }
    return said


def test_two_objects_change_places_or_colours() -> None:
    assert all_swaps("a big red star left of a small blue ring on a plain background") == {
        "a small blue ring left of a big red star on a plain background",
        "a big blue star left of a small red ring on a plain background",
    }


def test_one_object_cannot_be_exchanged() -> None:
    assert all_swaps("a big red star on a plain background") == set()
    assert all_swaps("three small blue rings on a dotted background") == set()


def test_places_mean_nothing_among_the_scattered() -> None:
    text = "a big red star, a small blue ring and a big gray heart scattered on a plain background"
    assert all("scattered" in said and said != text for said in all_swaps(text))
    assert "a small blue ring, a big red star and a big gray heart scattered on a plain " + (
        "background"
    ) not in all_swaps(text)


def test_alike_objects_make_no_false_caption() -> None:
    assert all_swaps("a big red star left of a big red star on a plain background") == set()
