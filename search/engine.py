"""The query line: query → embed → select → nearest → hydrate → hits."""

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Connection

from indexer.decode import Limits
from indexer.models.protocols import DualEncoder
from search.embed import Embedded, Embedding
from search.fuse import reciprocal_rank
from search.hits import Hit
from search.query import Query
from storage import items, vectors
from storage.library import Library
from storage.records import Kind
from storage.selection import select_vectors

Scored = dict[int, float]  # item row number → cosine, best first


class Engine:
    """Answers queries over one library, in the library's own space.

    `encoder` is called, and with it a model loaded, only when a query has words or a picture;
    `limits` bound what a query picture may cost.
    """

    def __init__(
        self,
        library: Library,
        encoder: Callable[[], DualEncoder],
        limits: Limits | None = None,
    ) -> None:
        self._library, self._encoder = library, encoder
        self._limits = limits or Limits()

    @property
    def notices(self) -> list[str]:
        """What was repaired or worked around on the way to the answers."""
        return self._library.notices

    def search(self, query: Query) -> list[Hit]:
        """Find the k items nearest to the query that its filters allow, best first.

        Fewer come back only where fewer are allowed; an empty library answers with none.
        Raises what `Embedding.embed` raises.
        """
        space = self._library.space()
        if space is None or space.id is None:
            return []
        embedding = Embedding(self._library, space.id, self._encoder, self._limits)
        with self._library.catalogue.reading() as connection:
            embedded = embedding.embed(connection, query.terms)
            ranked = [
                self._nearest(connection, space.id, kind, embedded, query)
                for kind in _kinds(connection, space.id, query)
            ]
            # Cosines of pictures and of texts do not compare: their lists are fused by rank.
            order = reciprocal_rank([list(scored) for scored in ranked])[: query.k]
            found = items.hydrate(connection, order)
        scores = {item: score for scored in ranked for item, score in scored.items()}
        return [Hit(rank, found[item], scores[item]) for rank, item in enumerate(order, start=1)]

    def _nearest(
        self, connection: Connection, space_id: int, kind: Kind, embedded: Embedded, query: Query
    ) -> Scored:
        own = vectors.numbers_of(connection, space_id, embedded.own)
        chosen = select_vectors(connection, space_id, kind, query.filters)
        chosen = chosen.without(np.array(own, np.int64))
        nearest = self._library.nearest(space_id, kind)
        ids, scores = nearest.find(connection, embedded.vector, query.k, chosen)
        members = vectors.items_of(connection, ids.tolist())
        return {
            members[number]: float(np.clip(score, -1.0, 1.0))
            for number, score in zip(ids.tolist(), scores, strict=True)
        }


def _kinds(connection: Connection, space_id: int, query: Query) -> Sequence[Kind]:
    if query.kind == "all":
        return ("image", "text")
    if query.kind is not None:
        return (query.kind,)
    return ("image",) if vectors.any_of(connection, space_id, "image") else ("text",)
