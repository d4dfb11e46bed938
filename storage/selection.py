"""The items and vectors that pass the filters, as row numbers, before any ranking."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from storage import schema
from storage.filters import Filters, Near
from storage.records import Kind
from storage.tables.vectors import Ids

_EARTH_KM = 6371.0088


@dataclass(frozen=True, slots=True)
class Selection:
    """The vectors that may be hits: `included` (None: all) without `excluded`, both sorted."""

    included: Ids | None
    excluded: Ids

    def without(self, item_vectors: Ids) -> "Selection":
        """Return a selection that also excludes these vectors."""
        if not len(item_vectors):
            return self
        if self.included is not None:
            return Selection(self.included[~np.isin(self.included, item_vectors)], self.excluded)
        # Not `np.union1d`, which imports numpy's masked arrays: a tenth of a search by an image.
        joined = np.sort(np.concatenate((self.excluded, item_vectors)))
        return Selection(None, joined[np.diff(joined, prepend=-1) > 0])


def select_vectors(
    connection: Connection, space_id: int, kind: Kind, filters: Filters
) -> Selection:
    """Return the vectors that pass the filters; without any only the excluded ones are read."""
    conditions = filters.conditions()
    if not conditions:
        return Selection(None, _hidden(connection, space_id, kind, filters.missing))
    chosen = _joined(space_id, kind).where(*conditions, _shown(filters))
    return Selection(_chosen(connection, chosen, filters), np.empty(0, np.int64))


def select_items(connection: Connection, kind: Kind, filters: Filters) -> list[int]:
    """Return the row numbers of items of a kind that pass the filters, with or without vector."""
    items = schema.items
    conditions = filters.conditions()
    # As in `_joined`; with nothing named, rows in their order are read faster than by kind.
    same_kind = items.c.kind.concat("") == kind
    chosen = select(items.c.id).where(same_kind, *conditions, _shown(filters))
    numbers: list[int] = _chosen(connection, chosen, filters).tolist()
    return numbers


def _shown(filters: Filters) -> ColumnElement[bool]:
    present = schema.items.c.present.is_(True)
    return or_(present, _has_a_place()) if filters.missing else present


def _chosen(connection: Connection, chosen: Select[Any], filters: Filters) -> Ids:
    """Return the chosen row numbers, sorted, without those outside a filter's circle."""
    items, said = schema.items, schema.annotations
    if filters.near is not None:
        placed = chosen.outerjoin(said, said.c.item_id == items.c.id).add_columns(
            func.coalesce(items.c.latitude, said.c.latitude),
            func.coalesce(items.c.longitude, said.c.longitude),
        )
        ids = _within(filters.near, [tuple(row) for row in connection.execute(placed)])
    else:
        ids = np.fromiter(connection.scalars(chosen), np.int64)
    return np.sort(ids)


def _joined(space_id: int, kind: Kind) -> Select[Any]:
    """Return a query of vectors joined with their items.

    The empty sums keep SQLite from starting with the space or the kind, which nearly all rows
    share: it then starts with the filter's column, through its index.
    """
    items, vectors = schema.items, schema.vectors
    return (
        select(vectors.c.id)
        .join(items, items.c.id == vectors.c.item_id)
        .where(vectors.c.space_id + 0 == space_id, items.c.kind.concat("") == kind)
    )


def _hidden(connection: Connection, space_id: int, kind: Kind, missing: bool) -> Ids:
    """Return vectors of hidden items, and deleted ones that a build may still contain."""
    items, buried = schema.items, schema.tombstones
    deleted = select(buried.c.vector_id).where(buried.c.space_id == space_id, buried.c.kind == kind)
    absent = _joined(space_id, kind).where(items.c.present.is_(False))
    if missing:
        absent = absent.where(~_has_a_place())
    hidden = [*connection.scalars(deleted), *connection.scalars(absent)]
    return np.array(sorted(hidden), np.int64)


def _has_a_place() -> ColumnElement[bool]:
    """Return the condition that an item has a file, present or missing, that is not excluded.

    An interrupted run may leave items that nothing holds.
    """
    items, files, passages = schema.items, schema.files, schema.passages
    in_document = (
        select(passages.c.id)
        .join(files, files.c.item_id == passages.c.document_id)
        .where(passages.c.item_id == items.c.id, files.c.excluded.is_(False))
        .exists()
    )
    return or_(
        exists().where(files.c.item_id == items.c.id, files.c.excluded.is_(False)), in_document
    )


def _within(near: Near, placed: list[tuple[int, float, float]]) -> Ids:
    """Return the numbers whose places lie within the circle, by the haversine formula."""
    table = np.array(placed, np.float64).reshape(-1, 3)  # (n, 3): number, degrees, degrees
    latitude, longitude = np.radians(table[:, 1]), np.radians(table[:, 2])
    lat0, lon0 = np.radians(near.latitude), np.radians(near.longitude)
    half = (
        np.sin((latitude - lat0) / 2) ** 2
        + np.cos(lat0) * np.cos(latitude) * np.sin((longitude - lon0) / 2) ** 2
    )
    distance = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    kept: Ids = table[distance <= near.kilometres, 0].astype(np.int64)
    return kept
