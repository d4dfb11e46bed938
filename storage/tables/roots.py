"""Roots: the folders that were indexed, and whether they are mounted."""

import os
from collections.abc import Callable, Iterator

from sqlalchemy import Connection, exists, insert, or_, select, update

from storage import schema
from storage.records import Root
from storage.tables.files import is_under

_OWNED = schema.files, schema.failures
_SAMPLE = 50  # files that must all be found again before a root counts as renamed


def every(connection: Connection) -> list[Root]:
    """List the roots in path order."""
    rows = connection.execute(select(schema.roots).order_by(schema.roots.c.path))
    return [Root(row.id, row.path, row.walked, row.inode) for row in rows]


def is_mounted(path: str) -> bool:
    """Return whether a root exists and is not empty; an empty mount point is not mounted."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


class Roots:
    """The roots during one run, kept in memory: there may be thousands of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._by_path = {root.path: root for root in every(connection)}

    def __iter__(self) -> Iterator[Root]:
        return iter(list(self._by_path.values()))

    def at(self, path: str) -> Root | None:
        """Return the root at exactly this path."""
        return self._by_path.get(path)

    def owner(self, path: str) -> Root | None:
        """Return the walked root that contains a path, or is it."""
        while True:
            root = self._by_path.get(path)
            if root is not None and root.walked:
                return root
            parent = os.path.dirname(path)
            if parent == path:
                return None
            path = parent

    def enter(self, path: str, walked: bool) -> Root:
        """Return the root of a path, created if there is none.

        A path inside a walked root belongs to that root. A new walked root takes over the
        files of the roots inside it, so that no file ever lies under two; a root that was
        renamed to this path takes its files along.
        """
        here = self.owner(path) or (None if walked else self.at(path))
        if here is not None:
            return self._remember_inode(here)
        renamed = self._renamed(path) if walked else None
        if renamed is not None:
            return self._rename(renamed, path)
        within = [root for root in self if walked and is_under(root.path, path)]
        root = self._make(path, walked)
        for other in within:
            self._absorb(other, root)
        return root

    def _make(self, path: str, walked: bool) -> Root:
        table = schema.roots
        same = self.at(path)
        if same is not None:  # it was known for single files only
            connection, number = self._connection, same.id
            connection.execute(update(table).where(table.c.id == number).values(walked=walked))
        else:
            made = insert(table).values(path=path, walked=walked).returning(table.c.id)
            number = int(self._connection.execute(made).scalar_one())
        self._by_path[path] = Root(number, path, walked)
        return self._remember_inode(self._by_path[path])

    def _absorb(self, other: Root, root: Root) -> None:
        if other.id == root.id:
            return
        for owned in _OWNED:
            moved = update(owned).where(owned.c.root_id == other.id).values(root_id=root.id)
            self._connection.execute(moved)
        self._connection.execute(schema.roots.delete().where(schema.roots.c.id == other.id))
        del self._by_path[other.path]

    def _remember_inode(self, root: Root) -> Root:
        inode = _inode(root.path)
        if inode is None or inode == root.inode:
            return root
        table = schema.roots
        self._connection.execute(update(table).where(table.c.id == root.id).values(inode=inode))
        self._by_path[root.path] = Root(root.id, root.path, root.walked, inode)
        return self._by_path[root.path]

    def _renamed(self, path: str) -> Root | None:
        """Return the root that this folder was before a rename, by its inode and its files.

        Both must agree: another disk may bring the same number, a copy the same files.
        """
        inode = _inode(path)
        if any(is_under(root.path, path) for root in self):
            return None  # files are known there already
        for root in self:
            gone = root.walked and root.inode == inode and not os.path.lexists(root.path)
            if inode is not None and gone and self._holds_files_of(path, root):
                return root
        return None

    def _holds_files_of(self, path: str, root: Root) -> bool:
        table = schema.files
        rows = self._connection.execute(
            select(table.c.path, table.c.size, table.c.mtime_ns, table.c.missing)
            .where(table.c.root_id == root.id)
            .order_by(table.c.missing)
            .limit(_SAMPLE)
        ).all()
        # Files that are missing say something only where all are, as after the root went away.
        rows = [row for row in rows if row.missing == rows[0].missing]
        for row in rows:
            try:
                found = os.stat(path + row.path[len(root.path) :])
            except OSError:
                return False
            if (found.st_size, found.st_mtime_ns) != (row.size, row.mtime_ns):
                return False
        return bool(rows)

    def _rename(self, root: Root, path: str) -> Root:
        old, new = os.fsencode(root.path), os.fsencode(path)
        for table in ("files", "failures"):
            # SQLite joins blobs to a text of the same bytes; the cast makes a path of it again.
            self._connection.exec_driver_sql(
                f"UPDATE {table} SET path = CAST(? || substr(path, ?) AS BLOB) WHERE root_id = ?",
                (new, len(old) + 1, root.id),
            )
        renamed = update(schema.roots).where(schema.roots.c.id == root.id).values(path=path)
        self._connection.execute(renamed)
        del self._by_path[root.path]
        self._by_path[path] = Root(root.id, path, root.walked, root.inode)
        return self._by_path[path]


def drop_moved_out(connection: Connection, is_there: Callable[[str], bool]) -> None:
    """Delete roots whose folder is gone and that have no known files any more."""
    # Each root is looked up: a list of the roots of all files would be made of every one of them.
    held = (exists().where(owned.c.root_id == schema.roots.c.id) for owned in _OWNED)
    rows = connection.execute(select(schema.roots.c.id, schema.roots.c.path).where(~or_(*held)))
    for number, path in rows.all():
        if not is_there(path):
            connection.execute(schema.roots.delete().where(schema.roots.c.id == number))


def _inode(path: str) -> str | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return f"{found.st_dev}:{found.st_ino}"
