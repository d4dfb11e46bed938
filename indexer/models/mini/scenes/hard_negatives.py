"""False captions made from true ones by exchanging two objects, or only their colours."""

import numpy as np
import numpy.typing as npt

from indexer.models.mini.scenes.scenes import COLOURS, SIZES
from indexer.models.mini.scenes.words import words

Ids = npt.NDArray[np.int64]

_PHRASE = 4  # words: article, size, colour, shape
_NUMBERS = {word: number for number, word in enumerate(words(), start=1)}
_SIZES = frozenset(_NUMBERS[size] for size in SIZES)
_COLOURS = frozenset(_NUMBERS[colour] for colour in COLOURS)
_SCATTERED = _NUMBERS["scattered"]


def swapped(captions: Ids, rng: np.random.Generator) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """Exchange two objects of each full caption, in half of the cases only their colours.

    Takes (n, 30) word numbers; returns as many and (n,) bool, False where a caption names one
    object only or the exchange would leave it true.
    """
    made = captions.copy()
    false = np.zeros(len(captions), np.bool_)
    for row, caption in enumerate(captions):
        false[row] = _swap(made[row], _phrases(caption), rng)
    return made, false


def _phrases(caption: Ids) -> list[int]:
    """Find where full phrases begin: an article before a size and a colour."""
    return [
        at
        for at in range(len(caption) - _PHRASE + 1)
        if int(caption[at + 1]) in _SIZES and int(caption[at + 2]) in _COLOURS
    ]


def _swap(caption: Ids, starts: list[int], rng: np.random.Generator) -> bool:
    if len(starts) < 2:
        return False
    before = caption.copy()
    one, other = (starts[int(at)] for at in rng.choice(len(starts), 2, replace=False))
    only_colours = rng.random() < 0.5
    if only_colours:
        caption[one + 2], caption[other + 2] = before[other + 2], before[one + 2]
    else:
        caption[one : one + _PHRASE] = before[other : other + _PHRASE]
        caption[other : other + _PHRASE] = before[one : one + _PHRASE]
    if _SCATTERED in before:
        return _looks(before, starts) != _looks(caption, starts)
    return bool((caption != before).any())


def _looks(caption: Ids, starts: list[int]) -> list[tuple[int, ...]]:
    return sorted(tuple(int(word) for word in caption[at + 1 : at + _PHRASE]) for at in starts)
