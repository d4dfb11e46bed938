"""A selection of vectors leaves out those of a query, as set operations would."""

import numpy as np
import pytest

from storage.selection import Selection


@pytest.mark.parametrize("own", [[], [4], [9, 2, 4], [4, 4, 100]])
@pytest.mark.parametrize("excluded", [[], [1], [2, 4, 7]])
def test_vectors_are_left_out_like_elements_of_sets(own: list[int], excluded: list[int]) -> None:
    items, hidden = np.array(own, np.int64), np.array(excluded, np.int64)
    left = Selection(None, hidden).without(items)
    assert left.included is None
    assert left.excluded.dtype == np.int64
    assert left.excluded.tolist() == sorted({*own, *excluded})
    included = np.arange(1, 11)
    kept = Selection(included, hidden).without(items)
    assert kept.included is not None
    assert kept.included.tolist() == [number for number in range(1, 11) if number not in own]
    assert kept.excluded.tolist() == excluded
