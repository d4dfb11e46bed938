"""Duplicates at rest: fingerprints, local features, and the pairs of pictures found by them.

Row numbers of fingerprints and features only grow. A method compares what is numbered above its
watermark with everything, stores the pairs, and moves the watermark in the same transaction.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    Connection,
    Select,
    Table,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.files import under
from storage.items import batches
from storage.vectors import Ids

Bytes = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float16]  # (n, 4): x, y, size, angle

TURNS, HASH_BYTES = 8, 32  # the ways a picture can lie, and the bytes of each way's hash
CODE_BYTES, POINT_NUMBERS = 16, 4
# Rows read at a time: 2 MB of fingerprints; about 15 MB of features at 500 a picture.
FINGERPRINT_PAGE, FEATURE_PAGE, PAIR_PAGE = 8192, 1024, 8192
_FEW = 500  # items whose pairs are looked up by their numbers
_LIMITS = "limits"  # in the table of methods: by what limits they compared
_STORED_POINT = np.dtype("<f2")


class Fingerprints(NamedTuple):
    """A page of fingerprints, by row number."""

    ids: Ids  # (n,)
    items: Ids  # (n,)
    hashes: Bytes  # (n, 8, 32)
    quality: npt.NDArray[np.int64]  # (n,)


class Features(NamedTuple):
    """A page of local features: n pictures by row number, and their m features one after another.

    A picture without features has its row among the n and none among the m.
    """

    ids: Ids  # (n,)
    items: Ids  # (n,)
    codes: Bytes  # (m, 16)
    owners: Ids  # (m,) the item of each feature
    points: Points  # (m, 4)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two items that one method found to belong together; `first` is the lower number."""

    first: int
    second: int
    kind: str
    evidence: Mapping[str, Any]


def lacking_fingerprints(
    connection: Connection, after_item: int, count: int
) -> list[tuple[int, str]]:
    """List the next present pictures above an item that lack fingerprints: number and hash."""
    return _lacking(connection, schema.fingerprints, after_item, count)


def lacking_features(connection: Connection, after_item: int, count: int) -> list[tuple[int, str]]:
    """List the next present pictures above an item that lack features: number and hash."""
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


def _shaped(array: Bytes, rows: int, columns: int) -> bytes:
    return np.ascontiguousarray(array, np.uint8).reshape(rows, columns).tobytes()


def fingerprints(
    connection: Connection, after: int = 0, upto: int | None = None
) -> Iterator[Fingerprints]:
    """Read the fingerprints numbered above `after` and not above `upto`, in pages by number."""
    for rows in _pages(connection, schema.fingerprints, after, upto, FINGERPRINT_PAGE):
        yield _fingerprints(rows)


def fingerprints_of(connection: Connection, items: Iterable[int]) -> dict[int, tuple[Bytes, int]]:
    """Give the hashes, (8, 32) uint8, and quality of these items; those without are left out."""
    found: dict[int, tuple[Bytes, int]] = {}
    for rows in _rows_of(connection, schema.fingerprints, items):
        page = _fingerprints(rows)
        found.update(
            (int(item), (hashes, int(quality)))
            for item, hashes, quality in zip(page.items, page.hashes, page.quality, strict=True)
        )
    return found


def features(connection: Connection, after: int = 0, upto: int | None = None) -> Iterator[Features]:
    """Read the features numbered above `after` and not above `upto`, in pages by number."""
    for rows in _pages(connection, schema.features, after, upto, FEATURE_PAGE):
        items = _column(rows, "item_id")
        counts = np.array([len(row.codes) // CODE_BYTES for row in rows])
        yield Features(
            _column(rows, "id"),
            items,
            _codes(b"".join(row.codes for row in rows)),
            np.repeat(items, counts),
            _points(b"".join(row.points for row in rows)),
        )


def features_of(connection: Connection, items: Iterable[int]) -> dict[int, tuple[Bytes, Points]]:
    """Give the codes (n, 16) and points (n, 4) of these items; those without a row are left out."""
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


def _fingerprints(rows: Sequence[Any]) -> Fingerprints:
    joined = b"".join(row.hashes for row in rows)
    return Fingerprints(
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


def last(connection: Connection, method: str) -> int:
    """Give the highest row number there is to compare by "hashes" or "features", 0 for none."""
    table = {"hashes": schema.fingerprints, "features": schema.features}[method]
    return int(connection.scalar(select(func.max(table.c.id))) or 0)


def watermark(connection: Connection, method: str) -> int:
    """Tell up to which row a method ("hashes", "features", "vectors:SPACE") has compared."""
    table = schema.compared
    return int(connection.scalar(select(table.c.watermark).where(table.c.method == method)) or 0)


def set_watermark(connection: Connection, method: str, number: int) -> None:
    """Record that a method has compared every row up to this number with all others."""
    put = insert(schema.compared).values(method=method, watermark=number)
    connection.execute(
        put.on_conflict_do_update(index_elements=["method"], set_={"watermark": number})
    )


def add_pairs(
    connection: Connection, rows: Iterable[tuple[int, int, str, Mapping[str, Any]]]
) -> None:
    """Store pairs of items (first, second, kind, evidence), the two in either order.

    A pair stored before with the same kind gets the new evidence. Raises ValueError for an item
    paired with itself: that is a mistake of the method, never of a person.
    """
    values = []
    for first, second, kind, evidence in rows:
        if first == second:
            raise ValueError(f"item {first} cannot be a duplicate of itself")
        low, high = sorted((int(first), int(second)))
        values.append(
            {"first_id": low, "second_id": high, "kind": kind, "evidence": dict(evidence)}
        )
    if values:
        put = insert(schema.pairs)
        connection.execute(
            put.on_conflict_do_update(
                index_elements=["first_id", "second_id", "kind"],
                set_={"evidence": put.excluded.evidence},
            ),
            values,
        )


def pairs(
    connection: Connection,
    kinds: Sequence[str],
    among: Collection[int] | None = None,
    against: Collection[int] | None = None,
) -> Iterator[list[Pair]]:
    """Read pairs in pages, ordered by their items, each once with the first of `kinds` it has.

    With `among` both items are of that set; with `against` as well, one is of each set.
    """
    ours = None if among is None else frozenset(among)
    theirs = ours if against is None else frozenset(against)
    table, after = schema.pairs, (0, 0)
    query = _of_kinds(kinds).limit(PAIR_PAGE)
    if ours is not None and len(ours) <= _FEW:
        query = query.where(or_(table.c.first_id.in_(ours), table.c.second_id.in_(ours)))
    while True:
        place = tuple_(table.c.first_id, table.c.second_id)
        rows = connection.execute(query.where(place > after)).all()
        if not rows:
            return
        # A page may end between two kinds of one pair: the stronger, which counts, came first.
        after = int(rows[-1].first_id), int(rows[-1].second_id)
        page = [pair for pair in _firsts(rows) if _wanted(pair, ours, theirs)]
        if page:
            yield page


def _of_kinds(kinds: Sequence[str]) -> Select[Any]:
    table = schema.pairs
    places = {kind: place for place, kind in enumerate(kinds)} or {"": 0}  # a CASE has some case
    rank = case(places, value=table.c.kind)
    return (
        select(table)
        .where(table.c.kind.in_(kinds))
        .order_by(table.c.first_id, table.c.second_id, rank)
    )


def _firsts(rows: Iterable[Any]) -> Iterator[Pair]:
    before = None
    for row in rows:
        pair = Pair(int(row.first_id), int(row.second_id), row.kind, row.evidence)
        if (pair.first, pair.second) != before:
            yield pair
        before = pair.first, pair.second


def _wanted(pair: Pair, ours: frozenset[int] | None, theirs: frozenset[int] | None) -> bool:
    def across(one: int, other: int) -> bool:
        return (ours is None or one in ours) and (theirs is None or other in theirs)

    return across(pair.first, pair.second) or across(pair.second, pair.first)


def compare_by(connection: Connection, limits: int) -> None:
    """Forget every pair, and how far all methods came, where the last were found by other limits.

    `limits` is a number that stands for them. What the methods compare stays.
    """
    if watermark(connection, _LIMITS) != limits:
        connection.execute(delete(schema.pairs))
        connection.execute(delete(schema.compared))
        set_watermark(connection, _LIMITS, limits)


def keep_space(connection: Connection, space_id: int | None) -> None:
    """Forget what the vectors of any other space led to; None for all of them."""
    compared, table = schema.compared, schema.pairs
    gone = delete(compared).where(
        compared.c.method.startswith("vectors:"), compared.c.method != f"vectors:{space_id}"
    )
    if connection.execute(gone).rowcount:
        cosine = func.json_extract(table.c.evidence, "$.cosine")
        connection.execute(delete(table).where(table.c.kind == "similar", cosine.is_not(None)))


def of_several_files(connection: Connection) -> list[int]:
    """List the pictures that more than one file holds, by item number."""
    files, held = schema.files, schema.items
    query = (
        select(files.c.item_id)
        .join(held, held.c.id == files.c.item_id)
        .where(files.c.missing.is_(False), held.c.kind == "image")
        .group_by(files.c.item_id)
        .having(func.count() > 1)
        .order_by(files.c.item_id)
    )
    return [int(number) for number in connection.scalars(query)]


def elsewhere(connection: Connection, path: str) -> list[int]:
    """List the pictures of which a file is there that neither is this path nor lies under it."""
    files, held = schema.files, schema.items
    query = (
        select(files.c.item_id)
        .distinct()
        .join(held, held.c.id == files.c.item_id)
        .where(files.c.missing.is_(False), held.c.kind == "image", ~under(files.c.path, path))
        .order_by(files.c.item_id)
    )
    return [int(number) for number in connection.scalars(query)]


def known_pairs(
    connection: Connection, firsts: Iterable[int], kinds: Sequence[str]
) -> set[tuple[int, int]]:
    """Give the stored pairs of these kinds whose lower item is among these numbers."""
    table, known = schema.pairs, set()
    for part in batches(sorted(set(firsts))):
        chosen = select(table.c.first_id, table.c.second_id).where(
            table.c.first_id.in_(part), table.c.kind.in_(kinds)
        )
        known |= {(int(first), int(second)) for first, second in connection.execute(chosen)}
    return known
