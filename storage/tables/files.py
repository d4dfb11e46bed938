"""Files: items seen at paths under roots.

Nothing here deletes rows because a file was not seen: a file that disappeared is *missing*, one
that matches an exclude pattern is *excluded*, and both can be restored completely. Only `remove`
and `forget`, which a user runs, delete rows.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.errors import UnreadableFile
from storage.records import Failure, Root
from storage.tables.annotations import packed
from storage.tables.file_state import FileSeen, KnownFile
from storage.tables.items import refresh_presence

Gone = Callable[[str, str], bool]  # (root, path): is the file away for good, its root being there?
_COPIES = 100  # files of one item that are looked at; there may be thousands
Outcome = Literal["new", "copied", "moved", "unchanged"]


def under(column: ColumnElement[str], folder: str) -> ColumnElement[bool]:
    """Return the condition that a path is this one or below it, as a range that uses an index."""
    below = folder if folder.endswith(os.sep) else folder + os.sep
    beyond = below[:-1] + chr(ord(os.sep) + 1)
    return and_(column >= folder, column < beyond, or_(column == folder, column >= below))


def is_under(path: str, folder: str) -> bool:
    """Return whether a path is this folder or is below it."""
    below = folder if folder.endswith(os.sep) else folder + os.sep
    return path == folder or path.startswith(below)


def fails_in(space_id: int | None) -> ColumnElement[bool]:
    """Return the condition that a failure is of the file, or of the model of this space with it.

    Of one path there is at most one such: see `fail`.
    """
    table = schema.failures
    return or_(table.c.space_id.is_(None), table.c.space_id == space_id)


def any_known(connection: Connection, root: Root, path: str, below: bool = True) -> bool:
    """Return whether a root has a known file at a path, or `below` it."""
    for table in (schema.files, schema.failures):
        there = under(table.c.path, path) if below else table.c.path == path
        lies_there = select(table.c.path).where(there, table.c.root_id == root.id)
        if connection.execute(lies_there.limit(1)).first() is not None:
            return True
    return False


def record(
    connection: Connection,
    seen: FileSeen,
    item_id: int,
    fresh: bool,
    gone: Gone,
    space_id: int | None = None,
    touched: set[int] | None = None,
) -> Outcome:
    """Record that a file contains an item; return the outcome for the run's counts.

    `fresh`: the item's row was made just now. Where its content turned up elsewhere while its
    own path is `gone`, a file has moved: one row takes the new path and nothing else changes.
    `space_id`: of the model that encoded it; what other models failed at stays remembered. Items
    that it came to or left are added to `touched`, for a caller that calls `refresh_presence` for
    many files at once; else that is done here.
    """
    table, values = schema.files, _values(seen, item_id)
    _outdate(connection, seen, space_id)
    before = connection.scalar(select(table.c.item_id).where(table.c.path == seen.path))
    elsewhere = [] if fresh or before == item_id else _others(connection, item_id)
    left = next((row for row in elsewhere if gone(row.root, row.path)), None)
    if left is not None and before is None:
        connection.execute(update(table).where(table.c.id == left.id).values(**values))
    else:
        if left is not None:  # it was moved over a file that was known
            connection.execute(delete(table).where(table.c.id == left.id))
        put = insert(table).values(**values)
        connection.execute(put.on_conflict_do_update(index_elements=["path"], set_=values))
    held = {item_id} if before is None else {item_id, before}
    if touched is None:
        refresh_presence(connection, held)
    else:
        touched |= held
    if before == item_id:
        return "unchanged"
    if left is None and elsewhere:
        return "copied"
    # Known content that no other file holds came from a file that holds something else by now.
    return "new" if fresh else "moved"


def _values(seen: FileSeen, item_id: int) -> dict[str, object]:
    values = {**_columns(seen), "item_id": item_id, "missing": False, "excluded": False}
    if seen.sidecars is not None:
        values["sidecar_state"] = seen.sidecars.state
        if seen.sidecars.annotations is not None:
            values["sidecars"] = packed(seen.sidecars.annotations)
    return values


def _columns(seen: FileSeen) -> dict[str, object]:
    return {
        "root_id": seen.root_id,
        "path": seen.path,
        "size": seen.size,
        "mtime_ns": seen.mtime_ns,
        "ctime_ns": seen.ctime_ns,
        "inode": seen.inode,
    }


def _others(connection: Connection, item_id: int) -> Sequence[Row[Any, Any, Any]]:
    """Read some of an item's files with their roots; missing ones, the likely movers, first."""
    table, roots = schema.files, schema.roots
    return connection.execute(
        select(table.c.id, table.c.path, roots.c.path.label("root"))
        .join(roots, roots.c.id == table.c.root_id)
        .where(table.c.item_id == item_id)
        .order_by(table.c.missing.desc())
        .limit(_COPIES)
    ).all()


def mark_missing(connection: Connection, known: Sequence[KnownFile]) -> None:
    """Mark files as missing; their items, vectors and decisions stay.

    Of a file that only ever failed nothing is known but that, and that is forgotten.
    """
    failed = [file.path for file in known if file.item_id is None]
    delete_failures(connection, failed)
    for path in failed:  # what one model could not encode may be an item by another
        _hide(connection, path)
    _set_state(connection, known, missing=True)


def mark_present(connection: Connection, known: Sequence[KnownFile]) -> None:
    """Mark files as present and shown again, unchanged since they were last seen."""
    _set_state(connection, known)


def exclude(connection: Connection, known: Sequence[KnownFile]) -> None:
    """Mark present files as excluded by a pattern; all their data is kept.

    Failures are deleted: an excluded file is tried again once no pattern matches it.
    """
    failed = [file.path for file in known if file.item_id is None]
    delete_failures(connection, failed)
    for path in failed:
        _hide(connection, path, excluded=True)
    _set_state(connection, known, excluded=True)


def _set_state(
    connection: Connection,
    known: Sequence[KnownFile],
    *,
    missing: bool = False,
    excluded: bool = False,
) -> None:
    table = schema.files
    held = [
        {"its_path": file.path, "its_item": file.item_id}
        for file in known
        if file.item_id is not None
    ]
    if not held:
        return
    # By path and item: a row that moved or changed since it was read is left alone.
    connection.execute(
        update(table)
        .where(table.c.path == bindparam("its_path"), table.c.item_id == bindparam("its_item"))
        .values(missing=missing, excluded=excluded),
        held,
    )
    refresh_presence(connection, [file.item_id for file in known if file.item_id is not None])


def record_stat(connection: Connection, seen: Sequence[FileSeen]) -> None:
    """Record the change time and inode of files that are otherwise unchanged."""
    if not seen:
        return
    rows = [
        {
            "its_path": file.path,
            "its_size": file.size,
            "its_mtime": file.mtime_ns,
            "ctime_ns": file.ctime_ns,
            "inode": file.inode,
        }
        for file in seen
    ]
    for table in (schema.files, schema.failures):
        same = update(table).where(
            table.c.path == bindparam("its_path"),
            table.c.size == bindparam("its_size"),
            table.c.mtime_ns == bindparam("its_mtime"),
        )
        connection.execute(same, rows)


def fail(
    connection: Connection,
    seen: FileSeen,
    stage: str,
    reason: str,
    space_id: int | None = None,
    item_id: int | None = None,
    reader_version: int = 0,
) -> None:
    """Record that a file could not be used, until it changes or is retried.

    If the path was an item's before, that content is no longer there: its row goes missing,
    unless the file could not be read at all and has the size and date it had. Where it is one
    model that could not encode the file, `space_id` is that model's, and `item_id` what the file
    holds all the same: for other models that stays. A later `reader_version` retries it.
    """
    if space_id is None:
        delete_failures(connection, [seen.path])  # no model can use it
    else:
        _outdate(connection, seen, space_id)
    connection.execute(
        insert(schema.failures).values(
            **_columns(seen),
            stage=stage,
            reason=reason,
            space_id=space_id,
            reader_version=reader_version,
        )
    )
    _hide(connection, seen.path, _unread(connection, seen, stage) if item_id is None else item_id)


def _unread(connection: Connection, seen: FileSeen, stage: str) -> int | None:
    """Return the item of a file that became unreadable, as after a change of its rights alone."""
    if stage != UnreadableFile.stage:
        return None
    table = schema.files
    same = (table.c.size == seen.size) & (table.c.mtime_ns == seen.mtime_ns)
    return connection.scalar(select(table.c.item_id).where(table.c.path == seen.path, same))


def _hide(
    connection: Connection, path: str, unless: int | None = None, *, excluded: bool = False
) -> None:
    """Mark the former item of a path as missing, or as excluded, unless it is this item."""
    table = schema.files
    held = connection.scalar(select(table.c.item_id).where(table.c.path == path))
    if held is not None and held != unless:
        state = {"missing": not excluded, "excluded": excluded}
        connection.execute(update(table).where(table.c.path == path).values(**state))
        refresh_presence(connection, [held])


def _outdate(connection: Connection, seen: FileSeen, space_id: int | None) -> None:
    """Delete the failures that a new outcome in a space, or a change of the file, replaces."""
    table = schema.failures
    changed = or_(table.c.size != seen.size, table.c.mtime_ns != seen.mtime_ns)
    old = or_(fails_in(space_id), changed)
    connection.execute(delete(table).where(table.c.path == seen.path, old))


def partly_read(connection: Connection, folder: str | None = None) -> list[Failure]:
    """Return the present files that have an unreadable part."""
    files, items = schema.files, schema.items
    query = (
        select(files.c.path, items.c.kind, items.c.omitted, files.c.size, files.c.mtime_ns)
        .join(items, items.c.id == files.c.item_id)
        .where(items.c.omitted.is_not(None), files.c.missing.is_(False))
    )
    if folder is not None:
        query = query.where(under(files.c.path, folder))
    return [
        Failure(
            row.path,
            "decode" if row.kind == "image" else "text",
            f"read in part: {row.omitted}",
            row.size,
            row.mtime_ns,
            partial=True,
        )
        for row in connection.execute(query)
    ]


def delete_failures(connection: Connection, paths: Sequence[str]) -> None:
    """Delete the failures of these files, of all models."""
    table = schema.failures
    if paths:
        gone = delete(table).where(table.c.path == bindparam("its_path"))
        connection.execute(gone, [{"its_path": path} for path in paths])


def count_missing(connection: Connection, folder: str | None = None) -> int:
    """Count missing files, of the whole library or under a folder."""
    return _count(connection, schema.files.c.missing.is_(True), folder)


def count_excluded(connection: Connection, folder: str | None = None) -> int:
    """Count files that an exclude pattern names, of the whole library or under a folder."""
    return _count(connection, schema.files.c.excluded.is_(True), folder)


def _count(connection: Connection, condition: ColumnElement[bool], folder: str | None) -> int:
    query = select(func.count()).select_from(schema.files).where(condition)
    if folder is not None:
        query = query.where(under(schema.files.c.path, folder))
    return int(connection.scalar(query) or 0)
