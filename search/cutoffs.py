"""The verdict: which hits are good enough, once a person has said how good that is."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from search.hits import Hit
from storage.errors import InvalidArgument
from storage.records import Matrix

# How many of the neutral texts an item is held against: those nearest to it. Chowdhury et al.
# take a few dozen of many thousands; a bank of 128 has fewer that are near to any one item.
NEAREST = 16


def lifts(
    scores: npt.ArrayLike, rows: Matrix, bank: Matrix, nearest: int = NEAREST
) -> npt.NDArray[np.float32]:
    """Return each score less the mean of the item's `nearest` largest cosines to the bank.

    `scores` (n,), `rows` (n, dim) the items' unit vectors, `bank` (texts, dim) → (n,) float32.
    An item that is near to everything loses what it would have got from any query, so one
    cut-off means the same for all: querybank normalisation (Bogolin et al., CVPR 2022) in the
    additive form of nearest-neighbour normalisation (Chowdhury et al., EMNLP 2024).
    """
    near = np.partition(rows @ bank.T, -min(nearest, len(bank)), axis=1)
    usual = near[:, -min(nearest, len(bank)) :].mean(axis=1)  # (n,)
    corrected: npt.NDArray[np.float32] = (np.asarray(scores) - usual).astype(np.float32)
    return corrected


def matching(hits: Sequence[Hit], least: float) -> list[Hit]:
    """Keep the hits that match with a probability of at least `least`; nothing unread passes."""
    return [hit for hit in hits if hit.match is not None and hit.match >= least]


def lifted(hits: Sequence[Hit], least: float) -> list[Hit]:
    """Keep the hits whose lift is at least `least`."""
    return [hit for hit in hits if hit.lift is not None and hit.lift >= least]


def unread(hits: Sequence[Hit]) -> str | None:
    """Return how many pictures the second reader has not read; None where it read all."""
    count = sum(hit.item.kind == "image" and hit.match is None for hit in hits)
    if not count:
        return None
    left = "1 hit was" if count == 1 else f"{count:,} hits were"
    return (
        f"{left} not read a second time and left out: only what was read can match, and a greater "
        "depth of reranking reads more"
    )


def nothing_to_read(hits: Sequence[Hit], least: float | None) -> str | None:
    """Return the notice that hits are all texts, which no reader reads; None without hits.

    Raises InvalidArgument where only matches of at least `least` are wanted.
    """
    if not hits:
        return None
    if least is not None:
        raise InvalidArgument(
            "{min_match} passes pictures alone and only texts were found: look for {kind} image, "
            "or leave {min_match} out",
            parameter="min_match",
            value=least,
            others=("kind",),
        )
    return "only pictures are read a second time, and no hit is one: nothing was reranked"
