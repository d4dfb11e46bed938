"""Removal of rows from the catalogue, planned first so that it can be confirmed.

No file of the user is ever touched.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, and_, delete, exists, func, select

from storage import schema
from storage.errors import Hint, LibraryChanged, PathNotFound
from storage.tables import items, roots
from storage.tables.files import is_under, under

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Removal:
    """The rows that a removal would delete, and those that stay against expectation."""

    files: int
    items: int  # contents that no other file holds: their vectors go too
    failures: int
    roots: tuple[str, ...] = ()  # places that `index` would no longer visit
    kept: tuple[str, ...] = ()  # places left alone because they are not mounted
    paths: tuple[str, ...] = ()  # the first of the files
    folder: str | None = None  # None: every missing file that is not under `kept`


def plan_remove(connection: Connection, folder: str) -> Removal:
    """Plan the removal of a folder or file; raises PathNotFound if the library has none of it."""
    gone = tuple(root.path for root in roots.every(connection) if is_under(root.path, folder))
    removal = _planned(connection, folder, gone, ())
    if not (removal.files or removal.failures or removal.roots):
        raise PathNotFound(
            f"the library holds nothing under {folder}: see which folders it holds",
            hint=Hint("show status"),
        )
    return removal


def plan_forget(connection: Connection) -> Removal:
    """Plan to forget missing files, except under roots that are not mounted now."""
    known = roots.every(connection)
    kept = tuple(root.path for root in known if not roots.is_mounted(root.path))
    return _planned(connection, None, (), kept)


def apply(connection: Connection, removal: Removal) -> list[str]:
    """Apply a plan and return the hashes of the deleted images.

    Raises LibraryChanged where the plan is no longer what would be planned now.
    """
    folder = removal.folder
    now = plan_forget(connection) if folder is None else plan_remove(connection, folder)
    if now != removal:
        raise LibraryChanged(
            "the library, or a disk, changed since this was shown; nothing was done: look again"
        )
    files, failures = schema.files, schema.failures
    chosen = _chosen(removal.folder, removal.kept)
    held = list(connection.scalars(select(files.c.item_id).where(chosen).distinct()))
    connection.execute(delete(files).where(chosen))
    if folder is not None:
        connection.execute(delete(failures).where(under(failures.c.path, folder)))
    items.refresh_presence(connection, held)
    gone = items.drop_orphans(connection)
    for path in removal.roots:
        connection.execute(delete(schema.roots).where(schema.roots.c.path == path))
    return gone


def _planned(
    connection: Connection, folder: str | None, gone: tuple[str, ...], kept: tuple[str, ...]
) -> Removal:
    files, failures = schema.files, schema.failures
    chosen = _chosen(folder, kept)
    shown = connection.scalars(
        select(files.c.path).where(chosen).order_by(files.c.path).limit(_SHOWN)
    )
    others = files.alias("others")
    stays = exists().where(others.c.item_id == files.c.item_id, ~_chosen(folder, kept, others))
    items_gone = select(func.count(files.c.item_id.distinct())).where(chosen, ~stays)
    failed = select(func.count()).select_from(failures)
    return Removal(
        files=connection.scalar(select(func.count()).select_from(files).where(chosen)) or 0,
        items=connection.scalar(items_gone) or 0,
        failures=0
        if folder is None
        else connection.scalar(failed.where(under(failures.c.path, folder))) or 0,
        roots=gone,
        kept=kept,
        paths=tuple(shown),
        folder=folder,
    )


def _chosen(
    folder: str | None, kept: tuple[str, ...], table: FromClause = schema.files
) -> ColumnElement[bool]:
    if folder is not None:
        return under(table.c.path, folder)
    away = select(schema.roots.c.id).where(schema.roots.c.path.in_(kept))
    # What an exclude pattern names is there, whatever else its row says.
    return and_(
        table.c.missing.is_(True), table.c.excluded.is_(False), table.c.root_id.not_in(away)
    )
