"""Stored fingerprints and local features of images.

Row numbers of both only grow; `storage.tables.duplicate_pairs` has the watermarks of comparison.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, delete, exists, func, select
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.tables.items import batches
from storage.tables.vectors import Ids

Bytes = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float16]  # (n, 4): x, y, size, angle

TURNS, HASH_BYTES = 8, 32  # the ways an image can lie, and the bytes of each way's hash
CODE_BYTES, POINT_NUMBERS = 16, 4
# Rows read at a time: 2 MB of fingerprints and of bases; features about 15 MB at 500 an image.
FINGERPRINT_PAGE, FEATURE_PAGE, BASE_PAGE = 8192, 1024, 65_536
_STORED_POINT = np.dtype("<f2")


class FingerprintPage(NamedTuple):
    """A page of fingerprints, by row number."""

    ids: Ids  # (n,)
    items: Ids  # (n,)
    hashes: Bytes  # (n, 8, 32)
    quality: npt.NDArray[np.int64]  # (n,)


class UprightPage(NamedTuple):
    """A page of hashes of upright images, by row number."""

    ids: Ids  # (n,)
    items: Ids  # (n,)
    hashes: Bytes  # (n, 32)


class FeaturePage(NamedTuple):
    """A page of local features: n images by row number, and their m features one after another.

    An image without features has its row among the n and none among the m.
    """

    ids: Ids  # (n,)
    items: Ids  # (n,)
    codes: Bytes  # (m, 16)
    owners: Ids  # (m,) the item of each feature
    points: Points  # (m, 4)


def lacking_fingerprints(
    connection: Connection, after_item: int, count: int
) -> list[tuple[int, str]]:
    """List the next present images above an item that lack fingerprints: number and hash."""
    return _lacking(connection, schema.fingerprints, after_item, count)


def lacking_features(connection: Connection, after_item: int, count: int) -> list[tuple[int, str]]:
    """List the next present images above an item that lack features: number and hash."""
    return _lacking(connection, schema.features, after_item, count)


def _lacking(
    connection: Connection, table: Table, after_item: int, count: int
) -> list[tuple[int, str]]:
    items = schema.items
    rows = connection.execute(
        select(items.c.id, items.c.hash)
        .where(
            items.c.id > after_item,
            # The empty word keeps SQLite from the index by kind: rows in order are read faster.
            items.c.kind.concat("") == "image",
            items.c.present.is_(True),
            ~exists().where(table.c.item_id == items.c.id),
        )
        .order_by(items.c.id)
        .limit(count)
    )
    return [(int(number), str(content)) for number, content in rows]


def add_fingerprints(connection: Connection, rows: Iterable[tuple[int, Bytes, int]]) -> None:
    """Store (item, hashes (8, 32) uint8, quality); an item that has fingerprints keeps them."""
    values = [
        {"item_id": item, "hashes": _shaped(hashes, TURNS, HASH_BYTES), "quality": int(quality)}
        for item, hashes, quality in rows
    ]
    if values:
        connection.execute(insert(schema.fingerprints).on_conflict_do_nothing(), values)


def add_features(connection: Connection, rows: Iterable[tuple[int, Bytes, Points]]) -> None:
    """Store (item, codes (n, 16) uint8, points (n, 4) float16), n from 0.

    An item that has features keeps them.
    """
    values = [
        {
            "item_id": item,
            "codes": _shaped(codes, len(codes), CODE_BYTES),
            "points": np.ascontiguousarray(points, _STORED_POINT)
            .reshape(len(codes), POINT_NUMBERS)
            .tobytes(),
        }
        for item, codes, points in rows
    ]
    if values:
        connection.execute(insert(schema.features).on_conflict_do_nothing(), values)


def forget(connection: Connection, items: Iterable[int]) -> None:
    """Delete the fingerprints and features of items: new ones are compared again."""
    for batch in batches(sorted(items)):
        for table in (schema.fingerprints, schema.features):
            connection.execute(delete(table).where(table.c.item_id.in_(batch)))


def _shaped(array: Bytes, rows: int, columns: int) -> bytes:
    return np.ascontiguousarray(array, np.uint8).reshape(rows, columns).tobytes()


def fingerprints(
    connection: Connection, after: int = 0, upto: int | None = None
) -> Iterator[FingerprintPage]:
    """Read the fingerprints numbered above `after` and not above `upto`, in pages by number."""
    for rows in _pages(connection, schema.fingerprints, after, upto, FINGERPRINT_PAGE):
        yield _fingerprints(rows)


def bases(connection: Connection, quality: int) -> Iterator[UprightPage]:
    """Read the hashes of upright images of at least this quality, in pages by number.

    SQLite joins the rows of a page to one: a million rows handed over one by one take five times
    as long.
    """
    table, after = schema.fingerprints, 0
    base = func.substr(table.c.hashes, 1, HASH_BYTES).label("base")
    chosen = select(table.c.id, table.c.item_id, base).where(table.c.quality >= quality)
    while True:
        page = chosen.where(table.c.id > after).order_by(table.c.id).limit(BASE_PAGE).subquery()
        joined = select(
            func.group_concat(page.c.id),
            func.group_concat(page.c.item_id),
            func.group_concat(func.hex(page.c.base), ""),
        )
        ids, items, hashes = connection.execute(joined).one()
        if ids is None:
            return
        numbers = np.fromstring(ids, np.int64, sep=",")
        order = np.argsort(numbers)  # SQLite promises none to what it joins
        after = int(numbers[order[-1]])
        yield UprightPage(
            numbers[order],
            np.fromstring(items, np.int64, sep=",")[order],
            np.frombuffer(bytes.fromhex(hashes), np.uint8).reshape(-1, HASH_BYTES)[order],
        )


def fingerprints_of(connection: Connection, items: Iterable[int]) -> dict[int, tuple[Bytes, int]]:
    """Return the hashes, (8, 32) uint8, and quality of these items; those without are left out."""
    found: dict[int, tuple[Bytes, int]] = {}
    for rows in _rows_of(connection, schema.fingerprints, items):
        page = _fingerprints(rows)
        found.update(
            (int(item), (hashes, int(quality)))
            for item, hashes, quality in zip(page.items, page.hashes, page.quality, strict=True)
        )
    return found


def features(
    connection: Connection, after: int = 0, upto: int | None = None
) -> Iterator[FeaturePage]:
    """Read the features numbered above `after` and not above `upto`, in pages by number."""
    for rows in _pages(connection, schema.features, after, upto, FEATURE_PAGE):
        items = _column(rows, "item_id")
        counts = np.array([len(row.codes) // CODE_BYTES for row in rows])
        yield FeaturePage(
            _column(rows, "id"),
            items,
            _codes(b"".join(row.codes for row in rows)),
            np.repeat(items, counts),
            _points(b"".join(row.points for row in rows)),
        )


def features_of(connection: Connection, items: Iterable[int]) -> dict[int, tuple[Bytes, Points]]:
    """Return the codes (n, 16) and points (n, 4) of these items; those without are left out."""
    found: dict[int, tuple[Bytes, Points]] = {}
    for rows in _rows_of(connection, schema.features, items):
        found.update((int(row.item_id), (_codes(row.codes), _points(row.points))) for row in rows)
    return found


def _pages(
    connection: Connection, table: Table, after: int, upto: int | None, size: int
) -> Iterator[Sequence[Any]]:
    while True:
        query = select(table).where(table.c.id > after)
        if upto is not None:
            query = query.where(table.c.id <= upto)
        rows = connection.execute(query.order_by(table.c.id).limit(size)).all()
        if not rows:
            return
        yield rows
        after = int(rows[-1].id)


def _rows_of(connection: Connection, table: Table, items: Iterable[int]) -> Iterator[Sequence[Any]]:
    for batch in batches(items):
        if rows := connection.execute(select(table).where(table.c.item_id.in_(batch))).all():
            yield rows


def _fingerprints(rows: Sequence[Any]) -> FingerprintPage:
    joined = b"".join(row.hashes for row in rows)
    return FingerprintPage(
        _column(rows, "id"),
        _column(rows, "item_id"),
        np.frombuffer(joined, np.uint8).reshape(len(rows), TURNS, HASH_BYTES),
        _column(rows, "quality"),
    )


def _column(rows: Sequence[Any], name: str) -> Ids:
    return np.fromiter((getattr(row, name) for row in rows), np.int64, len(rows))


def _codes(blob: bytes) -> Bytes:
    return np.frombuffer(blob, np.uint8).reshape(-1, CODE_BYTES)


def _points(blob: bytes) -> Points:
    return np.frombuffer(blob, _STORED_POINT).reshape(-1, POINT_NUMBERS).astype(np.float16)
