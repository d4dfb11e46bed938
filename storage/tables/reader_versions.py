"""The version of the reader that read each content, and the deletion of outdated pixel data."""

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from storage import schema
from storage.records import Capture, ContentKind
from storage.tables import duplicate_pairs, fingerprints, items


def version(connection: Connection, kind: ContentKind, name: str) -> int | None:
    """Return the version that read a content, by its hash; None if it has no row."""
    return versions(connection, kind, [name]).get(name)


def versions(connection: Connection, kind: ContentKind, hashes: Iterable[str]) -> dict[str, int]:
    """Return the version that read each of these contents; those without a row are left out."""
    table, found = schema.items, dict[str, int]()
    wanted = list(dict.fromkeys(hashes))
    for start in range(0, len(wanted), items.BATCH):
        rows = connection.execute(
            select(table.c.hash, table.c.reader_version).where(
                table.c.kind == kind, table.c.hash.in_(wanted[start : start + items.BATCH])
            )
        )
        found.update({str(name): int(number) for name, number in rows})
    return found


def record(connection: Connection, item: int, version: int, capture: Capture | None) -> None:
    """Record that a version read an item again, and its capture data, if given."""
    values: dict[str, object] = {"reader_version": version}
    if capture is not None:
        values |= items.captured(capture)
    connection.execute(update(schema.items).where(schema.items.c.id == item).values(values))


def forget_pixels(connection: Connection, item: int) -> None:
    """Delete everything computed from an item's pixels: vectors, fingerprints, features, pairs.

    The vectors of every space go: an index run by another model finds that they are lacking.
    """
    items.drop_vectors(connection, [item])
    fingerprints.forget(connection, [item])
    duplicate_pairs.forget(connection, [item])
