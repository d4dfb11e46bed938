"""The index kinds: one class each, loaded by its stored name, together with FAISS.

A new kind is a class with the members of `AnnIndex`, in a file of its own, and a line of `KINDS`.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Protocol, Self, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from storage.errors import InvalidArgument
from storage.records import Matrix

Ids = npt.NDArray[np.int64]
# The names are stored in catalogues and in the names of index files.
KINDS: Mapping[str, str] = {
    "exact": "storage.index.flat:FlatIndex",
    "ivf": "storage.index.ivf:IvfIndex",
}
AUTOMATIC = "auto"  # the number of vectors chooses
# From here on a query of the exact kind takes some 45 ms of two cores (14 at 300,000 rows of 512
# dimensions, see benchmarks/results/nearest.jsonl); the inverted file compares a few per cent.
WORTH_IVF = 1_000_000


class AnnIndex(Protocol):
    """An index of vectors by their row numbers.

    `name` is that in `KINDS`, `codes` the encoding of a row. `oversample` is the factor of rows to
    find before the stored vectors rescore them; 1 if the index has the stored vectors itself.
    """

    name: ClassVar[str]
    codes: ClassVar[str]
    oversample: ClassVar[int]

    @classmethod
    def sample_size(cls, rows: int) -> int:
        """Return the training sample size for `rows`; 0 if the kind needs no training."""

    @classmethod
    def create(cls, dimension: int, rows: int, sample: Matrix) -> Self:
        """Create an empty index for `rows`, trained on a sample (s, dim) of them."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a saved index into memory; raises IndexDamaged if it cannot be read."""

    def add(self, ids: Ids, matrix: Matrix) -> None:
        """Add unit rows: (n,) int64 and (n, dim) float32."""

    def save(self, path: Path) -> None:
        """Write the whole index to a file."""

    def probe_more(self) -> bool:
        """Compare more rows per query from now on; return False once every row is compared."""

    def search(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        """Return the k best of the allowed rows of each query: ids (q, k) and cosines.

        −1 stands for a row only if fewer than k are allowed, however few `included` lets through:
        a kind that finds too few in its usual way compares all of them.
        """


@runtime_checkable
class ListIndex(Protocol):
    """The further methods of a kind that keeps its rows in lists around centroids."""

    def list_count(self) -> int:
        """Return the number of lists."""

    def code_error(self) -> float:
        """Return the largest error of a cosine by the codes."""

    def nearest_lists(self, queries: Matrix, probes: int) -> Ids:
        """Return the lists nearest to each query: (q, probes), the nearest first."""

    def read_list(self, number: int) -> tuple[Ids, Matrix]:
        """Read a list: row numbers (n,) and its decoded rows (n, dim) float32."""


def parse_kind(name: str) -> str:
    """Return the name of a kind or of the automatic choice; raises InvalidArgument for others."""
    if name != AUTOMATIC and name not in KINDS:
        known = ", ".join((AUTOMATIC, *KINDS))
        raise InvalidArgument(
            f"there is no index kind {name!r}: choose one of {known}",
            parameter="index_kind",
            value=name,
        )
    return name


def choose_kind(rows: int) -> str:
    """Return the index kind for a number of vectors."""
    return "ivf" if rows >= WORTH_IVF else "exact"


def load_kind(name: str) -> type[AnnIndex]:
    """Import the class of an index kind, and so FAISS."""
    module, _, found = KINDS[name].partition(":")
    return cast(type[AnnIndex], getattr(import_module(module), found))


def keeps_lists(name: str) -> bool:
    """Return whether indexes of a kind are ListIndexes; False for an unknown kind."""
    return name in KINDS and issubclass(load_kind(name), ListIndex)
