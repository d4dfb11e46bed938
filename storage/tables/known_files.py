"""Known files: what the catalogue remembers of files, for comparison with the file system.

A run compares the looks of every file and asks for more only where they differ. So they are read
as plain tuples of what SQLite holds, a page at a time, and whatever else keeps a file from being
unchanged is part of the question.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, select

from storage import schema
from storage.catalogue import Catalogue
from storage.records import Root
from storage.tables.file_state import KnownFile
from storage.tables.files import fails_in
from storage.tables.items import BATCH, has_vector, has_vectors_of_passages

PAGE = 4000  # files
# No size: never unchanged.
KnownLooks = tuple[bytes, int | None, int, int | None, int | None, str | None]

_BETWEEN = "path >= :start AND path < :end AND root_id = :root ORDER BY path LIMIT :most"
# By the bytes of the path, which no type turns into text; a number that is too large for SQLite
# is no file's, and the file is looked at more closely.
_LOOKS = f"""
SELECT files.path, CASE WHEN
  NOT files.missing AND NOT files.excluded AND items.reader_version >= :reader
  AND CASE items.kind
    WHEN 'image' THEN items.metadata_version >= :metadata AND EXISTS (SELECT 1 FROM vectors
      WHERE vectors.item_id = items.id AND vectors.space_id = :space)
    ELSE (items.kind <> 'table' OR :tables) AND NOT EXISTS (SELECT 1 FROM passages
      WHERE passages.document_id = items.id AND NOT EXISTS (SELECT 1 FROM vectors
        WHERE vectors.item_id = passages.item_id AND vectors.space_id = :space))
  END
THEN files.size END, files.mtime_ns, files.ctime_ns, CAST(files.inode AS INTEGER),
  files.sidecar_state
FROM files JOIN items ON items.id = files.item_id WHERE {_BETWEEN.replace("path", "files.path")}
"""
_FAILED = f"""
SELECT path FROM failures WHERE (space_id IS NULL OR space_id = :space) AND {_BETWEEN}
"""


@dataclass(frozen=True, slots=True)
class Demands:
    """Demands on a file that is to be unchanged, beside its looks.

    Its content has its vectors in the space, and was read by these versions or later ones. With
    `tables`, one that is read by columns may be unchanged.
    """

    space_id: int
    reader_version: int
    metadata_version: int
    tables: bool = True


def looks(
    catalogue: Catalogue, root: Root, folder: str, demands: Demands
) -> Iterator[Sequence[KnownLooks]]:
    """Yield the known looks of a file, or of those under a folder, in byte order of paths.

    Page by page: no long snapshot keeps the write-ahead log from shrinking, and any number of files
    takes the same memory. Where a file does not meet the demands, or failed, its size is None.
    """
    path = os.fsencode(folder)
    below = os.path.join(path, b"")
    beyond = below[:-1] + bytes((below[-1] + 1,))
    for start, end in ((path, path + b"\0"), (below, beyond)):
        while True:
            with catalogue.reading() as connection, _unmapped(connection):
                found = page(connection, root, start, end, demands)
            if found:
                yield found
                start = found[-1][0] + b"\0"
            if len(found) < PAGE:
                break


@contextmanager
def _unmapped(connection: Connection) -> Iterator[None]:
    """Read the file instead of mapping it, where all of it is read: the map would grow with it."""
    size = connection.exec_driver_sql("PRAGMA mmap_size").scalar()
    connection.exec_driver_sql("PRAGMA mmap_size=0")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA mmap_size={size or 0}")


def page(
    connection: Connection, root: Root, start: bytes, end: bytes, demands: Demands
) -> list[KnownLooks]:
    """Read the known looks of up to `PAGE` files of a root between two paths, see `looks`."""
    values = {
        "root": root.id,
        "start": start,
        "end": end,
        "most": PAGE,
        "space": demands.space_id,
        "reader": demands.reader_version,
        "metadata": demands.metadata_version,
        "tables": demands.tables,
    }
    found: list[KnownLooks] = _rows(connection, _LOOKS, values)
    failed = {path for (path,) in _rows(connection, _FAILED, values)}
    if failed:
        # A file that fails now may have been an item before; its failure is what is newer.
        held = (row for row in found if row[0] not in failed)
        found = sorted([*held, *((path, None, 0, None, None, None) for path in failed)])[:PAGE]
    return found


def _rows(connection: Connection, query: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
    # Rows of SQLAlchemy cost as much again as SQLite itself.
    result = connection.exec_driver_sql(query, values)
    assert result.cursor is not None
    rows = list(result.cursor.fetchall())
    result.close()
    return rows


def known(
    connection: Connection, root: Root, paths: Iterable[str], space_id: int
) -> dict[str, KnownFile]:
    """Read a root's known files and failures at these paths, by path.

    What another model than that of the space could not encode is no failure here.
    """
    found: dict[str, KnownFile] = {}
    for batch in _batches(paths):
        for file in _failed(connection, root, batch, space_id):
            found[file.path] = file
        # A file that fails now may have been an item before; its failure is what is newer.
        for file in _held(connection, root, batch, space_id):
            found.setdefault(file.path, file)
    return found


def _held(
    connection: Connection, root: Root, paths: Sequence[str], space_id: int
) -> Iterator[KnownFile]:
    files, items = schema.files, schema.items
    own = items.c.kind == "image"
    whole = case((own, has_vector(space_id)), else_=has_vectors_of_passages(space_id))
    query = (
        select(
            files.c.path,
            files.c.size,
            files.c.mtime_ns,
            files.c.item_id,
            files.c.missing,
            whole.label("whole"),
            files.c.excluded,
            files.c.ctime_ns,
            files.c.inode,
            items.c.kind,
            items.c.hash,
            items.c.reader_version,
            items.c.table_columns,
            items.c.metadata_version,
            files.c.sidecar_state,
        )
        .join(items, items.c.id == files.c.item_id)
        .where(files.c.path.in_(paths), files.c.root_id == root.id)
    )
    for row in connection.execute(query):
        yield KnownFile(**row._mapping)


def _failed(
    connection: Connection, root: Root, paths: Sequence[str], space_id: int
) -> Iterator[KnownFile]:
    failures = schema.failures
    names = (failures.c.path, failures.c.reader_version, failures.c.size, failures.c.mtime_ns)
    query = select(*names, failures.c.ctime_ns, failures.c.inode).where(
        failures.c.path.in_(paths), failures.c.root_id == root.id, fails_in(space_id)
    )
    for row in connection.execute(query):
        yield KnownFile(**row._mapping, item_id=None)


def _batches(paths: Iterable[str]) -> Iterator[list[str]]:
    waiting = list(paths)
    for start in range(0, len(waiting), BATCH):
        yield waiting[start : start + BATCH]
