"""Semantic deduplication of a data set, by cluster and by cosine, with one keep list a threshold.

SemDeDup (Abbas, Tirumala, Simig, Ganguli and Morcos, "SemDeDup: Data-efficient learning at
web-scale through semantic deduplication", arXiv 2303.09540, 2023): vectors are clustered, the
images of a cluster are visited in order of increasing cosine with its centroid, and one whose
cosine with an earlier one exceeds the threshold is dropped. The paper compares an image with all
earlier ones, dropped ones included, so that the last of a chain may have no similar image left.
Here only kept ones count: every dropped image has a kept one within the threshold. As in the
paper, similar images in different clusters both stay.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from storage.errors import Hint, InvalidArgument, LibraryError
from storage.filters import Filters
from storage.index.kmeans import centroids
from storage.library import Library
from storage.records import Matrix, Vector
from storage.selection import Selection, select_vectors
from storage.tables import vectors
from storage.tables.vectors import Ids

COSINES = (0.99, 0.97, 0.95, 0.9, 0.85)
# Images in a cluster: smaller clusters separate more similar ones. Above a million images it
# is the square root of their number: then the assignment to clusters costs as much as the
# comparison within them.
TOGETHER = 1000
# Images from which the clusters are trained: 130 MB for a million of 512 dimensions.
_SAMPLE_PER_CLUSTER, _LEAST_SAMPLE = 64, 4096
_SEED = 7
_AT_ONCE = 4096  # images of one cluster compared at a time: 64 MB of cosines


@dataclass(frozen=True, slots=True)
class Cluster:
    """The m images of a cluster in the order of the visit, and which t thresholds keep.

    `instead` is the kept item nearest to a dropped one, 0 for a kept one; `cosines` is their
    cosine.
    """

    number: int
    items: Ids  # (m,)
    kept: NDArray[np.bool_]  # (t, m)
    instead: Ids  # (t, m)
    cosines: NDArray[np.float32]  # (t, m)


def check_cosines(cosines: Sequence[float]) -> tuple[float, ...]:
    """Return distinct thresholds, the highest first, or COSINES if none are given.

    Raises InvalidArgument for one that is not between 0 and 1.
    """
    for cosine in cosines:
        if not 0 < cosine < 1:
            raise InvalidArgument(
                f"{{cosines}} {cosine:g} is no threshold: give a number between 0 and 1, like 0.95",
                parameter="cosines",
                value=cosine,
            )
    return tuple(sorted(set(cosines or COSINES), reverse=True))


class SemDeDup:
    """Selects, for each threshold, the images of a library that a data set needs.

    It uses the vectors of the current space; no model is loaded. Memory holds the numbers of all
    images, 24 bytes each, and the vectors of two parts of a cluster.
    """

    def __init__(
        self,
        library: Library,
        cosines: Sequence[float],
        filters: Filters | None = None,
        together: int = TOGETHER,
    ) -> None:
        """Create a selection among the images that pass the filters."""
        self._library, self._together = library, together
        self._cosines = check_cosines(cosines)
        self._filters = filters or Filters()

    def run(self) -> Iterator[Cluster]:
        """Yield the clusters, none if no image passes the filters.

        Each is read by itself, and the library is free while the caller has it: images removed
        by then are left out of what follows. Raises LibraryError for a library without vectors
        of images.
        """
        for number, members in enumerate(self._clusters()):
            with self._library.catalogue.reading() as connection:
                cluster = self._decide(connection, number, members)
            if len(cluster.items):
                yield cluster

    def _clusters(self) -> list[Ids]:
        """Return the vector numbers of each cluster, in order of the visit."""
        space = self._library.space()
        with self._library.catalogue.reading() as connection:
            if (
                space is None
                or space.id is None
                or not vectors.any_of(connection, space.id, "image")
            ):
                raise LibraryError(
                    f"the library {self._library.path} has no vectors of images: "
                    "index a folder of them first",
                    hint=Hint("index folder"),
                )
            chosen = select_vectors(connection, space.id, "image", self._filters)
            centroids = self._centroids(connection, space.id, space.dimension, chosen)
            ids, clusters, likeness = _assigned(connection, space.id, chosen, centroids)
        # By increasing cosine with the centroid, ties by number.
        order = np.lexsort((ids, likeness, clusters))
        ends = np.searchsorted(clusters[order], np.arange(len(centroids) + 1))
        return np.split(ids[order], ends[1:-1])

    def _centroids(
        self, connection: Connection, space_id: int, dimension: int, chosen: Selection
    ) -> Matrix:
        """Train the centroids on a sample: (k, dim) float32, unit rows."""
        if chosen.included is None:
            rows = vectors.count(connection, space_id, "image")
        else:
            rows = len(chosen.included)
        count = max(1, min(rows // self._together, isqrt(rows)))
        size = max(_LEAST_SAMPLE, count * _SAMPLE_PER_CLUSTER)
        if chosen.included is None:
            sample = vectors.sample(connection, space_id, "image", size, dimension)
        else:
            some = np.random.default_rng(_SEED).permutation(chosen.included)[:size]
            blocks = [block for _, block in vectors.fetch(connection, some)]
            sample = np.concatenate([np.empty((0, dimension), np.float32), *blocks])
        return centroids(sample, min(count, max(1, len(sample))))

    def _decide(self, connection: Connection, number: int, members: Ids) -> Cluster:
        """Return the result for one cluster; `members` are vector numbers in order of the visit."""
        owners = vectors.items_of(connection, members.tolist())
        members = members[np.isin(members, list(owners))]  # no number is used again
        marks = np.array(self._cosines, np.float32)
        kept = np.zeros((len(marks), len(members)), np.bool_)
        stands = np.zeros((len(marks), len(members)), np.int64)
        cosines = np.full((len(marks), len(members)), -1, np.float32)
        for start in range(0, len(members), _AT_ONCE):
            part = slice(start, min(start + _AT_ONCE, len(members)))
            rows = _rows(connection, members[part])
            for before in range(0, start, _AT_ONCE):
                useful = before + np.flatnonzero(kept[:, before : before + _AT_ONCE].any(axis=0))
                if not len(useful):
                    continue
                scores = rows @ _rows(connection, members[useful]).T
                for mark in range(len(marks)):
                    _record_nearest(
                        scores, kept[mark, useful], useful, stands[mark, part], cosines[mark, part]
                    )
            scores = rows @ rows.T
            # Only earlier images count, not the image itself nor later ones.
            scores[np.triu(np.ones(scores.shape, np.bool_))] = -2
            for mark, least in enumerate(marks):
                kept[mark, part] = _kept(scores > least, cosines[mark, part] <= least)
                here = np.arange(part.start, part.stop)
                _record_nearest(
                    scores, kept[mark, part], here, stands[mark, part], cosines[mark, part]
                )
        items = np.array([owners[int(member)] for member in members], np.int64)
        return Cluster(
            number, items, kept, np.where(kept, 0, items[stands]), np.minimum(cosines, 1)
        )


def _record_nearest(
    scores: Matrix, kept: NDArray[np.bool_], places: Ids, stands: Ids, cosines: Vector
) -> None:
    """Update each row's nearest kept image, if one of the columns of `scores` (r, c) is nearer.

    Writes into `stands` and `cosines`, (r,) each.
    """
    if not kept.any():
        return
    seen = scores[:, kept]
    best = seen.argmax(axis=1)
    height = seen[np.arange(len(seen)), best]
    better = height > cosines
    stands[better] = places[kept][best[better]]
    cosines[better] = height[better]


def _kept(near: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows of a part are kept, in the order of the visit.

    `near` (r, r): which earlier rows are above the threshold; `free` (r,): rows that no kept
    image of an earlier part is near to.
    """
    kept = free.copy()
    for row in np.flatnonzero(free & near.any(axis=1)):
        kept[row] = not (near[row] & kept).any()
    return kept


def _assigned(
    connection: Connection, space_id: int, chosen: Selection, centroids: Matrix
) -> tuple[Ids, Ids, Vector]:
    """Assign each image to its nearest centroid: vectors, clusters and cosines, (n,) each."""
    ids, clusters = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    likeness = [np.empty(0, np.float32)]
    read = partial(vectors.blocks, connection, space_id, "image")
    blocks = read() if chosen.included is None else vectors.fetch(connection, chosen.included)
    for numbers, block in blocks:
        there = ~np.isin(numbers, chosen.excluded)
        scores = block[there] @ centroids.T
        ids.append(numbers[there])
        clusters.append(scores.argmax(axis=1).astype(np.int64))
        likeness.append(scores.max(axis=1, initial=-2))
    return np.concatenate(ids), np.concatenate(clusters), np.concatenate(likeness)


def _rows(connection: Connection, numbers: Ids) -> Matrix:
    """Read vectors by number, in the order given: (n, dim) float32."""
    blocks = list(vectors.fetch(connection, numbers))
    if not blocks:
        return np.empty((0, 0), np.float32)
    order = np.argsort(np.argsort(numbers))
    return np.concatenate([block for _, block in blocks])[order]
