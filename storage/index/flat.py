"""The flat index kind: every row is compared, in fp16, from a memory-mapped file."""

from pathlib import Path
from typing import Self

import faiss

from storage.fork import fork_safe
from storage.index.faiss_index import FaissIndex, map_index, selector
from storage.index.kinds import Ids
from storage.records import Matrix


class FlatIndex(FaissIndex):
    """A flat fp16 index; its results are those of brute force over the stored vectors."""

    name = "exact"
    codes = "fp16"
    oversample = 1

    @classmethod
    def sample_size(cls, rows: int) -> int:
        """Return 0: the kind needs no training."""
        return 0

    @classmethod
    def create(cls, dimension: int, rows: int, sample: Matrix) -> Self:
        """Create an empty index with memory for `rows`: growing would take three times as much."""
        codes = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        codes.codes.resize(rows * codes.code_size)
        return cls(faiss.IndexIDMap(codes))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a saved index into memory; raises IndexDamaged if FAISS cannot read it."""
        # The IFC flag maps the codes; the older one copies a scalar quantizer's to memory.
        return cls(map_index(path, faiss.IO_FLAG_MMAP_IFC))

    def probe_more(self) -> bool:
        """Return False: every row is compared already."""
        return False

    @fork_safe
    def search(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        """Find the k best rows for each query; the selector acts before the ranking."""
        allowed = selector(included, excluded)
        options = faiss.SearchParameters(sel=allowed) if allowed is not None else None  # type: ignore[call-arg]
        scores, ids = self._index.search(queries, k, params=options)
        return ids, scores
