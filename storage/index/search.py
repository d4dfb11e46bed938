"""Vector search in a build and in the vectors added after it, within a selection."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import RLock

import numpy as np
from sqlalchemy import Connection

from storage.errors import IndexDamaged
from storage.index import builds, rescore
from storage.index.kinds import AnnIndex
from storage.records import Build, Kind, Matrix, Vector
from storage.selection import Selection
from storage.tables import vectors

# Up to this many included rows are read and compared directly: faster than a search of the index.
EXACT_LIMIT = 5_000
# Above this k the heaps of FAISS cost more than sorting all scores.
MANY_HITS = 2_048
Ranked = tuple[vectors.Ids, Vector]  # row numbers and cosines, best first


class VectorSearch:
    """Nearest-neighbour search for one kind in one space.

    Cosines are always those of the stored vectors. Answers are exact, but for a build of a kind
    that does not look at every row: there they have the recall that was measured with it.
    `damaged` is called with the registered build and the reason when it cannot be used, and
    returns what was done about it; until it is made again the stored vectors answer, more slowly
    and just as rightly.
    """

    def __init__(
        self, folder: Path, space_id: int, kind: Kind, damaged: Callable[[Build, str], str | None]
    ) -> None:
        self._folder, self._space_id, self._kind = folder, space_id, kind
        self._damaged = damaged
        self._opened: tuple[Build, AnnIndex | None] | None = None
        self._opening = RLock()

    def search(
        self,
        connection: Connection,
        query: Vector,
        k: int,
        chosen: Selection,
        notices: list[str] | None = None,
    ) -> Ranked:
        """Rank the k best of the chosen vectors; fewer only where fewer are chosen.

        A sentence about an index that could not be used is added to `notices`.
        """
        included = chosen.included
        if included is not None and len(included) <= EXACT_LIMIT:
            return _ranked(_scored(query, vectors.fetch(connection, included)), k)
        index, watermark = self._index(connection, k, notices)
        tail = vectors.blocks(connection, self._space_id, self._kind, after=watermark)
        scored = _scored(query, _kept(tail, chosen))
        if index is not None:
            ids, scores = rescore.search(
                connection, index, query[None], k, included, chosen.excluded
            )
            found = ids[0] >= 0
            scored = [(ids[0][found], scores[0][found]), *scored]
        return _ranked(scored, k)

    def _index(
        self, connection: Connection, k: int, notices: list[str] | None
    ) -> tuple[AnnIndex | None, int]:
        build = builds.registered(connection, self._space_id, self._kind)
        if build is None or k > MANY_HITS:
            return None, 0
        with self._opening:  # threads that come at once open it once
            index = self._open(build, notices)
        return index, build.watermark if index is not None else 0

    def _open(self, build: Build, notices: list[str] | None) -> AnnIndex | None:
        if self._opened is None or self._opened[0].id != build.id:
            try:
                self._opened = build, builds.open_checked(self._folder, build)
            except IndexDamaged as error:
                self._opened = build, None
                done = self._damaged(build, str(error))
                if done and notices is not None:
                    notices.append(done)
        return self._opened[1]


def _scored(
    query: Vector, blocks: Iterator[tuple[vectors.Ids, Matrix]]
) -> list[tuple[vectors.Ids, Vector]]:
    return [(ids, matrix @ query) for ids, matrix in blocks]


def _kept(
    blocks: Iterator[tuple[vectors.Ids, Matrix]], chosen: Selection
) -> Iterator[tuple[vectors.Ids, Matrix]]:
    for ids, matrix in blocks:
        keep = ~np.isin(ids, chosen.excluded)
        if chosen.included is not None:
            keep &= np.isin(ids, chosen.included)
        yield ids[keep], matrix[keep]


def _ranked(scored: list[tuple[vectors.Ids, Vector]], k: int) -> Ranked:
    """Return the k best, best first; ties in row order, so that results are stable."""
    if not scored:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    ids = np.concatenate([ids for ids, _ in scored])
    scores = np.concatenate([scores for _, scores in scored])
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]
