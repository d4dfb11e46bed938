"""The texts of queries as vectors: those of the library where it was asked before.

A question that was asked before loads no model, and is answered by the very same vector. Of texts
that were asked the library folder keeps a hash, a vector and how much of the text was read, of the
last thousand in each space, until the space is pruned.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Connection

from indexer.models.protocols import DualEncoder
from search.truncation import Truncation
from storage.errors import LibraryError
from storage.library import Library
from storage.records import Space, Vector
from storage.tables import query_vectors, spaces
from storage.tables.query_vectors import QueryText


class QueryTexts:
    """Looks texts up in one space, has the unknown ones encoded, and keeps those by `keep`."""

    def __init__(self, library: Library, space: Space, encoder: Callable[[], DualEncoder]) -> None:
        self._library, self._space, self._encoder = library, space, encoder
        self._new: dict[str, QueryText] = {}

    def read(self, connection: Connection, texts: Sequence[str]) -> list[QueryText]:
        """Return what the space's model makes of each text; loads it for unknown ones alone."""
        if not texts:
            return []
        assert self._space.id is not None
        known = query_vectors.stored(connection, self._space.id, texts)
        unknown = [text for text in dict.fromkeys(texts) if text not in known]
        if unknown:
            encoder = self._encoder()
            rows: Sequence[Vector] = list(encoder.encode_texts(unknown))
            for text, row in zip(unknown, rows, strict=True):
                made = QueryText(np.asarray(row, np.float32), Truncation.of(encoder, text))
                known[text] = self._new[text] = made
        return [known[text] for text in texts]

    def keep(self) -> None:
        """Store what was encoded, all at once; neither waits nor raises, it is only a cache."""
        if not self._new or self._library.catalogue.read_only:
            return
        assert self._space.id is not None
        try:
            with self._library.caching() as connection:
                if self._space in spaces.every(connection):  # it may have been pruned meanwhile
                    query_vectors.record(connection, self._space.id, self._new)
        except LibraryError:  # in use or disk full: they are encoded again the next time
            return
        self._new = {}
