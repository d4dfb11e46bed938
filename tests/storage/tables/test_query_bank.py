"""The vectors of neutral queries belong to a space and come back as they were."""

import numpy as np

from storage import Library, Space
from storage.tables import query_bank, spaces


def test_a_bank_comes_back_as_it_was_stored(library: Library) -> None:
    matrix = np.random.default_rng(1).standard_normal((5, 8)).astype(np.float32)
    with library.catalogue.writing() as connection:
        number = spaces.register(connection, Space("m", "1", 8, "{}")).id
        assert number is not None
        assert query_bank.stored(connection, number, "everyday") is None
        query_bank.record(connection, number, "everyday", matrix)
        query_bank.record(connection, number, "drawn", matrix[:2])
        query_bank.record(connection, number, "everyday", -matrix)
        found = query_bank.stored(connection, number, "everyday")
        assert found is not None and found.dtype == np.float32
        np.testing.assert_array_equal(found, -matrix)
        other = query_bank.stored(connection, number, "drawn")
        assert other is not None and other.shape == (2, 8)
        assert query_bank.stored(connection, number + 1, "everyday") is None
