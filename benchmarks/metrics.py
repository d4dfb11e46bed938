"""Measures as pure functions of arrays."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Ranks = npt.NDArray[np.int64]

CUTS = (1, 5, 10)  # of Recall@k, as the field reports it


def ranks(scores: Floats) -> Ranks:
    """Return the place, from 0, of each query's own document; `scores` is (n, n), by document.

    A tie counts against us.
    """
    return ranks_of_own(scores, np.eye(len(scores), dtype=bool))


def ranks_of_own(scores: Floats, own: Flags) -> Ranks:
    """Return the place, from 0, of the best of each query's own documents among the others.

    `scores` is (queries, documents) and `own` the same shape. An image with five captions is
    found when any of them comes first, and they do not stand in each other's way (Karpathy and
    Fei-Fei, CVPR 2015). A tie with another's document counts against us.
    """
    best = np.where(own, scores, -np.inf).max(axis=1, keepdims=True)
    found: Ranks = np.count_nonzero((scores >= best) & ~own, axis=1)
    return found


def recall_at(places: Ranks, k: int) -> float:
    """Return the share of queries whose own document is among the first k; higher is better."""
    return float(np.mean(places < k))


def both_ways(scores: Floats, image_of: Ranks) -> dict[str, float]:
    """Return Recall@1, 5 and 10 of captions finding their image, and of images finding one.

    `scores` is (captions, images); `image_of` (captions,) says whose caption each is.
    """
    own = image_of[:, None] == np.arange(scores.shape[1])
    ways = {"t2i": ranks_of_own(scores, own), "i2t": ranks_of_own(scores.T, own.T)}
    return {f"{way}_r{k}": recall_at(places, k) for way, places in ways.items() for k in CUTS}


def area_under_curve(present: Floats, absent: Floats) -> float:
    """Return how often a present one scores above an absent one, half for a tie.

    This is the area under the ROC curve: 1 where one cut-off separates them, 0.5 for chance.
    """
    above = present[:, None] > absent[None]
    level = present[:, None] == absent[None]
    return float(np.mean(above + 0.5 * level))
