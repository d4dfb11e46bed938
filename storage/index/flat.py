"""The exact kind: every row compared, in fp16, from a memory-mapped file."""

from pathlib import Path

import faiss

from storage.errors import IndexDamaged
from storage.fork import fork_safe
from storage.index.kinds import Ids
from storage.records import Matrix


class ExactIndex:
    """A flat fp16 index; its answers are those of brute force over the stored vectors."""

    over = 1

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @fork_safe
    def add(self, ids: Ids, matrix: Matrix) -> None:
        """Take in unit rows: (n,) int64 and (n, dim) float32."""
        self._index.add_with_ids(matrix, ids)

    def save(self, path: Path) -> None:
        """Write the whole index to a file."""
        faiss.write_index(self._index, str(path))

    def widen(self) -> bool:
        """Return False: every row is looked at already."""
        return False

    @fork_safe
    def nearest(
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


def sample_size(rows: int) -> int:
    """Return 0: nothing is learnt from the rows."""
    return 0


def create(dimension: int, rows: int, sample: Matrix) -> ExactIndex:
    """Make an empty index with room for so many rows: growing would take three times as much."""
    codes = faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    codes.codes.resize(rows * codes.code_size)
    return ExactIndex(faiss.IndexIDMap(codes))


def open(path: Path) -> ExactIndex:
    """Map a saved index into memory; raises IndexDamaged where FAISS cannot read it."""
    try:
        # The IFC flag maps the codes; the older flag copies a scalar quantizer's codes to memory.
        return ExactIndex(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
    except RuntimeError as error:
        raise IndexDamaged(f"{path.name} cannot be read by FAISS ({error})") from error
