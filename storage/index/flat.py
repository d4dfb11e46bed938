"""The flat index kind: every row is compared, in fp16, from a memory-mapped file."""

from pathlib import Path
from typing import Self

import faiss

from storage.errors import IndexDamaged
from storage.fork import fork_safe
from storage.index.kinds import Ids
from storage.records import Matrix


class FlatIndex:
    """A flat fp16 index; its results are those of brute force over the stored vectors."""

    name = "exact"
    codes = "fp16"
    oversample = 1

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

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
        try:
            # The IFC flag maps the codes; the older one copies a scalar quantizer's to memory.
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except RuntimeError as error:
            raise IndexDamaged(f"{path.name} cannot be read by FAISS ({error})") from error

    @fork_safe
    def add(self, ids: Ids, matrix: Matrix) -> None:
        """Add unit rows: (n,) int64 and (n, dim) float32."""
        self._index.add_with_ids(matrix, ids)

    def save(self, path: Path) -> None:
        """Write the whole index to a file."""
        faiss.write_index(self._index, str(path))

    def probe_more(self) -> bool:
        """Return False: every row is compared already."""
        return False

    @fork_safe
    def search(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        """Find the k best rows for each query; the selector acts before the ranking."""
        scores, ids = self._index.search(queries, k, params=_parameters(included, excluded))
        return ids, scores


def _parameters(included: Ids | None, excluded: Ids) -> faiss.SearchParameters | None:
    if included is not None:
        return faiss.SearchParameters(sel=faiss.IDSelectorBatch(included))  # type: ignore[call-arg]
    if len(excluded):
        hidden = faiss.IDSelectorBatch(excluded)
        return faiss.SearchParameters(sel=faiss.IDSelectorNot(hidden))  # type: ignore[call-arg]
    return None
