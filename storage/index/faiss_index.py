"""The base of the kinds that keep their rows in an index of FAISS."""

from pathlib import Path
from typing import Any

import faiss

from storage.errors import IndexDamaged
from storage.fork import fork_safe
from storage.index.kinds import Ids
from storage.records import Matrix


class FaissIndex:
    """Rows under their numbers in an index of FAISS; a kind says how one is made and asked."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @fork_safe
    def add(self, ids: Ids, matrix: Matrix) -> None:
        """Add unit rows: (n,) int64 and (n, dim) float32."""
        self._index.add_with_ids(matrix, ids)

    def save(self, path: Path) -> None:
        """Write the whole index to a file."""
        faiss.write_index(self._index, str(path))


def map_index(path: Path, flag: int) -> Any:
    """Map a saved index into memory; raises IndexDamaged where FAISS cannot read it."""
    try:
        return faiss.read_index(str(path), flag)
    except RuntimeError as error:
        raise IndexDamaged(f"{path.name} cannot be read by FAISS ({error})") from error


def selector(included: Ids | None, excluded: Ids) -> faiss.IDSelector | None:
    """Return what leaves out rows before the ranking; None where none is left out."""
    if included is not None:
        return faiss.IDSelectorBatch(included)
    return faiss.IDSelectorNot(faiss.IDSelectorBatch(excluded)) if len(excluded) else None
