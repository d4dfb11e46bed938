"""Removals: rows that a person asks to take out of the catalogue, shown before it is done.

No file of the person's is ever touched.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, and_, delete, false, func, or_, select

from storage import items, schema
from storage.errors import PathNotFound
from storage.files import is_under, roots, under

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Removal:
    """What would go from the catalogue, and what stays although one might expect it to go."""

    files: int
    items: int  # contents that no other file holds: their vectors go too
    failures: int
    roots: tuple[str, ...] = ()  # places that `index` would no longer visit
    kept: tuple[str, ...] = ()  # places left alone because they are not mounted
    paths: tuple[str, ...] = ()  # the first of the files
    folder: str | None = None  # None: every missing file that is not under `kept`


def plan_remove(connection: Connection, folder: str) -> Removal:
    """Plan to take a folder or file out of the library; raises PathNotFound if none is in it."""
    gone_roots = tuple(root.path for root in roots(connection) if is_under(root.path, folder))
    removal = _planned(connection, Removal(0, 0, 0, gone_roots, folder=folder))
    if not (removal.files or removal.failures or removal.roots):
        raise PathNotFound(f"the library holds nothing under {folder}: see `sightline status`")
    return removal


def plan_forget(connection: Connection, mounted: Callable[[str], bool]) -> Removal:
    """Plan to forget missing files, except under roots that are not mounted just now."""
    kept = tuple(root.path for root in roots(connection) if not mounted(root.path))
    return _planned(connection, Removal(0, 0, 0, kept=kept))


def apply(connection: Connection, removal: Removal) -> list[str]:
    """Carry a plan out and return the hashes of contents that went with it."""
    files, failures = schema.files, schema.failures
    held = list(connection.scalars(select(files.c.item_id).where(_files(removal)).distinct()))
    connection.execute(delete(files).where(_files(removal)))
    if removal.folder is not None:
        connection.execute(delete(failures).where(under(failures.c.path, removal.folder)))
    items.refresh_presence(connection, held)
    hashes = [
        str(found)
        for batch in items.batches(held)
        for found in connection.scalars(
            select(schema.items.c.hash).where(_unheld(), schema.items.c.id.in_(batch))
        )
    ]
    items.drop_orphans(connection)
    for root in roots(connection):
        if root.path in removal.roots:
            connection.execute(delete(schema.roots).where(schema.roots.c.id == root.id))
    return hashes


def _planned(connection: Connection, plan: Removal) -> Removal:
    files, failures = schema.files, schema.failures
    chosen = _files(plan)
    shown = connection.scalars(
        select(files.c.path).where(chosen).order_by(files.c.path).limit(_SHOWN)
    )
    others = files.alias("others")
    stays = (
        select(others.c.id)
        .where(others.c.item_id == files.c.item_id, ~_files(plan, others))
        .exists()
    )
    failed: ColumnElement[bool] = (
        false() if plan.folder is None else under(failures.c.path, plan.folder)
    )
    return Removal(
        files=connection.scalar(select(func.count()).select_from(files).where(chosen)) or 0,
        items=connection.scalar(
            select(func.count(files.c.item_id.distinct())).where(chosen, ~stays)
        )
        or 0,
        failures=connection.scalar(select(func.count()).select_from(failures).where(failed)) or 0,
        roots=plan.roots,
        kept=plan.kept,
        paths=tuple(shown),
        folder=plan.folder,
    )


def _files(plan: Removal, table: FromClause = schema.files) -> ColumnElement[bool]:
    path, missing = table.c.path, table.c.missing
    if plan.folder is not None:
        return under(path, plan.folder)
    return and_(missing.is_(True), ~or_(false(), *(under(path, kept) for kept in plan.kept)))


def _unheld() -> ColumnElement[bool]:
    return ~select(schema.files.c.id).where(schema.files.c.item_id == schema.items.c.id).exists()


def mounted(path: str) -> bool:
    """Tell whether a root is there with something in it; an empty mount point is not mounted."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    except OSError:
        return False
