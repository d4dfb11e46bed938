"""The inverted-file index kind: rows in lists around centroids, 8-bit codes, few lists probed.

Jégou, Douze and Schmid (2011) describe inverted files; FAISS is Douze and others (2024). 8-bit
codes halve the file of the flat kind, with an error of about 0.0005 in a cosine at 512 dimensions,
which the stored fp16 vectors correct: `oversample` times as many rows are found and rescored.
"""

import math
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from storage.errors import IndexDamaged
from storage.fork import fork_safe
from storage.index.faiss_index import FaissIndex, map_index, selector
from storage.index.kinds import Ids
from storage.records import Matrix

# Number of lists per square root of the rows: with 3, training on a million rows, assigning them
# to lists and joining them cost about the same, and no other number makes one much cheaper.
_LISTS = 3.0
# Few iterations on few rows: centroids need only be well spread; the recall is measured later.
_SAMPLE_PER_LIST, _ROUNDS = 40, 6
_FEWEST_PER_LIST = 8  # rows; smaller lists do not group neighbours
_PROBES = 32  # lists probed for a query (nprobe), unless the measured recall requires more
_ROWS_PER_HIT = 50  # rows compared for each of the k requested
_CODE_ERROR = 0.01  # largest difference of a cosine by codes from that by stored vectors


class IvfIndex(FaissIndex):
    """An inverted file; `probe_more` raises the number of lists probed, and `save` stores it."""

    name = "ivf"
    codes = "8 bit, rescored with fp16"
    oversample = 2  # the tenth and the eleventh may be closer than the error of the codes

    def __init__(self, index: faiss.IndexIVFScalarQuantizer) -> None:
        super().__init__(index)
        # FAISS's training result for each dimension: the least value, and the range of the codes.
        self._low, reach = faiss.vector_to_array(index.sq.trained).reshape(2, -1)
        self._step = reach / 255

    @classmethod
    def sample_size(cls, rows: int) -> int:
        """Return the number of rows on which the centroids are trained."""
        return min(rows, _SAMPLE_PER_LIST * _lists(rows))

    @classmethod
    @fork_safe
    def create(cls, dimension: int, rows: int, sample: Matrix) -> Self:
        """Create an empty index for `rows`, with centroids trained on the sample (s, dim)."""
        lists = max(1, min(_lists(rows), len(sample)))
        centroids = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFScalarQuantizer(
            centroids,
            dimension,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
            False,  # codes of the rows, not of residuals, so that all lists decode alike
        )
        index.cp.niter, index.cp.spherical = _ROUNDS, True
        index.cp.min_points_per_centroid = 1  # FAISS prints a warning for each smaller library
        index.cp.max_points_per_centroid = 2 * _SAMPLE_PER_LIST
        index.train(sample)
        index.nprobe = min(lists, _PROBES)
        return cls(index)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a saved index into memory; raises IndexDamaged if FAISS cannot read it."""
        index = map_index(path, faiss.IO_FLAG_MMAP)
        if not isinstance(index, faiss.IndexIVFScalarQuantizer):
            raise IndexDamaged(f"{path.name} holds another kind of index")
        lists: Any = index.invlists
        lists = faiss.downcast_InvertedLists(lists)
        if isinstance(lists, faiss.OnDiskInvertedLists):
            # FAISS would prefetch in threads that it joins at the next search or at the end: a
            # forked child no longer has those threads, so joining ends the process.
            lists.prefetch_nthread = 0
        return cls(index)

    def probe_more(self) -> bool:
        """Double nprobe from now on; return False once every list is probed."""
        before = self._index.nprobe
        self._index.nprobe = min(self._index.nlist, before * 2)
        return bool(self._index.nprobe > before)

    def search(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        """Return the k best rows of each query; the selector acts before the ranking.

        If few rows are included, more lists are probed, and all of them before fewer than k rows
        are returned.
        """
        lists, rows = self._index.nlist, max(1, self._index.ntotal)
        allowed = rows if included is None else max(1, min(rows, len(included)))
        wanted = max(self._index.nprobe, lists * _ROWS_PER_HIT * k / rows) * rows / allowed
        probes = min(lists, math.ceil(wanted))
        scores, ids = self._probe(queries, k, included, excluded, probes)
        short = np.flatnonzero((ids < 0).any(axis=1))
        if probes < lists and len(short):
            scores[short], ids[short] = self._probe(queries[short], k, included, excluded, lists)
        return ids, scores

    @fork_safe
    def _probe(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids, probes: int
    ) -> tuple[Matrix, Ids]:
        options: dict[str, object] = {"nprobe": probes}
        allowed = selector(included, excluded)
        if allowed is not None:
            options["sel"] = allowed
        parameters = faiss.SearchParametersIVF(**options)
        found: tuple[Matrix, Ids] = self._index.search(queries, k, params=parameters)
        return found

    def list_count(self) -> int:
        """Return the number of lists."""
        return int(self._index.nlist)

    def code_error(self) -> float:
        """Return the largest error of a cosine by the codes."""
        return _CODE_ERROR

    @fork_safe
    def nearest_lists(self, queries: Matrix, probes: int) -> Ids:
        """Return the lists nearest to each query: (q, probes), the nearest first."""
        _, lists = self._index.quantizer.search(queries, min(probes, self.list_count()))
        return np.asarray(lists, np.int64)

    def read_list(self, number: int) -> tuple[Ids, Matrix]:
        """Read a list: row numbers (n,) and its decoded rows (n, dim) float32."""
        held: Any = self._index.invlists  # FAISS's type stubs lack the release methods
        count, width = held.list_size(number), self._index.code_size
        if not count:
            return np.empty(0, np.int64), np.empty((0, self._index.d), np.float32)
        codes, ids = held.get_codes(number), held.get_ids(number)
        try:
            # Not FAISS's own decoding: between two matrix products its threads and numpy's wait
            # for each other, a hundred times as long as the decoding takes.
            matrix = faiss.rev_swig_ptr(codes, count * width).reshape(count, width) + np.float32(
                0.5
            )
            matrix *= self._step
            matrix += self._low
            return faiss.rev_swig_ptr(ids, count).copy(), matrix
        finally:
            held.release_codes(number, codes)
            held.release_ids(number, ids)


def _lists(rows: int) -> int:
    return max(1, min(round(_LISTS * math.sqrt(rows)), rows // _FEWEST_PER_LIST))
