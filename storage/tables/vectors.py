"""The stored vectors: fp16 blobs in the catalogue, keyed by space and item."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.records import Kind, Matrix, Vector
from storage.tables.items import BATCH, batches

Ids = npt.NDArray[np.int64]
_BLOCK = 8192  # rows read at a time: 8 MB of fp16 at 512 dimensions
_STORED = np.dtype("<f2")


def add(
    connection: Connection, space_id: int, kind: Kind, item_ids: Sequence[int], matrix: Matrix
) -> None:
    """Store unit rows: `matrix` is (n, dim) float32, row i belongs to item i.

    An item that has a vector in the space keeps it.
    """
    blobs = np.ascontiguousarray(matrix, dtype=_STORED)  # (n, dim) fp16
    connection.execute(
        insert(schema.vectors).on_conflict_do_nothing(),
        [
            {"space_id": space_id, "item_id": item, "kind": kind, "vector": row.tobytes()}
            for item, row in zip(item_ids, blobs, strict=True)
        ],
    )


def stored(connection: Connection, space_id: int, kind: Kind, hashes: Iterable[str]) -> set[str]:
    """Return which of these contents have a vector in the space."""
    items, vectors = schema.items, schema.vectors
    wanted = list(hashes)
    found: set[str] = set()
    for start in range(0, len(wanted), BATCH):
        found.update(
            connection.scalars(
                select(items.c.hash)
                .join(vectors, vectors.c.item_id == items.c.id)
                .where(
                    items.c.kind == kind,
                    items.c.hash.in_(wanted[start : start + BATCH]),
                    vectors.c.space_id == space_id,
                )
            )
        )
    return found


def of_item(connection: Connection, space_id: int, item_id: int) -> Vector | None:
    """Read one item's vector, (dim,) float32; None if the space has none."""
    table = schema.vectors
    blob = connection.scalar(
        select(table.c.vector).where(table.c.item_id == item_id, table.c.space_id == space_id)
    )
    return None if blob is None else np.frombuffer(blob, _STORED).astype(np.float32)


def blocks(
    connection: Connection, space_id: int, kind: Kind, after: int = 0
) -> Iterator[tuple[Ids, Matrix]]:
    """Read every vector numbered above `after`, in order: row numbers and (n, dim) float32."""
    table = schema.vectors
    while True:
        rows = connection.execute(
            select(table.c.id, table.c.vector)
            .where(table.c.space_id == space_id, table.c.kind == kind, table.c.id > after)
            .order_by(table.c.id)
            .limit(_BLOCK)
        ).all()
        if not rows:
            return
        yield _block(rows)
        after = int(rows[-1].id)


def sample(connection: Connection, space_id: int, kind: Kind, size: int, dimension: int) -> Matrix:
    """Read a sample of up to `size` vectors of a kind, spread over the space, (s, dim) float32.

    The same vectors each time, and not every n-th: two spaces may have been filled in turns.
    """
    table = schema.vectors
    query = select(table.c.id).where(table.c.space_id == space_id, table.c.kind == kind)
    ids = np.fromiter(connection.scalars(query.order_by(table.c.id)), np.int64)
    chosen = np.random.default_rng(0).choice(ids, min(size, len(ids)), replace=False)
    matrix = np.empty((len(chosen), dimension), np.float32)
    filled = 0
    for _, block in fetch(connection, chosen):
        matrix[filled : filled + len(block)] = block
        filled += len(block)
    return matrix


def fetch(connection: Connection, ids: Ids) -> Iterator[tuple[Ids, Matrix]]:
    """Read the vectors with these row numbers, in blocks; numbers that are gone are left out."""
    table = schema.vectors
    for batch in batches(ids.tolist()):
        rows = connection.execute(
            select(table.c.id, table.c.vector).where(table.c.id.in_(batch)).order_by(table.c.id)
        ).all()
        if rows:
            yield _block(rows)


def _block(rows: Sequence[object]) -> tuple[Ids, Matrix]:
    ids = np.fromiter((row.id for row in rows), np.int64, len(rows))  # type: ignore[attr-defined]
    joined = b"".join(row.vector for row in rows)  # type: ignore[attr-defined]
    matrix = np.frombuffer(joined, _STORED).reshape(len(rows), -1).astype(np.float32)
    return ids, matrix


def count(connection: Connection, space_id: int, kind: Kind, after: int = 0) -> int:
    """Count the vectors of a kind numbered above `after`."""
    table = schema.vectors
    query = select(func.count()).where(
        table.c.space_id == space_id, table.c.kind == kind, table.c.id > after
    )
    return int(connection.scalar(query) or 0)


def items_of(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Map vector row numbers to item row numbers."""
    table = schema.vectors
    found: dict[int, int] = {}
    for batch in batches(ids):
        rows = connection.execute(select(table.c.id, table.c.item_id).where(table.c.id.in_(batch)))
        found.update({int(row.id): int(row.item_id) for row in rows})
    return found


def numbers_of(connection: Connection, space_id: int, item_ids: Iterable[int]) -> list[int]:
    """Map items to the row numbers of their vectors in the space."""
    table = schema.vectors
    found: list[int] = []
    for batch in batches(item_ids):
        found += connection.scalars(
            select(table.c.id).where(table.c.item_id.in_(batch), table.c.space_id == space_id)
        )
    return found


def any_of(connection: Connection, space_id: int, kind: Kind) -> bool:
    """Return whether the space has a vector of this kind."""
    table = schema.vectors
    query = select(table.c.id).where(table.c.space_id == space_id, table.c.kind == kind).limit(1)
    return connection.execute(query).first() is not None


def rows_of(connection: Connection, space_id: int, item_ids: Iterable[int]) -> dict[int, Vector]:
    """Read the (dim,) float32 vectors of these items; items without one are left out."""
    ids = np.array(numbers_of(connection, space_id, item_ids), np.int64)
    owners = items_of(connection, ids.tolist())
    return {
        owners[number]: row
        for numbers, matrix in fetch(connection, ids)
        for number, row in zip(numbers.tolist(), matrix, strict=True)
    }
