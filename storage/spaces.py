"""Spaces: which model made the vectors, so that a query meets only its own kind."""

from dataclasses import replace

from sqlalchemy import Connection, insert, select

from storage import schema
from storage.errors import ModelMismatch
from storage.records import Space


def every(connection: Connection) -> tuple[Space, ...]:
    """List the spaces of the library, the current one first."""
    rows = connection.execute(
        select(schema.spaces).order_by(schema.spaces.c.current.desc(), schema.spaces.c.id)
    )
    return tuple(
        Space(row.name, row.revision, row.dimension, row.preprocessing, row.id) for row in rows
    )


def settle(connection: Connection, space: Space) -> Space:
    """Make a model's space the library's, or confirm that it is; raises ModelMismatch.

    The table holds several, for the release in which a library can; until then one is let in.
    """
    known = every(connection)
    for other in known:
        if not same(other, space):
            raise ModelMismatch(difference(other, space))
    if known:
        return known[0]
    made = insert(schema.spaces).values(
        name=space.name,
        revision=space.revision,
        dimension=space.dimension,
        preprocessing=space.preprocessing,
        current=True,
    )
    number = connection.execute(made.returning(schema.spaces.c.id)).scalar_one()
    return replace(space, id=int(number))


def same(one: Space, other: Space) -> bool:
    """Tell whether vectors of the two may be compared."""
    return (one.revision, one.dimension, one.preprocessing) == (
        other.revision,
        other.dimension,
        other.preprocessing,
    )


def difference(held: Space, offered: Space) -> str:
    """Say in one line why a model does not fit a library, and what to do."""
    if held.name != offered.name:
        return (
            f"this library holds vectors of the model {held.name!r}, not of {offered.name!r}; "
            "leave --model out, or give another --library for the other model"
        )
    return (
        f"the model {held.name!r} is not the one this library was made with (weights "
        f"{offered.revision[:12]} instead of {held.revision[:12]}, or other picture preparation); "
        "put the old weights back, or index into another --library"
    )
