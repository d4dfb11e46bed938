"""Tags: models' labels of items, by which a search can be filtered."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.records import Tag
from storage.tables.items import batches


def record(connection: Connection, model: str, rows: Sequence[Tag]) -> None:
    """Store the tags of a model; an existing label of an item gets the new score."""
    if not rows:
        return
    put = insert(schema.tags)
    connection.execute(
        put.on_conflict_do_update(
            index_elements=["item_id", "label", "model"], set_={"score": put.excluded.score}
        ),
        [
            {"item_id": tag.item, "label": tag.label, "model": model, "score": tag.score}
            for tag in rows
        ],
    )


def retract(
    connection: Connection, model: str, items: Sequence[int], labels: Collection[str]
) -> None:
    """Delete a model's tags of these items with these labels."""
    table = schema.tags
    wanted = frozenset(labels)
    for batch in batches(items):
        held = connection.execute(
            select(table.c.id, table.c.label).where(
                table.c.item_id.in_(batch), table.c.model == model
            )
        )
        for gone in batches([row.id for row in held if row.label in wanted]):
            connection.execute(delete(table).where(table.c.id.in_(gone)))


def remove(connection: Connection, label: str | None = None, model: str | None = None) -> int:
    """Remove the tags of a label, of a model, of both or all; return how many."""
    table = schema.tags
    gone = delete(table)
    if label is not None:
        gone = gone.where(table.c.label == label)
    if model is not None:
        gone = gone.where(table.c.model == model)
    return connection.execute(gone).rowcount


def counts(connection: Connection) -> list[tuple[str, str, int]]:
    """Count the items of each label and model, in the order of their names."""
    table = schema.tags
    rows = connection.execute(
        select(table.c.label, table.c.model, func.count())
        .group_by(table.c.label, table.c.model)
        .order_by(table.c.label, table.c.model)
    )
    return [(str(label), str(model), int(count)) for label, model, count in rows]


def of_items(connection: Connection, items: Sequence[int]) -> dict[int, list[Tag]]:
    """Return the tags of these items, the highest score first; items without are left out."""
    table = schema.tags
    found: dict[int, list[Tag]] = {}
    for batch in batches(items):
        rows = connection.execute(
            select(table)
            .where(table.c.item_id.in_(batch))
            .order_by(table.c.item_id, table.c.score.desc(), table.c.label)
        )
        for row in rows:
            tag = Tag(row.item_id, row.label, row.model, row.score)
            found.setdefault(tag.item, []).append(tag)
    return found
