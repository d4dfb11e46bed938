"""FAISS index kinds, one file each; `storage.index.builds` looks them up here by name."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from storage.records import Matrix

Ids = npt.NDArray[np.int64]
KINDS = {"exact": "storage.index.flat", "ivf": "storage.index.ivf"}


class AnnIndex(Protocol):
    """An index file in use: rows are known by their vector row numbers.

    `over` says how many times as many rows to ask for before the stored vectors rank them; 1
    where the index has those itself.
    """

    @property
    def over(self) -> int: ...

    def add(self, ids: Ids, matrix: Matrix) -> None:
        """Take in unit rows: (n,) int64 and (n, dim) float32."""

    def save(self, path: Path) -> None:
        """Write the whole index to a file."""

    def widen(self) -> bool:
        """Look at more rows for each query from now on; False where all are looked at."""

    def nearest(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        """Find the k best rows of each query: ids (q, k), −1 where there are fewer; cosines."""


class AnnKind(Protocol):
    """How an index kind comes to be: a module with these three functions."""

    def sample_size(self, rows: int) -> int:
        """Return how many of so many rows the kind has to learn from, 0 where it need not."""

    def create(self, dimension: int, rows: int, sample: Matrix) -> AnnIndex:
        """Make an empty index with room for so many rows, after a sample (s, dim) of them."""

    def open(self, path: Path) -> AnnIndex:
        """Map a saved index into memory; raises IndexDamaged where it cannot be read."""


def kind(name: str) -> AnnKind:
    """Load an index kind, and with it FAISS, by name."""
    return cast(AnnKind, import_module(KINDS[name]))
