"""Index kinds: one class each, loaded by its stored name, and FAISS with it.

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
# The names are stored in catalogues, and stand in the names of the files.
KINDS: Mapping[str, str] = {
    "exact": "storage.index.flat:FlatIndex",
    "ivf": "storage.index.ivf:IvfIndex",
}
AUTOMATIC = "auto"  # the number of vectors chooses
# Here one query of the exact kind takes some 45 ms of two cores (14 at 300,000 rows of 512
# numbers, see benchmarks/results/nearest.jsonl); the inverted file looks at a few per cent of it.
WORTH_IVF = 1_000_000


class AnnIndex(Protocol):
    """An index in use: rows are known by their vector row numbers.

    `name` is the one in `KINDS`, `codes` says how a row is kept. `oversample` says how many times
    as many rows to ask for before the stored vectors rank them; 1 where the index has those itself.
    """

    name: ClassVar[str]
    codes: ClassVar[str]
    oversample: ClassVar[int]

    @classmethod
    def sample_size(cls, rows: int) -> int:
        """Return how many of so many rows to train on; 0 if the kind needs no training."""

    @classmethod
    def create(cls, dimension: int, rows: int, sample: Matrix) -> Self:
        """Make an empty index with room for so many rows, trained on a sample (s, dim) of them."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map a saved index into memory; raises IndexDamaged where it cannot be read."""

    def add(self, ids: Ids, matrix: Matrix) -> None:
        """Add unit rows: (n,) int64 and (n, dim) float32."""

    def save(self, path: Path) -> None:
        """Write the whole index to a file."""

    def probe_more(self) -> bool:
        """Look at more rows for each query from now on; False once every row is looked at."""

    def search(
        self, queries: Matrix, k: int, included: Ids | None, excluded: Ids
    ) -> tuple[Ids, Matrix]:
        """Find the k best rows of each query: ids (q, k), −1 where there are fewer; cosines."""


@runtime_checkable
class ListIndex(Protocol):
    """What a kind has beside `AnnIndex` if it keeps its rows in lists around centroids."""

    def list_count(self) -> int:
        """Count the lists."""

    def code_error(self) -> float:
        """Return how far a cosine by the codes may lie from that of the stored vectors."""

    def nearest_lists(self, queries: Matrix, probes: int) -> Ids:
        """Find the lists nearest to each query: (q, probes), the nearest first."""

    def read_list(self, number: int) -> tuple[Ids, Matrix]:
        """Read a list: row numbers (n,) and, to within their codes, its rows (n, dim) float32."""


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
    """Choose the index kind for so many vectors."""
    return "ivf" if rows >= WORTH_IVF else "exact"


def load_kind(name: str) -> type[AnnIndex]:
    """Load the class of an index kind, and with it FAISS."""
    module, _, found = KINDS[name].partition(":")
    return cast(type[AnnIndex], getattr(import_module(module), found))


def keeps_lists(name: str) -> bool:
    """Return whether indexes of a kind are ListIndexes; False for a kind that is not known."""
    return name in KINDS and issubclass(load_kind(name), ListIndex)
