"""The stored vectors of the texts that a space was last asked for.

They are stored so that a repeated question need not load a model. Of the texts themselves the
library keeps their SHA-256 alone: who may read the library cannot read what was asked, but can
test guesses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.records import Vector
from storage.tables.items import BATCH

# By which rules texts become vectors; it rises where a text may get another one than before.
_READING = 1
KEPT = 1_000  # of each space, the last that were encoded: 2 MB at 512 dimensions
_STORED = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class QueryText:
    """A text as a model reads it: its vector, (dim,) float32, and how much of it was read.

    `truncation` is (tokens read, tokens, words read), None where it read all.
    """

    vector: Vector
    truncation: tuple[int, int, int] | None = None


def stored(connection: Connection, space_id: int, texts: Iterable[str]) -> dict[str, QueryText]:
    """Read the vectors of these texts; those that the space was not asked for are left out."""
    table = schema.query_vectors
    by_hash = {_hash(text): text for text in texts}
    wanted, found = list(by_hash), dict[str, QueryText]()
    for start in range(0, len(wanted), BATCH):
        rows = connection.execute(
            select(table.c.text_hash, table.c.vector, table.c.truncation).where(
                table.c.space_id == space_id, table.c.text_hash.in_(wanted[start : start + BATCH])
            )
        )
        for key, blob, truncation in rows:
            vector = np.frombuffer(blob, _STORED).astype(np.float32)
            read = None if truncation is None else tuple(truncation)
            found[by_hash[key]] = QueryText(vector, read)
    return found


def record(connection: Connection, space_id: int, made: Mapping[str, QueryText]) -> None:
    """Store the vectors of texts; of more than `KEPT` the oldest are dropped."""
    table = schema.query_vectors
    newest = list(made.items())[-KEPT:]
    connection.execute(
        insert(table).on_conflict_do_nothing(),  # another process was asked for it meanwhile
        [
            {
                "space_id": space_id,
                "text_hash": _hash(text),
                "vector": np.ascontiguousarray(one.vector, dtype=_STORED).tobytes(),
                "truncation": None if one.truncation is None else list(one.truncation),
            }
            for text, one in newest
        ],
    )
    ours = select(table.c.id).where(table.c.space_id == space_id).order_by(table.c.id.desc())
    oldest = ours.offset(KEPT).limit(1).scalar_subquery()
    connection.execute(delete(table).where(table.c.space_id == space_id, table.c.id <= oldest))


def _hash(text: str) -> str:
    return sha256(f"{_READING}\0{text}".encode()).hexdigest()
