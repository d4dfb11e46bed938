"""The current space: switching it to another model's vectors, and deleting spaces.

Index runs fill a space while another is current; making it current changes one row.
"""

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update

from storage import schema
from storage.catalogue import Catalogue
from storage.errors import Hint, InvalidArgument, ModelMismatch
from storage.index import builds
from storage.records import Kind, Space, SpaceCount
from storage.tables import duplicate_pairs, spaces, vectors
from storage.tables.files import fails_in
from storage.tables.items import has_vector, is_shown

_KINDS: tuple[Kind, ...] = ("image", "text")  # what can be a hit, and so has a vector
_PRUNED_AT_ONCE = 5_000  # vectors in one transaction, so that the write-ahead log stays small


def counts(connection: Connection) -> tuple[SpaceCount, ...]:
    """Count the vectors of every space, the current one first."""
    items = schema.items
    hits = connection.scalar(select(func.count()).where(items.c.kind.in_(_KINDS))) or 0
    counted = []
    for place, space in enumerate(spaces.every(connection)):
        assert space.id is not None
        held = sum(vectors.count(connection, space.id, kind) for kind in _KINDS)
        whole = held == hits or not count_lacking(connection, space.id)
        counted.append(SpaceCount(space, place == 0, held, hits - held, whole))
    return tuple(counted)


def count_lacking(connection: Connection, space_id: int) -> int:
    """Count the items without a vector of the space that an index run could encode.

    Those are the items with a file that is there and did not fail. What lies on a disk that is
    not mounted cannot be read, so it does not keep a space from being complete: an index run
    after the disk is back gives it its vectors.
    """
    items = schema.items
    # The empty sum keeps SQLite from the index by kind: rows in their order are read faster.
    query = select(func.count()).where(
        items.c.kind.concat("").in_(_KINDS),
        items.c.present.is_(True),
        ~has_vector(space_id),
        _readable(space_id),
    )
    return int(connection.scalar(query) or 0)


def _readable(space_id: int) -> ColumnElement[bool]:
    """Return the condition that a shown file contains the item or the passage.

    What failed is left out; what another model could not encode is no failure here.
    """
    items, files, passages = schema.items, schema.files, schema.passages
    failed = exists().where(schema.failures.c.path == files.c.path, fails_in(space_id))
    usable = is_shown() & ~failed
    own = exists().where(files.c.item_id == items.c.id, usable)
    part = (
        select(passages.c.id)
        .join(files, files.c.item_id == passages.c.document_id)
        .where(passages.c.item_id == items.c.id, usable)
        .exists()
    )
    return own | part


def use(connection: Connection, name: str, quantized: bool | None = None) -> Space:
    """Make the space of a model the current one; raises ModelMismatch if it is incomplete."""
    known = spaces.every(connection)
    named = [
        space
        for space in known
        if space.name == name and (quantized is None or space.quantized == quantized)
    ]
    if not named:
        raise ModelMismatch(
            f"the library has no vectors of {name}, but of "
            f"{', '.join(space.name for space in known) or 'no model at all'}: index by it first",
            hint=Hint("index by model", name),
        )
    # Of two revisions of a model, the one that came later is meant.
    chosen = max(named, key=lambda space: space.id or 0)
    assert chosen.id is not None
    if chosen == known[0]:
        return chosen
    missing = count_lacking(connection, chosen.id)
    if missing:
        whole = missing + sum(vectors.count(connection, chosen.id, kind) for kind in _KINDS)
        raise ModelMismatch(
            f"{missing:,} of {whole:,} items have no vector of {name} yet: "
            "index by it, and then try again",
            hint=Hint("index by model", name),
        )
    table = schema.spaces
    connection.execute(update(table).values(current=table.c.id == chosen.id))
    return chosen


def prune(catalogue: Catalogue, folder: Path, names: Collection[str]) -> list[Space]:
    """Delete the spaces of these models, except the current one; the caller holds the lock.

    The space's own row goes last, so that what was interrupted is still there to be pruned.
    The catalogue file does not shrink; new rows take the room. Raises InvalidArgument for a
    name of no space or of the current one alone.
    """
    with catalogue.reading() as connection:
        known = spaces.every(connection)
        chosen = [space for space in known[1:] if space.name in names]
    for name in names:
        if name not in {space.name for space in chosen}:
            raise _kept(name, known)
    for space in chosen:
        assert space.id is not None
        _drop_builds(catalogue, folder, space.id)
        while _drop_vectors(catalogue, space.id):
            pass
        with catalogue.writing() as connection:
            duplicate_pairs.keep_space(connection, known[0].id)
            for table in (schema.failures, schema.neutral, schema.query_vectors):
                connection.execute(delete(table).where(table.c.space_id == space.id))
            connection.execute(delete(schema.spaces).where(schema.spaces.c.id == space.id))
    return chosen


def _kept(name: str, known: tuple[Space, ...]) -> InvalidArgument:
    if known and known[0].name == name:
        return InvalidArgument(
            f"searches go by the vectors of {name}: use another model first", hint=Hint("use")
        )
    return InvalidArgument(
        f"the library has no vectors of {name}: see whose it has", hint=Hint("show status")
    )


def _drop_builds(catalogue: Catalogue, folder: Path, space_id: int) -> None:
    with catalogue.writing() as connection:
        for table in (schema.builds, schema.tombstones):
            connection.execute(delete(table).where(table.c.space_id == space_id))
    builds.remove_stale(catalogue, folder)


def _drop_vectors(catalogue: Catalogue, space_id: int) -> int:
    table = schema.vectors
    some = select(table.c.id).where(table.c.space_id == space_id).limit(_PRUNED_AT_ONCE)
    with catalogue.writing() as connection:
        return connection.execute(delete(table).where(table.c.id.in_(some))).rowcount
