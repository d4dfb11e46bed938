"""Items' own vectors, as the catalogue holds them."""

from collections.abc import Iterable

import numpy as np
from sqlalchemy import Connection

from storage.records import Vector
from storage.tables import vectors


def rows_of(connection: Connection, space_id: int, items: Iterable[int]) -> dict[int, Vector]:
    """Read the (dim,) float32 vectors of these items; those the space has none of are left out."""
    ids = np.array(vectors.numbers_of(connection, space_id, items), np.int64)
    owners = vectors.items_of(connection, ids.tolist())
    return {
        owners[number]: row
        for numbers, matrix in vectors.fetch(connection, ids)
        for number, row in zip(numbers.tolist(), matrix, strict=True)
    }
