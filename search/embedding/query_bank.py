"""The query bank: neutral texts by which the cosines of queries are normalised.

Some images are near to every query. Their cosines with a bank of ordinary texts show this, and
are the same for every query.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from indexer.models import DualEncoder, is_mini
from storage.errors import LibraryError
from storage.library import Library
from storage.records import Matrix, Space
from storage.tables import query_bank, spaces

_BANKS = Path(__file__).parents[1] / "data" / "banks"


@dataclass(frozen=True, slots=True)
class BankTexts:
    """The texts of a bank, with a name and a key that depends on the texts."""

    name: str
    texts: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return the name under which the bank's vectors are stored."""
        return f"{self.name}-{hashlib.sha256(chr(10).join(self.texts).encode()).hexdigest()[:12]}"


@cache
def bank(name: str) -> BankTexts:
    """Load a bank: "everyday" captions of photos, or "drawn" ones of the mini family's scenes."""
    written = (_BANKS / f"{name}.txt").read_text(encoding="utf-8")
    return BankTexts(name, tuple(written.splitlines()))


def bank_for(space: Space) -> BankTexts:
    """Return the bank of the kind of captions that a space's model was trained on."""
    return bank("drawn" if is_mini(space) else "everyday")


class QueryBank:
    """The vectors of a space's bank: encoded once, then stored in the library."""

    def __init__(self, library: Library, space: Space, encoder: Callable[[], DualEncoder]) -> None:
        self._library, self._space, self._encoder = library, space, encoder
        self._known: Matrix | None = None

    def vectors(self) -> Matrix:
        """Return the bank's vectors: (texts, dim) float32, unit rows.

        If the library cannot be written to now, they are encoded again the next time.
        """
        if self._known is None:
            self._known = self._stored()
        if self._known is None:
            self._known = self._encoder().encode_texts(bank_for(self._space).texts)
            self._keep(self._known)
        return self._known

    def _stored(self) -> Matrix | None:
        assert self._space.id is not None
        with self._library.catalogue.reading() as connection:
            return query_bank.stored(connection, self._space.id, bank_for(self._space).key)

    def _keep(self, matrix: Matrix) -> None:
        assert self._space.id is not None
        try:
            with (
                self._library.writing("keep neutral queries", wait=False),
                self._library.catalogue.writing() as connection,
            ):
                if self._space in spaces.every(connection):  # it may have been pruned meanwhile
                    key = bank_for(self._space).key
                    query_bank.record(connection, self._space.id, key, matrix)
        except LibraryError:  # in use, disk full or read-only: they are only a cache
            return
