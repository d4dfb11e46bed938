"""Items: content with an identity, and the one flag that says whether any of its files is shown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    exists,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.records import Annotations, Capture, ContentKind, Item
from storage.tables import annotations

# What reading a content says of it, and what a later version of the reader may say otherwise.
_READ = ("format", "width", "height", *(each.name for each in fields(Capture)), "reader_version")
_ADD = (
    insert(schema.items)
    .on_conflict_do_nothing(index_elements=["kind", "hash"])
    .returning(schema.items.c.id)
)
BATCH = 500  # bound parameters of one statement; far below every SQLite's limit


@dataclass(frozen=True, slots=True)
class Content:
    """The data of an item before it has a row."""

    hash: str
    kind: ContentKind
    bytes: int
    format: str
    width: int | None = None
    height: int | None = None
    capture: Capture = Capture()
    text: str | None = None
    omitted: str | None = None  # what of its bytes could not be read, in words
    reader_version: int = 0  # by which rules it was read
    table_columns: tuple[str, ...] = ()
    embedded: Annotations = Annotations()  # what its bytes say for people
    metadata_version: int = 0  # by which rules that was read


def batches(ids: Iterable[int]) -> Iterator[list[int]]:
    """Split row numbers into lists short enough for one statement."""
    waiting = sorted(set(ids))
    for start in range(0, len(waiting), BATCH):
        yield waiting[start : start + BATCH]


def add(connection: Connection, content: Content) -> tuple[int, bool]:
    """Find or make the row of a content; returns its number and whether it was made.

    A row that an earlier version of the reader made takes what the content says now.
    """
    table = schema.items
    columns = _columns(content)
    made = connection.scalar(_ADD, columns)
    if made is not None:
        return int(made), True
    row = connection.execute(
        select(table.c.id, table.c.reader_version).where(
            table.c.kind == content.kind, table.c.hash == content.hash
        )
    ).one()
    changed: dict[str, object] = {}
    if content.kind in ("document", "table"):  # read by other columns or rules than before
        changed = {"table_columns": content.table_columns, "omitted": content.omitted}
    if row.reader_version < content.reader_version:
        changed |= {name: columns[name] for name in _READ if name in columns}
    if changed:
        connection.execute(update(table).where(table.c.id == row.id).values(changed))
    return int(row.id), False


def _columns(content: Content) -> dict[str, object]:
    return {
        "omitted": content.omitted or None,
        "hash": content.hash,
        "kind": content.kind,
        "bytes": content.bytes,
        "format": content.format,
        "width": content.width,
        "height": content.height,
        **captured(content.capture),
        "text": content.text,
        "present": False,  # until a file of it is recorded
        "reader_version": content.reader_version,
        "table_columns": content.table_columns,
        "metadata_version": content.metadata_version,
    }


def captured(capture: Capture) -> dict[str, object]:
    """Return what a camera wrote as columns."""
    return {each.name: getattr(capture, each.name) for each in fields(Capture)}


def numbers(connection: Connection, kind: ContentKind, hashes: Iterable[str]) -> dict[str, int]:
    """Look up the row numbers of contents by hash; those without a row are left out."""
    table = schema.items
    wanted = list(dict.fromkeys(hashes))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), BATCH):
        rows = connection.execute(
            select(table.c.hash, table.c.id).where(
                table.c.kind == kind, table.c.hash.in_(wanted[start : start + BATCH])
            )
        )
        found.update({str(name): int(number) for name, number in rows})
    return found


def set_passages(
    connection: Connection, document_id: int, passages: Sequence[tuple[int, int, int]]
) -> set[int]:
    """Store of which passages a document is made: (item, start, end), in reading order.

    Returns the items that were passages of it and are no longer.
    """
    table = schema.passages
    before = connection.scalars(select(table.c.item_id).where(table.c.document_id == document_id))
    dropped = set(before) - {item for item, _, _ in passages}
    connection.execute(delete(table).where(table.c.document_id == document_id))
    _refresh_passages(connection, dropped)
    if passages:
        connection.execute(
            insert(table),
            [
                {"document_id": document_id, "item_id": item, "start": start, "end": end}
                for item, start, end in passages
            ],
        )
    return dropped


def passages_of(connection: Connection, document_id: int) -> list[int]:
    """List the items that a document's passages are, in reading order, each once."""
    table = schema.passages
    rows = connection.scalars(
        select(table.c.item_id).where(table.c.document_id == document_id).order_by(table.c.id)
    )
    return list(dict.fromkeys(int(row) for row in rows))


def has_vector(space_id: int) -> ColumnElement[bool]:
    """Return the condition that an item has a vector in the space."""
    items, vectors = schema.items, schema.vectors
    return exists().where(vectors.c.item_id == items.c.id, vectors.c.space_id == space_id)


def has_vectors_of_passages(space_id: int) -> ColumnElement[bool]:
    """Return the condition that a document has no passage without a vector in the space."""
    items, passages, vectors = schema.items, schema.passages, schema.vectors
    there = exists().where(vectors.c.item_id == passages.c.item_id, vectors.c.space_id == space_id)
    return ~exists().where(passages.c.document_id == items.c.id, ~there)


def is_shown() -> ColumnElement[bool]:
    """Select the files that are there and that no exclude pattern names."""
    return and_(schema.files.c.missing.is_(False), schema.files.c.excluded.is_(False))


def refresh_presence(connection: Connection, item_ids: Iterable[int]) -> None:
    """Recompute `present` of these images and documents, and of the documents' passages.

    What the sidecars of their files say is joined again with it.
    """
    items, files, passages = schema.items, schema.files, schema.passages
    on_disk = exists().where(files.c.item_id == items.c.id, is_shown())
    for batch in batches(item_ids):
        connection.execute(
            update(items)
            .where(items.c.id.in_(batch), items.c.kind != "text")
            .values(present=on_disk)
        )
        annotations.refresh(connection, batch)
        held = select(passages.c.item_id).where(passages.c.document_id.in_(batch))
        _refresh_passages(connection, connection.scalars(held))


def _refresh_passages(connection: Connection, item_ids: Iterable[int]) -> None:
    items, passages = schema.items, schema.passages
    document = schema.items.alias("document")
    in_document = (
        select(passages.c.id)
        .join(document, document.c.id == passages.c.document_id)
        .where(passages.c.item_id == items.c.id, document.c.present.is_(True))
        .exists()
    )
    for batch in batches(item_ids):
        connection.execute(update(items).where(items.c.id.in_(batch)).values(present=in_document))


def drop_orphans(connection: Connection, passages: Iterable[int] = ()) -> list[str]:
    """Delete what no file holds any more: contents, and of these `passages` those left over.

    Other passages without a document stay: they may be the first ones of a long document whose
    indexing was interrupted. Returns the hashes of the images that went.
    """
    items, files, table = schema.items, schema.files, schema.passages
    no_file = ~exists().where(files.c.item_id == items.c.id)
    rows = connection.execute(
        select(items.c.id, items.c.kind, items.c.hash).where(
            items.c.present.is_(False), items.c.kind != "text", no_file
        )
    ).all()
    whole = [int(row.id) for row in rows]
    left = set(passages)
    for batch in batches(whole):
        held = select(table.c.item_id).where(table.c.document_id.in_(batch))
        left.update(connection.scalars(held))
    _delete(connection, whole)
    for batch in batches(left):
        no_document = ~exists().where(table.c.item_id == items.c.id)
        orphans = select(items.c.id).where(items.c.id.in_(batch), no_document)
        _delete(connection, connection.scalars(orphans).all())
    return [str(row.hash) for row in rows if row.kind == "image"]


def _delete(connection: Connection, ids: Sequence[int]) -> None:
    drop_vectors(connection, ids)
    for batch in batches(ids):
        connection.execute(delete(schema.items).where(schema.items.c.id.in_(batch)))


def drop_vectors(connection: Connection, ids: Iterable[int]) -> None:
    """Delete the vectors of items in every space; index files are known to hold them still."""
    vectors, builds = schema.vectors, schema.builds
    same = (builds.c.space_id == vectors.c.space_id) & (builds.c.kind == vectors.c.kind)
    for batch in batches(ids):
        in_build = (
            select(vectors.c.id, vectors.c.space_id, vectors.c.kind)
            .join(builds, same)
            .where(vectors.c.item_id.in_(batch), vectors.c.id <= builds.c.watermark)
        )
        columns = ["vector_id", "space_id", "kind"]
        connection.execute(insert(schema.tombstones).from_select(columns, in_build))
        connection.execute(delete(vectors).where(vectors.c.item_id.in_(batch)))


def find(connection: Connection, beginning: str) -> list[int]:
    """List up to two items whose hash begins with these hexadecimal digits.

    A text file of one passage has the bytes of that passage: the passage, which can be a hit,
    answers for both.
    """
    table = schema.items
    low, high = beginning.ljust(64, "0"), beginning.ljust(64, "f")
    rows = connection.execute(
        select(table.c.id, table.c.hash)
        .where(table.c.hash.between(low, high))
        .order_by(table.c.hash, table.c.kind.in_(("document", "table")))
        .limit(4)
    )
    first_of_each: dict[str, int] = {}
    for row in rows:
        first_of_each.setdefault(row.hash, int(row.id))
    return list(first_of_each.values())[:2]


def captures(connection: Connection, numbers: Iterable[int]) -> dict[int, Capture]:
    """Read what the camera wrote into these items; those that are gone are left out."""
    table = schema.items
    found: dict[int, Capture] = {}
    columns = [table.c[field.name] for field in fields(Capture)]
    for batch in batches(numbers):
        query = select(table.c.id, *columns).where(table.c.id.in_(batch))
        found.update((int(number), Capture(*row)) for number, *row in connection.execute(query))
    return found


def hydrate(connection: Connection, item_ids: Sequence[int]) -> dict[int, Item]:
    """Read items with their paths, by row number; numbers that are gone are left out."""
    found: dict[int, Item] = {}
    for batch in batches(item_ids):
        rows = connection.execute(select(schema.items).where(schema.items.c.id.in_(batch)))
        spots, said = _places(connection, batch), annotations.of_items(connection, batch)
        for row in rows:
            number = int(row.id)
            spot = spots.get(number, _Places())
            found[number] = _item(row._mapping, spot, said.get(number, {}))
    return found


@dataclass(slots=True)
class _Places:
    here: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None


def _places(connection: Connection, batch: list[int]) -> dict[int, _Places]:
    files, passages = schema.files, schema.passages
    found: dict[int, _Places] = {}
    state = (files.c.path, files.c.missing, files.c.excluded)
    whole = select(files.c.item_id, *state).where(files.c.item_id.in_(batch)).order_by(files.c.path)
    part = (
        select(passages.c.item_id, *state, passages.c.start, passages.c.end)
        .join(files, files.c.item_id == passages.c.document_id)
        .where(passages.c.item_id.in_(batch))
        .order_by(~is_shown(), files.c.missing, files.c.path, passages.c.start)
    )
    for item, path, missing, excluded in connection.execute(whole):
        _place(found.setdefault(int(item), _Places()), path, missing, excluded)
    for item, path, missing, excluded, start, end in connection.execute(part):
        spot = found.setdefault(int(item), _Places())
        _place(spot, path, missing, excluded)
        if spot.start is None:  # the place in the first path that is shown
            spot.start, spot.end = int(start), int(end)
    return found


def _place(spot: _Places, path: str, missing: bool, excluded: bool) -> None:
    state = "gone" if missing else "excluded" if excluded else "here"
    paths = getattr(spot, state)
    if path not in paths:
        setattr(spot, state, (*paths, path))


def _item(row: RowMapping, spot: _Places, said: Mapping[str, Any]) -> Item:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    capture = Capture(
        **{name: values.pop(name) for name in ("taken_at", "camera", "lens")},
        **{name: values.pop(name) for name in ("latitude", "longitude")},
    )
    for name in ("present", "reader_version", "metadata_version"):
        values.pop(name)
    return Item(
        **values,
        **said,
        capture=capture,
        start=spot.start,
        end=spot.end,
        paths=spot.here,
        missing_paths=spot.gone,
        excluded_paths=spot.excluded,
    )
