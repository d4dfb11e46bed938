"""Files: sightings of items at paths under roots.

Nothing here deletes because a file was not seen: a file that vanished is *missing* and comes
back whole. Only `remove` and `forget`, asked for by a person, take rows away.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from storage import schema
from storage.items import batches, refresh_presence
from storage.records import Root

_COPIES = 100
Outcome = Literal["new", "copied", "moved", "unchanged"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as the file system shows it now."""

    root_id: int
    path: str  # absolute
    size: int  # bytes
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as the catalogue remembers it: an item's, or one that failed (`item_id` None)."""

    path: str
    size: int
    mtime_ns: int
    item_id: int | None
    missing: bool = False
    format: str = ""  # of the item

    def looks_like(self, seen: Sighting) -> bool:
        """Tell whether nothing about the file says that it changed."""
        return self.size == seen.size and self.mtime_ns == seen.mtime_ns


def under(column: ColumnElement[str], folder: str) -> ColumnElement[bool]:
    """Say that a path is this one or lies below it, as a range that an index serves."""
    inside = folder if folder.endswith(os.sep) else folder + os.sep
    beyond = inside[:-1] + chr(ord(os.sep) + 1)
    return or_(column == folder, and_(column >= inside, column < beyond))


def page(
    connection: Connection, root: Root, folder: str, after: str, limit: int
) -> list[KnownFile]:
    """Read a root's remembered files and failures under a folder, in byte order of paths."""
    files, failures, items = schema.files, schema.failures, schema.items
    held = connection.execute(
        select(
            files.c.path,
            files.c.size,
            files.c.mtime_ns,
            files.c.item_id,
            files.c.missing,
            items.c.format,
        )
        .join(items, items.c.id == files.c.item_id)
        .where(under(files.c.path, folder), files.c.path > after, files.c.root_id == root.id)
        .order_by(files.c.path)
        .limit(limit)
    )
    failed = connection.execute(
        select(failures.c.path, failures.c.size, failures.c.mtime_ns)
        .where(
            under(failures.c.path, folder),
            failures.c.path > after,
            failures.c.root_id == root.id,
        )
        .order_by(failures.c.path)
        .limit(limit)
    )
    known = {row.path: KnownFile(row.path, row.size, row.mtime_ns, None) for row in failed}
    for row in held:
        # A file that fails now may have been an item before; its failure is what is newer.
        known.setdefault(row.path, KnownFile(*row))
    return [known[path] for path in sorted(known, key=os.fsencode)][:limit]


def record(
    connection: Connection,
    seen: Sighting,
    item_id: int,
    fresh: bool,
    exists: Callable[[str], bool] = os.path.lexists,
) -> Outcome:
    """Note that a file holds an item, and say what that means for the library.

    `fresh`: the item's row was made just now. A row whose own path is gone while its content
    turned up elsewhere has moved: it takes the new path and nothing else changes.
    """
    table = schema.files
    values = {
        "root_id": seen.root_id,
        "item_id": item_id,
        "size": seen.size,
        "mtime_ns": seen.mtime_ns,
        "missing": False,
    }
    forgive(connection, [seen.path])
    here = connection.execute(select(table).where(table.c.path == seen.path)).first()
    if here is not None:
        connection.execute(update(table).where(table.c.id == here.id).values(**values))
        refresh_presence(connection, [here.item_id, item_id])
        if here.item_id == item_id:
            return "unchanged"
        return "new" if fresh else "copied"
    others = select(table).where(table.c.item_id == item_id)
    # Of thousands of copies only some are looked at; missing ones, the likeliest, come first.
    elsewhere = connection.execute(others.order_by(table.c.missing.desc()).limit(_COPIES)).all()
    gone = next((row for row in elsewhere if not exists(row.path)), None)
    if gone is not None:
        moved = update(table).where(table.c.id == gone.id).values(path=seen.path, **values)
        connection.execute(moved)
    else:
        connection.execute(insert(table).values(path=seen.path, **values))
    refresh_presence(connection, [item_id])
    if gone is not None:
        return "moved"
    return "copied" if elsewhere else "new"


def vanish(connection: Connection, known: Sequence[KnownFile]) -> None:
    """Mark files as missing; their items, vectors and decisions stay.

    Of a file that only ever failed nothing is known but that, and that is forgotten.
    """
    forgive(connection, [file.path for file in known if file.item_id is None])
    _set_missing(connection, [file for file in known if file.item_id is not None], True)


def come_back(connection: Connection, known: Sequence[KnownFile]) -> None:
    """Mark files as there again, unchanged since they were last seen."""
    _set_missing(connection, known, False)


def _set_missing(connection: Connection, known: Sequence[KnownFile], missing: bool) -> None:
    table = schema.files
    for file in known:
        # By path and item: a row that moved or changed since it was read is left alone.
        connection.execute(
            update(table)
            .where(table.c.path == file.path, table.c.item_id == file.item_id)
            .values(missing=missing)
        )
    refresh_presence(connection, [file.item_id for file in known if file.item_id is not None])


def fail(connection: Connection, seen: Sighting, stage: str, reason: str) -> None:
    """Remember that a file could not be used, until it changes or is retried.

    If the path was an item's before, that content is no longer there: its row goes missing.
    """
    forgive(connection, [seen.path])
    connection.execute(
        insert(schema.failures).values(
            path=seen.path,
            root_id=seen.root_id,
            stage=stage,
            reason=reason,
            size=seen.size,
            mtime_ns=seen.mtime_ns,
        )
    )
    table = schema.files
    held = connection.scalars(select(table.c.item_id).where(table.c.path == seen.path)).first()
    if held is not None:
        vanish(connection, [KnownFile(seen.path, 0, 0, held)])


def forgive(connection: Connection, paths: Sequence[str]) -> None:
    """Forget that these files failed."""
    table = schema.failures
    for path in paths:
        connection.execute(table.delete().where(table.c.path == path))


def count_missing(connection: Connection, folder: str | None = None) -> int:
    """Count missing files, of the whole library or under a folder."""
    table = schema.files
    query = select(func.count()).select_from(table).where(table.c.missing.is_(True))
    if folder is not None:
        query = query.where(under(table.c.path, folder))
    return int(connection.scalar(query) or 0)


def roots(connection: Connection) -> list[Root]:
    """List the roots in path order."""
    rows = connection.execute(select(schema.roots).order_by(schema.roots.c.path))
    return [Root(row.id, row.path, row.walked) for row in rows]


def add_root(connection: Connection, path: str, walked: bool) -> Root:
    """Find or make the root that a path belongs to.

    A path inside a walked root belongs to that root. A new walked root takes over the files
    of the roots inside it, so that no file ever lies under two.
    """
    table = schema.roots
    known = roots(connection)
    for root in known:
        if root.walked and is_under(path, root.path):
            return root
        if root.path == path and not walked:
            return root
    inside = [root for root in known if is_under(root.path, path)] if walked else []
    same = next((root for root in inside if root.path == path), None)
    if same is not None:
        connection.execute(update(table).where(table.c.id == same.id).values(walked=True))
        number = same.id
    else:
        made = insert(table).values(path=path, walked=walked).returning(table.c.id)
        number = int(connection.execute(made).scalar_one())
    for batch in batches(root.id for root in inside if root.id != number):
        for owned in (schema.files, schema.failures):
            connection.execute(
                update(owned).where(owned.c.root_id.in_(batch)).values(root_id=number)
            )
        connection.execute(table.delete().where(table.c.id.in_(batch)))
    return Root(number, path, walked)


def is_under(path: str, folder: str) -> bool:
    """Tell whether a path is this folder or lies below it."""
    inside = folder if folder.endswith(os.sep) else folder + os.sep
    return path == folder or path.startswith(inside)


def drop_empty_roots(connection: Connection, exists: Callable[[str], bool]) -> None:
    """Forget roots whose folder is gone and whose files have all moved elsewhere."""
    for root in roots(connection):
        held = select(schema.files.c.id).where(schema.files.c.root_id == root.id).limit(1)
        failed = select(schema.failures.c.path).where(schema.failures.c.root_id == root.id).limit(1)
        if connection.execute(held).first() or connection.execute(failed).first():
            continue
        if not exists(root.path):
            connection.execute(schema.roots.delete().where(schema.roots.c.id == root.id))
