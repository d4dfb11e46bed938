"""Spaces: the models of the vectors; a query is compared with vectors of its own space only."""

from dataclasses import replace

from sqlalchemy import Connection, insert, select

from storage import schema
from storage.errors import Hint, ModelMismatch
from storage.records import Space


def every(connection: Connection) -> tuple[Space, ...]:
    """List the spaces of the library, the current one first."""
    rows = connection.execute(
        select(schema.spaces).order_by(schema.spaces.c.current.desc(), schema.spaces.c.id)
    )
    return tuple(
        Space(row.name, row.revision, row.dimension, row.preprocessing, row.id, row.precision)
        for row in rows
    )


def register(connection: Connection, space: Space) -> Space:
    """Return the space of a model, added if new; the first one becomes current.

    Raises ModelMismatch where the library has a space that is called the same and is not.
    """
    known = every(connection)
    for other in known:
        if same(other, space):
            return other
        if _identity(other) == _identity(space):
            raise mismatch(other, space)
    made = insert(schema.spaces).values(
        name=space.name,
        revision=space.revision,
        dimension=space.dimension,
        preprocessing=space.preprocessing,
        current=not known,
        precision=space.precision,
    )
    number = connection.execute(made.returning(schema.spaces.c.id)).scalar_one()
    return replace(space, id=int(number))


def _identity(space: Space) -> tuple[str, str, str]:
    return space.name, space.revision, space.preprocessing


def same(one: Space, other: Space) -> bool:
    """Return whether the vectors of two spaces may be compared."""
    return (one.revision, one.dimension, one.preprocessing) == (
        other.revision,
        other.dimension,
        other.preprocessing,
    )


def mismatch(held: Space, offered: Space) -> ModelMismatch:
    """Return what to raise for a model that does not fit the space that bears its name."""
    return ModelMismatch(
        f"the model {held.name!r} is not the one this library was made with (weights "
        f"{offered.revision[:12]} instead of {held.revision[:12]}, or other image preparation); "
        "put the old weights back, or index by the new ones",
        hint=Hint("index by model", held.name),
    )
