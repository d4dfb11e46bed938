"""A library as an earlier version of the reader left it."""

from pathlib import Path

import numpy as np
from sqlalchemy import select, update

from storage import Library, schema
from storage.tables import vectors


def make_old(library: Library, *paths: Path) -> None:
    """Bring rows to the state in which the version before versions left them.

    All of them, or those of `paths`. What a camera wrote is gone, so that it is seen to return.
    """
    items, files = schema.items, schema.files
    chosen = select(files.c.item_id).where(files.c.path.in_([str(path) for path in paths]))
    with library.catalogue.writing() as connection:
        old = update(items).values(reader_version=0, camera="an old reading")
        connection.execute(old.where(items.c.id.in_(chosen)) if paths else old)
        connection.execute(update(schema.failures).values(reader_version=0))


def versions(library: Library) -> set[int]:
    with library.catalogue.reading() as connection:
        held = schema.items.c.reader_version
        return set(connection.scalars(select(held).where(schema.items.c.kind != "text")))


def spoil(library: Library, path: Path) -> None:
    """Put what other colours led to in the place of an item's thumbnail and vectors."""
    item = library.find(str(path))
    library.thumbnails.write(item.hash, b"other colours", replace=True)
    wrong = np.zeros(library.spaces()[0].space.dimension, "<f2").tobytes()
    table = schema.vectors
    with library.catalogue.writing() as connection:
        connection.execute(update(table).where(table.c.item_id == item.id).values(vector=wrong))


def vector(library: Library, path: Path, space: int = 1) -> np.ndarray | None:
    with library.catalogue.reading() as connection:
        return vectors.of_item(connection, space, library.find(str(path)).id)
