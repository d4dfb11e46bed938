"""Annotations: what people say of images, joined from their own bytes and from sidecars.

A sidecar is a person's later edit and goes before the image. Of several files of one content each
may have a sidecar: their keywords are united, and of everything else the first that is known
counts, in the order of the paths. Files that are not shown count where none is.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, select, union, update
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.records import Annotations, Capture

_BATCH: BindParameter[list[int]] = bindparam("batch", expanding=True)
# The items of a batch of which anything is said.
_ANNOTATED = union(
    select(schema.annotations.c.item_id).where(schema.annotations.c.item_id.in_(_BATCH)),
    select(schema.files.c.item_id).where(
        schema.files.c.item_id.in_(_BATCH), schema.files.c.sidecars.is_not(None)
    ),
)


def packed(annotations: Annotations) -> dict[str, Any] | None:
    """Return annotations as they are stored, None for empty ones."""
    known = {each.name: getattr(annotations, each.name) for each in fields(Annotations)}
    return {name: value for name, value in known.items() if value not in (None, ())} or None


def unpacked(stored: Mapping[str, Any] | None) -> Annotations:
    """Return annotations from how they are stored."""
    known = dict(stored or {})
    return Annotations(**{**known, "keywords": tuple(known.get("keywords", ()))})


def record_embedded(connection: Connection, item: int, embedded: Annotations, version: int) -> None:
    """Record what the bytes of an image say, read by the rules of a version.

    It counts once `refresh` has joined it with what the sidecars say.
    """
    record_version(connection, item, version)
    table, said = schema.annotations, packed(embedded)
    connection.execute(update(table).where(table.c.item_id == item).values(embedded=said))
    if said is not None:
        made = insert(table).values(item_id=item, embedded=said)
        connection.execute(made.on_conflict_do_nothing())


def record_version(connection: Connection, item: int, version: int) -> None:
    """Record by the rules of which version the metadata of an image was read, or failed to be."""
    read = update(schema.items).where(schema.items.c.id == item)
    connection.execute(read.values(metadata_version=version))


def refresh(connection: Connection, batch: Sequence[int]) -> None:
    """Join again what is said of these items, as few as one statement can carry."""
    annotated = connection.execute(_ANNOTATED, {"batch": [*batch]}).scalars().all()
    if annotated:  # of most images nothing is: this is asked for every file that is recorded
        _join(connection, annotated)


def _join(connection: Connection, batch: Sequence[int]) -> None:
    items, table, files = schema.items, schema.annotations, schema.files
    beside = defaultdict[int, list[Any]](list)
    rows = select(files.c.item_id, files.c.sidecars, files.c.missing, files.c.excluded).where(
        files.c.item_id.in_(batch), files.c.sidecars.is_not(None)
    )
    for row in connection.execute(rows.order_by(files.c.path)):
        beside[int(row.item_id)].append(row)
    known = select(
        items.c.id, items.c.present, items.c.taken_at, items.c.latitude, table.c.embedded
    ).outerjoin(table, table.c.item_id == items.c.id)
    for item in connection.execute(known.where(items.c.id.in_(batch))).all():
        shown = [
            row
            for row in beside[int(item.id)]
            if not item.present or not (row.missing or row.excluded)
        ]
        said = [*(unpacked(row.sidecars) for row in shown), unpacked(item.embedded)]
        _write(connection, item, Annotations.joined(*said))


def _write(connection: Connection, item: Any, said: Annotations) -> None:
    table, keywords = schema.annotations, schema.keywords
    connection.execute(delete(keywords).where(keywords.c.item_id == item.id))
    if not said:
        connection.execute(delete(table).where(table.c.item_id == item.id))
        return
    description = "\n".join(filter(None, (said.title, said.description)))
    values = {
        "rating": said.rating,
        "description": description or None,
        "taken_at": said.taken_at if item.taken_at is None else None,
        "latitude": said.latitude if item.latitude is None else None,
        "longitude": said.longitude if item.latitude is None else None,
        "words": "\n".join(filter(None, (*said.keywords, description))),
    }
    made = insert(table).values(item_id=item.id, **values)
    connection.execute(made.on_conflict_do_update(index_elements=["item_id"], set_=values))
    if said.keywords:
        one = insert(keywords).values(
            item_id=bindparam("item_id"),
            word=bindparam("word"),
            folded=func.fold_case(bindparam("word")),  # of `storage.catalogue`
        )
        # Of words that differ in case alone the first is kept.
        connection.execute(
            one.on_conflict_do_nothing(),
            [{"item_id": item.id, "word": word} for word in said.keywords],
        )


def of_items(connection: Connection, batch: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what is said of these items as fields of an `Item`, as few as a statement carries."""
    table, keywords = schema.annotations, schema.keywords
    found: dict[int, dict[str, Any]] = {}
    for row in connection.execute(select(table).where(table.c.item_id.in_(batch))):
        place = {"latitude": row.latitude, "longitude": row.longitude}
        found[int(row.item_id)] = {
            "rating": row.rating,
            "description": row.description,
            "annotated": Capture(taken_at=row.taken_at, **place),
        }
    if found:
        words = select(keywords.c.item_id, keywords.c.word).where(keywords.c.item_id.in_([*found]))
        for item, word in connection.execute(words.order_by(keywords.c.id)):
            said = found[int(item)]
            said["keywords"] = (*said.get("keywords", ()), str(word))
    return found
