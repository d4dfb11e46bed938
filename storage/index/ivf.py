"""The inverted-file kind: rows in lists around centroids, one byte a number, few lists looked at.

Jégou, Douze and Schmid (2011) describe inverted files; FAISS is Douze and others (2024). One byte
a number halves the file of the exact kind and errs by about 0.0005 in a cosine at 512 numbers,
which the stored fp16 vectors mend: ask for `oversample` times as many rows and rank those anew.
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

# Lists for each root of the rows: with 3, learning a million rows, sorting them into lists and
# joining them cost about the same, and none of them can be made much cheaper by another number.
_LISTS = 3.0
# Few rounds over few rows: centroids need only be spread well, the recall is measured afterwards.
_SAMPLE_PER_LIST, _ROUNDS = 40, 6
_FEWEST_PER_LIST = 8  # rows; smaller lists say nothing of what lies near
_PROBES = 32  # lists looked at for a query, until a measured recall asks for more
_ROWS_PER_HIT = 50  # looked at for each row that is asked for
_CODE_ERROR = 0.01  # no cosine by the codes is further from that of the stored vectors


class IvfIndex(FaissIndex):
    """An inverted file; `probe_more` and `save` keep how many lists a query looks at."""

    name = "ivf"
    codes = "8 bit, rescored with fp16"
    oversample = 2  # the tenth of 10 and the eleventh may lie closer than the codes can tell

    def __init__(self, index: faiss.IndexIVFScalarQuantizer) -> None:
        super().__init__(index)
        # What FAISS learnt of each number: its least value and how far the codes reach above it.
        self._low, reach = faiss.vector_to_array(index.sq.trained).reshape(2, -1)
        self._step = reach / 255

    @classmethod
    def sample_size(cls, rows: int) -> int:
        """Return how many of so many rows to learn the centroids from."""
        return min(rows, _SAMPLE_PER_LIST * _lists(rows))

    @classmethod
    @fork_safe
    def create(cls, dimension: int, rows: int, sample: Matrix) -> Self:
        """Make an empty index for so many rows, with the centroids of the sample (s, dim)."""
        lists = max(1, min(_lists(rows), len(sample)))
        centroids = faiss.IndexFlatIP(dimension)
        index = faiss.IndexIVFScalarQuantizer(
            centroids,
            dimension,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
            False,  # codes of the rows themselves, so that one decoding serves every list
        )
        index.cp.niter, index.cp.spherical = _ROUNDS, True
        index.cp.min_points_per_centroid = 1  # FAISS prints a warning for each smaller library
        index.cp.max_points_per_centroid = 2 * _SAMPLE_PER_LIST
        index.train(sample)
        index.nprobe = min(lists, _PROBES)
        return cls(index)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a saved index into memory; raises IndexDamaged where FAISS cannot read it."""
        index = map_index(path, faiss.IO_FLAG_MMAP)
        if not isinstance(index, faiss.IndexIVFScalarQuantizer):
            raise IndexDamaged(f"{path.name} holds another kind of index")
        lists: Any = index.invlists
        lists = faiss.downcast_InvertedLists(lists)
        if isinstance(lists, faiss.OnDiskInvertedLists):
            # FAISS would read ahead in threads that it joins at the next search, or at the end: in
            # a forked child, which has them no more, that ends the process.
            lists.prefetch_nthread = 0
        return cls(index)

    def probe_more(self) -> bool:
        """Look at twice as many lists from now on; False where all are looked at already."""
        before = self._index.nprobe
        self._index.nprobe = min(self._index.nlist, before * 2)
        return bool(self._index.nprobe > before)

    def search(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        """Find the k best rows of each query; the selector acts before the ranking.

        Where few rows are included more lists are looked at, and all of them before fewer than
        k rows are returned.
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
        """Count the lists."""
        return int(self._index.nlist)

    def code_error(self) -> float:
        """Return how far a cosine by the codes may lie from that of the stored vectors."""
        return _CODE_ERROR

    @fork_safe
    def nearest_lists(self, queries: Matrix, probes: int) -> Ids:
        """Find the lists nearest to each query: (q, probes), the nearest first."""
        _, lists = self._index.quantizer.search(queries, min(probes, self.list_count()))
        return np.asarray(lists, np.int64)

    def read_list(self, number: int) -> tuple[Ids, Matrix]:
        """Read a list: row numbers (n,) and, to within their codes, its rows (n, dim) float32."""
        held: Any = self._index.invlists  # what FAISS declares of it lacks the letting go
        count, width = held.list_size(number), self._index.code_size
        if not count:
            return np.empty(0, np.int64), np.empty((0, self._index.d), np.float32)
        codes, ids = held.get_codes(number), held.get_ids(number)
        try:
            # Not FAISS's own decoding: between two products of matrices its threads and those of
            # numpy wait for one another, a hundred times as long as the decoding takes.
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
