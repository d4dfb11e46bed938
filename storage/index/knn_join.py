"""The k-nearest-neighbour join of a space with itself: the pairs of near images.

Only vectors above a watermark are queries, against all vectors. Small joins compare all pairs;
large ones compare each image with the nearest lists of an inverted file (Jégou, Douze and Schmid
2011), list by list, as matrix products. The returned cosines are always those of the stored
vectors. A pair of two new vectors is searched from both sides.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from storage.catalogue import Catalogue
from storage.errors import IndexDamaged
from storage.index import builds, kinds
from storage.index.kinds import ListIndex
from storage.records import Kind, Matrix, Vector
from storage.tables import vectors
from storage.tables.vectors import Ids

_KIND: Kind = "image"
_LIST_KIND = "ivf"  # of the index that is made in memory where the library has none with lists
# Up to this many comparisons all are made: half a minute of two cores at 512 dimensions.
FEW_COMPARISONS = 2_500_000_000
# Lists of the inverted file compared with each image: for random vectors, which do not cluster,
# the fewest that find 0.99 of the pairs at a cosine of 0.9.
PROBES = 24
# New vectors in memory at once; they share one read of a list, or of the library.
_ASKED, _ASKED_OF_ALL = 32_768, 8_192
_WAITING = 4_000_000  # hits collected before each query's are reduced to the best k
_FETCHED = 32_768  # stored vectors in memory at once to compare exactly


class NeighbourPairs(NamedTuple):
    """Pairs found from one block of vectors: `first` < `second`, ordered, each once."""

    upto: int  # every vector up to this number has been a query: the next watermark
    first: Ids  # (n,) items
    second: Ids  # (n,) items
    cosines: Vector  # (n,) of the stored vectors


@dataclass(slots=True)
class _Hits:
    """Hits of a block's queries: rows of the block, numbers of other vectors, cosines."""

    k: int
    rows: list[Ids] = field(default_factory=list)
    others: list[Ids] = field(default_factory=list)
    cosines: list[Vector] = field(default_factory=list)
    waiting: int = 0

    def add(self, asked: Ids, rows: Ids, scores: Matrix, others: Ids, least: float) -> None:
        """Add the scores (rows, others) of the queries numbered `asked`."""
        near = scores >= least
        crowded = np.flatnonzero(np.count_nonzero(near, axis=1) > self.k + 1)
        if len(crowded):  # with itself among them k + 1 are enough
            best = np.argpartition(scores[crowded], -self.k - 1, axis=1)[:, -self.k - 1 :]
            near[crowded] = False
            near[crowded[:, None], best] = True
        row, column = np.divmod(np.flatnonzero(near), len(others))
        other = asked[rows[row]] != others[column]
        self._take(rows[row[other]], others[column[other]], scores[row[other], column[other]])
        if self.waiting > _WAITING:
            self.cut()

    def _take(self, rows: Ids, others: Ids, cosines: Vector) -> None:
        self.rows.append(rows)
        self.others.append(others)
        self.cosines.append(cosines)
        self.waiting += len(rows)

    def cut(self) -> tuple[Ids, Ids, Vector]:
        """Return the best k of each query: rows, others, cosines, by row and the best first."""
        rows, others, cosines = (
            np.concatenate([np.empty(0, np.int64), *self.rows]),
            np.concatenate([np.empty(0, np.int64), *self.others]),
            np.concatenate([np.empty(0, np.float32), *self.cosines]),
        )
        order = np.lexsort((others, -cosines, rows))
        rows, others, cosines = rows[order], others[order], cosines[order]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)  # among those of its query
        best = place < self.k
        self.rows, self.others, self.cosines, self.waiting = [], [], [], 0
        self._take(rows[best], others[best], cosines[best])
        return self.rows[0], self.others[0], self.cosines[0]


def neighbours(
    catalogue: Catalogue, folder: Path, space_id: int, after: int, k: int, least: float
) -> Iterator[NeighbourPairs]:
    """Yield the k nearest of all images in the space for each vector above `after`.

    Yields the pairs of items whose cosine is at least `least`, for one block of vectors after
    another; a pair may come again in a later block. `folder` holds the library's index files.
    Exact up to FEW_COMPARISONS; above, pairs are found to a recall of 0.99 or better at cosines
    from 0.9. A million vectors of 512 numbers take under 2 GiB.
    """
    with catalogue.reading() as connection:
        every = vectors.count(connection, space_id, _KIND)
        new = vectors.count(connection, space_id, _KIND, after)
        index, indexed = _index(connection, folder, space_id, every, new)
    size = _ASKED_OF_ALL if index is None else _ASKED
    while True:
        with catalogue.reading() as connection:
            ids, matrix = _asked(connection, space_id, after, size)
            if not len(ids):
                return
            hits = _Hits(k)
            if index is not None:
                _join(hits, ids, matrix, index, least)
            for others, block in vectors.blocks(connection, space_id, _KIND, indexed):
                hits.add(ids, np.arange(len(ids)), matrix @ block.T, others, least)
            found = hits.cut()
            if index is not None:
                found = _exact(connection, matrix, *found, least)
            pairs = _of_items(connection, ids, *found)
        after = int(ids[-1])
        yield NeighbourPairs(after, *pairs)


def _index(
    connection: Connection, folder: Path, space_id: int, every: int, new: int
) -> tuple[ListIndex | None, int]:
    """Return an index with lists, and the last vector in it; None to compare all.

    Where the library has none, one is made in memory: a byte a number, while it is needed.
    """
    build = builds.registered(connection, space_id, _KIND)
    if build is not None and kinds.keeps_lists(build.index_kind):
        with suppress(IndexDamaged):  # a search reports it and rebuilds it
            opened = builds.open_checked(folder, build)
            assert isinstance(opened, ListIndex)
            return opened, build.watermark
    if every * new <= FEW_COMPARISONS:
        return None, 0
    index = builds.empty(connection, space_id, _KIND, _LIST_KIND, every)
    last = 0
    for ids, matrix in vectors.blocks(connection, space_id, _KIND):
        index.add(ids, matrix)
        last = int(ids[-1])
    assert isinstance(index, ListIndex)
    return index, last


def _asked(connection: Connection, space_id: int, after: int, size: int) -> tuple[Ids, Matrix]:
    """Read the next block of query vectors: (n,) and (n, dim)."""
    ids: list[Ids] = [np.empty(0, np.int64)]
    blocks: list[Matrix] = []
    for numbers, block in vectors.blocks(connection, space_id, _KIND, after):
        ids.append(numbers)
        blocks.append(block)
        if sum(map(len, blocks)) >= size:
            break
    matrix = np.concatenate(blocks) if blocks else np.empty((0, 0), np.float32)
    return np.concatenate(ids), matrix


def _join(hits: _Hits, ids: Ids, matrix: Matrix, index: ListIndex, least: float) -> None:
    """Compare each row of the block with the lists nearest to it, one list after another."""
    probed = index.nearest_lists(matrix, PROBES)  # (n, probes)
    order = np.argsort(probed, axis=None, kind="stable")
    ends = np.searchsorted(probed.ravel()[order], np.arange(index.list_count() + 1))
    for number in range(index.list_count()):
        rows = order[ends[number] : ends[number + 1]] // probed.shape[1]
        if not len(rows):
            continue
        others, block = index.read_list(number)
        if len(others):
            hits.add(ids, rows, matrix[rows] @ block.T, others, least - index.code_error())


def _exact(
    connection: Connection,
    matrix: Matrix,
    rows: Ids,
    others: Ids,
    cosines: Vector,
    least: float,
) -> tuple[Ids, Ids, Vector]:
    """Rescore the hits with the stored vectors; vectors deleted meanwhile are dropped."""
    kept = np.zeros(len(rows), np.bool_)
    exact = cosines.copy()
    by_other = np.argsort(others, kind="stable")
    sorted_others = others[by_other]
    for ids, block in _gathered(vectors.fetch(connection, np.unique(others))):
        start, end = np.searchsorted(sorted_others, [ids[0], ids[-1] + 1])
        these = by_other[start:end]
        place = np.searchsorted(ids, others[these])
        there = ids[place] == others[these]
        these, place = these[there], place[there]
        for part in range(0, len(these), _FETCHED):
            some, theirs = these[part : part + _FETCHED], place[part : part + _FETCHED]
            exact[some] = np.einsum("nd,nd->n", matrix[rows[some]], block[theirs])
        kept[these] = exact[these] >= least
    return rows[kept], others[kept], exact[kept]


def _gathered(blocks: Iterable[tuple[Ids, Matrix]]) -> Iterator[tuple[Ids, Matrix]]:
    """Join the small blocks of `vectors.fetch` into larger ones."""
    ids: list[Ids] = []
    parts: list[Matrix] = []
    for numbers, block in blocks:
        ids.append(numbers)
        parts.append(block)
        if len(ids) * len(numbers) >= _FETCHED:
            yield np.concatenate(ids), np.concatenate(parts)
            ids, parts = [], []
    if ids:
        yield np.concatenate(ids), np.concatenate(parts)


def _of_items(
    connection: Connection, ids: Ids, rows: Ids, others: Ids, cosines: Vector
) -> tuple[Ids, Ids, Vector]:
    """Return the distinct pairs of items, sorted, the lower first."""
    numbers = np.union1d(ids[rows], others)
    items = vectors.items_of(connection, numbers.tolist())
    known = np.array([items[int(number)] for number in numbers], np.int64)
    one = known[np.searchsorted(numbers, ids[rows])]
    other = known[np.searchsorted(numbers, others)]
    pairs = np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1)
    unique: npt.NDArray[np.int64]
    unique, places = np.unique(pairs, axis=0, return_index=True)
    return unique[:, 0], unique[:, 1], cosines[places]
