"""The builds: FAISS files made from the catalogue, registered in it, verified before use.

A build is written to a temporary name, synced, renamed, and only then registered with its hash.
Whatever happens to the files, the vectors in the catalogue are the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import xxhash
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from storage import schema
from storage.catalogue import Catalogue
from storage.disk.atomic import publish
from storage.errors import DiskFull, IndexDamaged
from storage.index import kinds, rescore
from storage.records import Build, Kind, Matrix
from storage.tables import vectors

RECALL_AT = 10
_RECALL_QUERIES = 64
# Below this a search of the stored vectors takes a few milliseconds, without loading FAISS.
WORTH_BUILDING = 10_000
# Least share of the ten best that a kind must find; it compares more rows until it does. For data
# without any structure it may have to probe all of them.
MIN_RECALL = 0.95
_HASHED_AT_ONCE = 1 << 20  # bytes, which stay in the processor's cache
# A build is replaced when this share of the vectors was added after it.
TAIL_SHARE = 0.1


@dataclass(slots=True)
class GroundTruth:
    """The exact results of sample queries, collected while the vectors stream by."""

    queries: Matrix | None = None
    ids: vectors.Ids | None = None  # (q, RECALL_AT)
    scores: Matrix | None = None

    def add(self, ids: vectors.Ids, matrix: Matrix) -> None:
        """Add one block of vectors."""
        if self.queries is None:
            self.queries = matrix[:: max(1, len(matrix) // _RECALL_QUERIES)][:_RECALL_QUERIES]
        scores = self.queries @ matrix.T  # (q, n)
        names = np.broadcast_to(ids, scores.shape)
        if self.scores is not None and self.ids is not None:
            scores, names = np.hstack([self.scores, scores]), np.hstack([self.ids, names])
        best = np.argsort(-scores, axis=1, kind="stable")[:, :RECALL_AT]
        self.scores = np.take_along_axis(scores, best, 1)
        self.ids = np.take_along_axis(names, best, 1)

    def recall(self, connection: Connection, index: kinds.AnnIndex) -> float:
        """Return the share of the exact results that the index finds; a tie counts as found."""
        if self.queries is None or self.scores is None:
            return 1.0
        k = self.scores.shape[1]
        nothing = np.empty(0, np.int64)
        _, scores = rescore.search(connection, index, self.queries, k, None, nothing)
        return float(np.mean(scores >= self.scores[:, -1:] - 1e-3))


def registered(connection: Connection, space_id: int, kind: Kind) -> Build | None:
    """Return the registered build of a kind in a space."""
    table = schema.builds
    row = connection.execute(
        select(table).where(table.c.space_id == space_id, table.c.kind == kind)
    ).first()
    return None if row is None else Build(**row._mapping)


def every(connection: Connection) -> tuple[Build, ...]:
    """List the registered builds."""
    rows = connection.execute(select(schema.builds).order_by(schema.builds.c.id))
    return tuple(Build(**row._mapping) for row in rows)


def needs_rebuild(
    connection: Connection, space_id: int, kind: Kind, index_kind: str | None = None
) -> bool:
    """Return whether enough vectors were added or deleted since the build to replace it.

    True also if `index_kind` differs from the one chosen before.
    """
    build = registered(connection, space_id, kind)
    if index_kind is not None and index_kind != _chosen(build):
        return True
    if build is None:
        return vectors.count(connection, space_id, kind) >= WORTH_BUILDING
    tail = vectors.count(connection, space_id, kind, after=build.watermark)
    buried = connection.scalar(select(func.count()).where(_of(space_id, kind))) or 0
    return tail + buried > max(WORTH_BUILDING // 10, TAIL_SHARE * build.count)


def _of(space_id: object, kind: object) -> ColumnElement[bool]:
    table = schema.tombstones
    return (table.c.space_id == space_id) & (table.c.kind == kind)


def _chosen(build: Build | None) -> str:
    """Return the index kind that a user chose for a build, or `AUTOMATIC`."""
    if build is None or not build.parameters.get("chosen"):
        return kinds.AUTOMATIC
    return build.index_kind if build.index_kind in kinds.KINDS else kinds.AUTOMATIC


def refresh(catalogue: Catalogue, folder: Path, space_id: int, index_kind: str | None) -> None:
    """Rebuild the builds of a space that need it, or that are not of the kind now chosen."""
    if index_kind is not None:
        kinds.parse_kind(index_kind)
    every_kind: tuple[Kind, ...] = ("image", "text")
    for kind in every_kind:
        with catalogue.reading() as connection:
            due = needs_rebuild(connection, space_id, kind, index_kind)
        if due:
            make(catalogue, folder, space_id, kind, index_kind)


def make(
    catalogue: Catalogue, folder: Path, space_id: int, kind: Kind, index_kind: str | None = None
) -> Build | None:
    """Build the index of a kind in a space from the catalogue and replace the old one.

    The caller holds the library's lock. A chosen `index_kind` is kept by later builds with None;
    `kinds.AUTOMATIC` returns to the choice by number of vectors. Return None if there are no
    vectors.
    """
    with catalogue.reading() as connection:
        rows = vectors.count(connection, space_id, kind)
        if not rows:
            return None
        choice = index_kind or _chosen(registered(connection, space_id, kind))
        chosen = kinds.parse_kind(choice) != kinds.AUTOMATIC
        name = choice if chosen else kinds.choose_kind(rows)
        index, truth, watermark, count = _gather(connection, space_id, kind, name, rows)
        recall = _measure(connection, index, truth)
    file = f"{kind}-{index.name}-{uuid4().hex}.faiss"
    checksum = _write(index, folder, file)
    parameters = {"codes": index.codes, "recall_at": RECALL_AT}
    values = {
        "space_id": space_id,
        "kind": kind,
        "index_kind": index.name,
        "file": file,
        "watermark": watermark,
        "count": count,
        "checksum": checksum,
        "parameters": {**parameters, "chosen": True} if chosen else parameters,
        "recall": recall,
    }
    with catalogue.writing() as connection:
        _register(connection, values)
    remove_stale(catalogue, folder)
    with catalogue.reading() as connection:
        return registered(connection, space_id, kind)


def _measure(connection: Connection, index: kinds.AnnIndex, truth: GroundTruth) -> float:
    """Return the recall of an index, which compares more rows until it is high enough."""
    recall = truth.recall(connection, index)
    while recall < MIN_RECALL and index.probe_more():
        recall = truth.recall(connection, index)
    return recall


def _write(index: kinds.AnnIndex, folder: Path, name: str) -> str:
    """Write an index atomically and return its hash; raises DiskFull."""
    folder.mkdir(exist_ok=True)
    unfinished = folder / f"{name}.tmp"
    try:
        index.save(unfinished)
    except RuntimeError as error:  # FAISS gives no more details
        unfinished.unlink(missing_ok=True)
        raise DiskFull(
            f"the index file could not be written to {folder}: free some space there; the vectors "
            "are safe, and searches go without it"
        ) from error
    checksum = _checksum(unfinished)
    publish(unfinished, folder / name)
    return checksum


def _gather(
    connection: Connection, space_id: int, kind: Kind, index_kind: str, rows: int
) -> tuple[kinds.AnnIndex, GroundTruth, int, int]:
    index, truth = empty(connection, space_id, kind, index_kind, rows), GroundTruth()
    watermark, count = 0, 0
    for ids, matrix in vectors.blocks(connection, space_id, kind):
        index.add(ids, matrix)
        truth.add(ids, matrix)
        watermark, count = int(ids[-1]), count + len(ids)
    return index, truth, watermark, count


def empty(
    connection: Connection, space_id: int, kind: Kind, index_kind: str, rows: int
) -> kinds.AnnIndex:
    """Return a trained but empty index for the vectors of a kind."""
    index_class = kinds.load_kind(index_kind)
    table = schema.spaces
    dimension = connection.execute(
        select(table.c.dimension).where(table.c.id == space_id)
    ).scalar_one()
    size = index_class.sample_size(rows)
    sample = vectors.sample(connection, space_id, kind, size, dimension)
    return index_class.create(dimension, rows, sample)


def _register(connection: Connection, values: Mapping[str, object]) -> None:
    table = schema.builds
    ours = (table.c.space_id == values["space_id"]) & (table.c.kind == values["kind"])
    connection.execute(delete(table).where(ours))
    connection.execute(insert(table).values(**values))
    connection.execute(delete(schema.tombstones).where(_of(values["space_id"], values["kind"])))


def _checksum(path: Path) -> str:
    """Return the XXH3 hash of a file, at memory speed: a guard against damage, not malice."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as stream:
        while block := stream.read(_HASHED_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()


def open_checked(folder: Path, build: Build) -> kinds.AnnIndex:
    """Map a registered build; raises IndexDamaged unless the file is the one registered."""
    if build.index_kind not in kinds.KINDS:
        raise IndexDamaged(
            f"the index file {build.file} is of a kind that this version does not know"
        )
    path = folder / build.file
    try:
        checksum = _checksum(path)
    except FileNotFoundError:
        raise IndexDamaged(f"the index file {build.file} is missing") from None
    except OSError as error:
        raise IndexDamaged(
            f"the index file {build.file} cannot be read ({error.strerror})"
        ) from error
    if checksum != build.checksum:
        raise IndexDamaged(f"the index file {build.file} is damaged (its hash does not match)")
    return kinds.load_kind(build.index_kind).open(path)


def remove_stale(catalogue: Catalogue, folder: Path) -> None:
    """Delete index files that no build refers to; files with other names are kept."""
    with catalogue.reading() as connection:
        named = {build.file for build in every(connection)}
    for path in folder.glob("*-*-*.faiss*"):
        if path.name not in named:
            path.unlink(missing_ok=True)
