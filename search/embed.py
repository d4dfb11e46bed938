"""The embedding of a query: a weighted sum of its terms, as a unit vector of the space."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from indexer.images.limits import Limits
from indexer.models.protocols import DualEncoder
from search.images import read_external
from search.query import Term
from search.truncation import truncations
from storage.errors import Hint, InvalidArgument, ItemNotFound
from storage.library import Library
from storage.records import Vector
from storage.tables import items, vectors


@dataclass(frozen=True, slots=True)
class QueryVector:
    """A query as a unit vector.

    `own` are the items it was computed from, which are excluded from the hits; `notices` name the
    words that the model did not read.
    """

    vector: Vector
    own: tuple[int, ...]
    notices: tuple[str, ...] = ()


class QueryEmbedder:
    """Embeds the terms of queries; the encoder is loaded only for words or an image file."""

    def __init__(
        self,
        library: Library,
        space_id: int,
        encoder: Callable[[], DualEncoder],
        limits: Limits,
    ) -> None:
        self._library, self._space_id, self._encoder = library, space_id, encoder
        self._limits = limits

    def embed(self, connection: Connection, terms: Sequence[Term]) -> QueryVector:
        """Return the normalised sum of the terms' unit vectors, by weight.

        Raises InvalidArgument if the terms cancel out, PathNotFound, DecodeFailure or
        ItemNotFound for a term that cannot be read.
        """
        own: list[int] = []
        words = [term for term in terms if term.kind == "text"]
        pairs = [
            (term.weight, vector) for term, vector in zip(words, self._texts(words), strict=True)
        ]
        for term in terms:
            if term.kind == "image":
                pairs.append((term.weight, self._image(connection, term.value, own)))
            elif term.kind == "item":
                pairs.append((term.weight, self._item(connection, term.value, own)))
        total = np.zeros_like(pairs[0][1])
        for weight, vector in pairs:
            total += np.float32(weight) * vector
        length = float(np.linalg.norm(total))
        unread = self._truncated(words)
        if not length > 1e-4:
            step = "change a weight or a term"
            said = "; ".join((f"the terms of the query cancel out: {step}", *unread))
            raise InvalidArgument(said, parameter="terms")
        return QueryVector((total / length).astype(np.float32), tuple(own), unread)

    def _truncated(self, terms: Sequence[Term]) -> tuple[str, ...]:
        if not terms:
            return ()
        encoder = self._encoder()
        return tuple(truncations(encoder, encoder.space.name, [term.value for term in terms]))

    def _texts(self, terms: Sequence[Term]) -> Sequence[Vector]:
        return list(self._encoder().encode_texts([term.value for term in terms])) if terms else []

    def _image(self, connection: Connection, path: str, own: list[int]) -> Vector:
        content, pixels = read_external(path, self._encoder().image_spec, self._limits)
        own += items.numbers(connection, "image", [content]).values()
        return np.asarray(self._encoder().encode_images(pixels[None])[0])

    def _item(self, connection: Connection, reference: str, own: list[int]) -> Vector:
        item = self._library.find(reference)
        if item.kind in ("document", "table"):  # as near as its passages are in the mean
            members = items.passages_of(connection, item.id)
        else:
            members = [item.id]
        found = [vectors.of_item(connection, self._space_id, member) for member in members]
        rows = [vector for vector in found if vector is not None]
        if not rows:
            raise ItemNotFound(
                f"{reference} has no vector in this library: index it again", hint=Hint("index")
            )
        own += members
        mean = np.mean(rows, axis=0, dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))
