"""The stored vectors of a query bank in a space.

They are stored so that a search by an item need not load a model for them.
"""

import numpy as np
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.records import Matrix

_STORED = np.dtype("<f4")


def stored(connection: Connection, space_id: int, name: str) -> Matrix | None:
    """Read a bank's vectors, (queries, dim) float32; None if the space has none."""
    table, spaces = schema.neutral, schema.spaces
    row = connection.execute(
        select(table.c.vectors, spaces.c.dimension)
        .join(spaces, spaces.c.id == table.c.space_id)
        .where(table.c.space_id == space_id, table.c.name == name)
    ).first()
    if row is None:
        return None
    return np.frombuffer(row.vectors, _STORED).reshape(-1, row.dimension).astype(np.float32)


def record(connection: Connection, space_id: int, name: str, matrix: Matrix) -> None:
    """Store a bank's vectors, (queries, dim) float32; they replace earlier ones."""
    written = {"vectors": np.ascontiguousarray(matrix, dtype=_STORED).tobytes()}
    put = insert(schema.neutral).values(space_id=space_id, name=name, **written)
    connection.execute(put.on_conflict_do_update(index_elements=["space_id", "name"], set_=written))
