"""The measures, on numbers small enough to check by hand."""

import numpy as np

from benchmarks.metrics import ranks, recall_at


def test_ranks_count_who_comes_before() -> None:
    scores = np.array([[0.9, 0.1, 0.2], [0.5, 0.4, 0.6], [0.0, 0.1, 0.2]])
    assert ranks(scores).tolist() == [0, 2, 0]


def test_a_tie_counts_against_us() -> None:
    assert ranks(np.array([[0.5, 0.5], [0.1, 0.2]])).tolist() == [1, 0]


def test_recall_is_the_share_among_the_first() -> None:
    places = np.array([0, 2, 0, 7])
    assert [recall_at(places, k) for k in (1, 3, 8)] == [0.5, 0.75, 1.0]
