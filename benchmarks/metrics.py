"""Measures as pure functions of arrays."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ranks = npt.NDArray[np.int64]


def ranks(scores: Floats) -> Ranks:
    """Give the place, from 0, of each query's own document: `scores` is (n, n), query by document.

    A tie counts against us.
    """
    own = np.diagonal(scores)[:, None]
    found: Ranks = np.count_nonzero(scores >= own, axis=1) - 1
    return found


def recall_at(places: Ranks, k: int) -> float:
    """Give the share of queries whose own document is among the first k; higher is better."""
    return float(np.mean(places < k))
