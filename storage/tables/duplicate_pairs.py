"""Duplicate pairs of images, and the watermark of each method that finds them.

A method compares the rows above its watermark with all rows, stores the pairs, and moves the
watermark in the same transaction.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Select,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.tables.files import under
from storage.tables.items import batches, is_shown

# By what pairs are found: "hashes alone" are those of runs that compare no features.
Method = Literal["hashes", "hashes alone", "features"]
PAIR_PAGE = 8192  # rows read at a time
_FEW = 500  # items whose pairs are looked up by their numbers
_LIMITS = "limits"  # in the table of methods: by what limits they compared


@dataclass(frozen=True, slots=True)
class Pair:
    """Two items that a method found to be duplicates; `first` is the lower number."""

    first: int
    second: int
    kind: str
    evidence: Mapping[str, Any]


def last(connection: Connection, method: Method) -> int:
    """Return the highest row number that a method can compare, 0 for none."""
    table = schema.features if method == "features" else schema.fingerprints
    return int(connection.scalar(select(func.max(table.c.id))) or 0)


def watermark(connection: Connection, method: str) -> int:
    """Return the last row that a method (a `Method`, or "vectors:SPACE") has compared.

    For "hashes alone" that of "hashes" counts too, if it is higher.
    """
    table = schema.compared
    methods = ("hashes", method) if method == "hashes alone" else (method,)
    query = select(func.max(table.c.watermark)).where(table.c.method.in_(methods))
    return int(connection.scalar(query) or 0)


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


def replace_pairs(
    connection: Connection, rows: Iterable[tuple[int, int, str, str, Mapping[str, Any]]]
) -> None:
    """Replace the kind and evidence of pairs: (first, second, former kind, kind, evidence).

    `first` is the lower number. A pair that was removed meanwhile stays removed.
    """
    table = schema.pairs
    for first, second, former, kind, evidence in rows:
        held = (table.c.first_id == first) & (table.c.second_id == second)
        if connection.execute(delete(table).where(held, table.c.kind == former)).rowcount:
            add_pairs(connection, [(first, second, kind, evidence)])


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
    """Delete all pairs and watermarks if they were made with other limits.

    `limits` is a number that stands for them. What the methods compare stays.
    """
    if watermark(connection, _LIMITS) != limits:
        connection.execute(delete(schema.pairs))
        connection.execute(delete(schema.compared))
        set_watermark(connection, _LIMITS, limits)


def forget(connection: Connection, items: Iterable[int]) -> None:
    """Delete the pairs of these items, whose pixels have changed: they are compared again."""
    table = schema.pairs
    for batch in batches(items):
        either = or_(table.c.first_id.in_(batch), table.c.second_id.in_(batch))
        connection.execute(delete(table).where(either))


def keep_space(connection: Connection, space_id: int | None) -> None:
    """Delete the pairs found by vectors of other spaces; with None, of all spaces."""
    compared, table = schema.compared, schema.pairs
    gone = delete(compared).where(
        compared.c.method.startswith("vectors:"), compared.c.method != f"vectors:{space_id}"
    )
    if connection.execute(gone).rowcount:
        cosine = func.json_extract(table.c.evidence, "$.cosine")
        connection.execute(delete(table).where(table.c.kind == "similar", cosine.is_not(None)))


def of_several_files(connection: Connection) -> list[int]:
    """Return the item numbers of images with more than one file."""
    files, held = schema.files, schema.items
    query = (
        select(files.c.item_id)
        .join(held, held.c.id == files.c.item_id)
        .where(is_shown(), held.c.kind == "image")
        .group_by(files.c.item_id)
        .having(func.count() > 1)
        .order_by(files.c.item_id)
    )
    return [int(number) for number in connection.scalars(query)]


def elsewhere(connection: Connection, path: str) -> list[int]:
    """Return the images that have a present file outside this path."""
    files, held = schema.files, schema.items
    query = (
        select(files.c.item_id)
        .distinct()
        .join(held, held.c.id == files.c.item_id)
        .where(is_shown(), held.c.kind == "image", ~under(files.c.path, path))
        .order_by(files.c.item_id)
    )
    return [int(number) for number in connection.scalars(query)]


def known_pairs(
    connection: Connection, firsts: Iterable[int], kinds: Sequence[str]
) -> set[tuple[int, int]]:
    """Return the stored pairs of these kinds whose lower item is among these numbers.

    Those that were looked at in detail are among them, whatever they were found to be.
    """
    table, known = schema.pairs, set()
    looked_at = func.json_extract(table.c.evidence, "$.differs").is_not(None)
    for part in batches(sorted(set(firsts))):
        chosen = select(table.c.first_id, table.c.second_id).where(
            table.c.first_id.in_(part), or_(table.c.kind.in_(kinds), looked_at)
        )
        known |= {(int(first), int(second)) for first, second in connection.execute(chosen)}
    return known
