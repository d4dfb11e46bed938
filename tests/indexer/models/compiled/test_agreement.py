"""What is said of a quantised network is what its vectors are."""

import numpy as np
import pytest

from indexer.models.compiled.agreement import Agreement
from storage.records import Matrix


def circle(count: int, turned: float = 0.0) -> Matrix:
    """Return unit vectors around a circle, all turned by an angle."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + turned
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def test_the_same_vectors_agree_wholly() -> None:
    rows = circle(41)
    found = Agreement.measure(rows, rows, np.arange(4, 41, 5))
    assert found.mean == pytest.approx(1) == found.least and found.nearest == 10


def test_vectors_that_all_turn_alike_keep_their_neighbours_and_not_their_cosine() -> None:
    found = Agreement.measure(circle(41), circle(41, turned=0.5), np.arange(4, 41, 5))
    assert found.mean == pytest.approx(np.cos(0.5), abs=1e-5) == found.least
    assert found.nearest == 10


def test_one_that_moved_far_is_the_least_and_loses_its_neighbours() -> None:
    exact = circle(41)
    ours = exact.copy()
    ours[9] = -exact[9]
    found = Agreement.measure(exact, ours, np.array([9, 30]))
    assert found.least == pytest.approx(-1) and found.mean == pytest.approx(0, abs=1e-6)
    assert found.nearest <= 5.5  # nothing of the one, nearly all of the other
    # Images that were calibrated on do not count.
    assert Agreement.measure(exact, ours, np.array([30])).least == pytest.approx(1)


def test_it_is_told_in_one_line() -> None:
    told = str(Agreement(0.9871, 0.9748, 9.14))
    assert told == "cosine 0.987 on average, 0.975 at least; 9.1 of 10 nearest as before"
