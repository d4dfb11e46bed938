"""The embedding of a query: a weighted sum of its terms, as a unit vector of the space."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from indexer.images.limits import Limits
from indexer.models.protocols import DualEncoder
from search.embedding.query_texts import QueryTexts
from search.images import read_external
from search.query import Term
from search.truncation import Truncation
from storage.errors import Hint, InvalidArgument, ItemNotFound
from storage.library import Library
from storage.records import Space, Vector
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
    """Embeds the terms of queries; the encoder is loaded only for new words or an image file.

    `keep` stores the vectors of new words.
    """

    def __init__(
        self,
        library: Library,
        space: Space,
        encoder: Callable[[], DualEncoder],
        limits: Limits,
    ) -> None:
        self._library, self._space, self._encoder = library, space, encoder
        self._limits = limits
        self._texts = QueryTexts(library, space, encoder)
        self.keep = self._texts.keep

    def embed(self, connection: Connection, terms: Sequence[Term]) -> QueryVector:
        """Return the normalised sum of the terms' unit vectors, by weight.

        Raises InvalidArgument if the terms cancel out, PathNotFound, DecodeFailure or
        ItemNotFound for a term that cannot be read.
        """
        own: list[int] = []
        words = [term for term in terms if term.kind == "text"]
        read = self._texts.read(connection, [term.value for term in words])
        pairs = [(term.weight, one.vector) for term, one in zip(words, read, strict=True)]
        for term in terms:
            if term.kind == "image":
                pairs.append((term.weight, self._image(connection, term.value, own)))
            elif term.kind == "item":
                pairs.append((term.weight, self._item(connection, term.value, own)))
        total = np.zeros_like(pairs[0][1])
        for weight, vector in pairs:
            total += np.float32(weight) * vector
        length = float(np.linalg.norm(total))
        unread = tuple(
            Truncation(*one.truncation).notice(self._space.name, term.value)
            for term, one in zip(words, read, strict=True)
            if one.truncation is not None
        )
        if not length > 1e-4:
            step = "change a weight or a term"
            said = "; ".join((f"the terms of the query cancel out: {step}", *unread))
            raise InvalidArgument(said, parameter="terms")
        return QueryVector((total / length).astype(np.float32), tuple(own), unread)

    def _image(self, connection: Connection, path: str, own: list[int]) -> Vector:
        content, pixels = read_external(path, self._encoder().image_spec, self._limits)
        own += items.numbers(connection, "image", [content]).values()
        return np.asarray(self._encoder().encode_images(pixels[None])[0])

    def _item(self, connection: Connection, reference: str, own: list[int]) -> Vector:
        assert self._space.id is not None
        item = self._library.find(reference)
        if item.kind in ("document", "table"):  # as near as its passages are in the mean
            members = items.passages_of(connection, item.id)
        else:
            members = [item.id]
        found = [vectors.of_item(connection, self._space.id, member) for member in members]
        rows = [vector for vector in found if vector is not None]
        if not rows:
            raise ItemNotFound(
                f"{reference} has no vector in this library: index it again", hint=Hint("index")
            )
        own += members
        mean = np.mean(rows, axis=0, dtype=np.float32)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))
