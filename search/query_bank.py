"""Neutral queries: texts that ask for nothing in particular, by which cosines are judged.

Some pictures are near to whatever is asked. How near they come to a bank of ordinary texts
shows it, and is the same for every query.
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

_BANKS = Path(__file__).parent / "data" / "banks"


@dataclass(frozen=True, slots=True)
class Bank:
    """Texts with a name; `key` is another one as soon as a text is."""

    name: str
    texts: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name under which the bank's vectors are stored."""
        return f"{self.name}-{hashlib.sha256(chr(10).join(self.texts).encode()).hexdigest()[:12]}"


@cache
def bank(name: str) -> Bank:
    """Read a bank: "everyday" captions of photos, or "drawn" ones of the mini family's scenes."""
    written = (_BANKS / f"{name}.txt").read_text(encoding="utf-8")
    return Bank(name, tuple(written.splitlines()))


def bank_for(space: Space) -> Bank:
    """Choose the bank in whose language a space's model was trained."""
    return bank("drawn" if is_mini(space) else "everyday")


class Neutral:
    """The vectors of a space's bank: encoded once, then kept in the library."""

    def __init__(self, library: Library, space: Space, encoder: Callable[[], DualEncoder]) -> None:
        self._library, self._space, self._encoder = library, space, encoder
        self._known: Matrix | None = None

    def vectors(self) -> Matrix:
        """Return the bank's vectors: (texts, dim) float32, unit rows.

        Where the library cannot be written to just now they are encoded anew the next time.
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
                self._library.writing("keep neutral queries"),
                self._library.catalogue.writing() as connection,
            ):
                if self._space in spaces.every(connection):  # it may have been pruned meanwhile
                    key = bank_for(self._space).key
                    query_bank.record(connection, self._space.id, key, matrix)
        except LibraryError:  # in use, full or not ours to write: they are only a convenience
            return
