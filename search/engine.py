"""The query line: query → embed → plan → nearest → words → fuse → hydrate → rerank → verdict."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from sqlalchemy import Connection

from indexer.images.decode import Limits
from indexer.models import DualEncoder, default_for
from indexer.models.protocols import Captioner, PairScorer
from search import cutoffs, keyword
from search.describe import captioned
from search.embed import Embedded, Embedding
from search.fusion import Found, Scored
from search.hits import Hit
from search.plan import Plan
from search.query import Query, Rerank
from search.query_bank import Neutral
from search.rerank import Reranking
from search.truncation import truncations
from storage.errors import InvalidArgument, ModelMismatch
from storage.library import Library
from storage.records import Kind, Space
from storage.selection import select_vectors
from storage.tables import spaces, vectors
from storage.tables.vectors import rows_of

_UNREAD = "they keep the place that their vectors gave them"


class Engine:
    """Answers queries over one library, in the library's own space.

    `encoder` is called, and with it a model loaded, only when a query has words or a picture;
    `scorer` only when pictures are to be read a second time, `captioner` only when a caption is
    wanted that the library lacks. `limits` bound what reading a picture may cost.
    """

    def __init__(
        self,
        library: Library,
        encoder: Callable[[], DualEncoder],
        limits: Limits | None = None,
        *,
        scorer: Callable[[], PairScorer] | None = None,
        captioner: Callable[[], Captioner] | None = None,
    ) -> None:
        self._library, self._encoder = library, encoder
        self._scorer, self._captioner = scorer, captioner
        self._limits = limits or Limits()
        self._neutral: tuple[Space, Neutral] | None = None

    @property
    def notices(self) -> list[str]:
        """What was repaired, worked around or left out on the way to the answers."""
        return self._library.notices

    def search(self, query: Query) -> list[Hit]:
        """Find the k best items for the query that its filters allow, best first.

        Fewer come back only where fewer are allowed or pass the verdict; an empty library
        answers with none. Raises what `Embedding.embed` and the models' loaders raise, and
        InvalidArgument where `min_match` meets a scorer that gives no probability.
        """
        space = self._library.space()
        if space is None or space.id is None:
            return []
        encoder = partial(self._encoder_of, space)
        embedding = Embedding(self._library, space.id, encoder, self._limits)
        with self._library.catalogue.reading() as connection:
            embedded = embedding.embed(connection, query.terms)
            self.notices.extend(embedded.notices)
            plan = Plan.of(connection, space.id, query)
            nearest = [
                self._nearest(connection, space.id, kind, embedded, query, plan.length)
                for kind in plan.kinds
            ]
            short = sum(map(len, nearest)) < plan.wanted
            said = keyword.find(connection, plan.words, query.filters, embedded.own, short=short)
            found = Found.fuse(connection, space.id, embedded.vector, plan, nearest, said)
            hits = found.hydrate(connection)
        if query.reading is not None:
            hits = self._rerank(space, hits, query, query.reading)
        hits = self._pass_verdict(space, hits, query)[: query.k]
        if query.describe:
            hits = self._describe(hits)
        return [replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)]

    def _encoder_of(self, space: Space) -> DualEncoder:
        encoder = self._encoder()
        if not spaces.same(space, encoder.space):  # another process said `sightline use`
            raise ModelMismatch(
                f"searches of the library {self._library.path} go by the model {space.name} now, "
                f"not by {encoder.space.name}: open it again"
            )
        return encoder

    def _nearest(
        self,
        connection: Connection,
        space_id: int,
        kind: Kind,
        embedded: Embedded,
        query: Query,
        length: int,
    ) -> Scored:
        own = vectors.numbers_of(connection, space_id, embedded.own)
        chosen = select_vectors(connection, space_id, kind, query.filters)
        chosen = chosen.without(np.array(own, np.int64))
        nearest = self._library.nearest(space_id, kind)
        ids, scores = nearest.search(connection, embedded.vector, length, chosen)
        members = vectors.items_of(connection, ids.tolist())
        return {
            members[number]: float(np.clip(score, -1.0, 1.0))
            for number, score in zip(ids.tolist(), scores, strict=True)
        }

    def _rerank(self, space: Space, hits: list[Hit], query: Query, reading: Rerank) -> list[Hit]:
        if self._scorer is None:
            raise InvalidArgument("this engine was given no model to read pictures a second time")
        if not any(hit.item.kind == "image" for hit in hits):
            unread = cutoffs.nothing_to_read(hits, query.min_match)
            self.notices.extend([unread] if unread else [])
            return hits
        scorer = self._scorer()
        if query.min_match is not None and not scorer.calibrated:
            other = default_for("pair-scorer", space)
            raise InvalidArgument(
                f"the model {scorer.name} gives likelihoods, which {{min_match}} cannot cut: name "
                f"one that gives probabilities, such as {{rerank_model}} {other}",
                parameter="min_match",
                value=query.min_match,
                others=("rerank_model",),
            )
        reranking = Reranking(self._library, scorer, self._limits)
        reread = reranking.reread(hits, query.texts, reading.depth)
        self.notices.extend(reranking.pictures.notices(_UNREAD))
        self.notices.extend(truncations(scorer, scorer.name, [term.value for term in query.texts]))
        return reread

    def _pass_verdict(self, space: Space, hits: list[Hit], query: Query) -> list[Hit]:
        """Drop what does not reach the cut-offs that were asked for; none acts unasked."""
        if query.min_match is not None:
            left_out = cutoffs.unread(hits)
            self.notices.extend([left_out] if left_out else [])
            hits = cutoffs.matching(hits, query.min_match)
        if query.min_lift is not None and hits:
            hits = cutoffs.lifted(self._lifted(space, hits), query.min_lift)
        return hits

    def _lifted(self, space: Space, hits: list[Hit]) -> list[Hit]:
        """Return the hits with how far their cosine stands above what neutral words reach."""
        assert space.id is not None
        if self._neutral is None or self._neutral[0] != space:
            self._neutral = space, Neutral(self._library, space, partial(self._encoder_of, space))
        bank = self._neutral[1].vectors()
        with self._library.catalogue.reading() as connection:
            rows = rows_of(connection, space.id, [hit.item.id for hit in hits])
        there = [hit for hit in hits if hit.item.id in rows]
        if not there:  # removed meanwhile
            return []
        matrix = np.stack([rows[hit.item.id] for hit in there])  # (n, dim) float32, unit rows
        lifts = cutoffs.lifts([hit.score for hit in there], matrix, bank)
        return [replace(hit, lift=float(lift)) for hit, lift in zip(there, lifts, strict=True)]

    def _describe(self, hits: list[Hit]) -> list[Hit]:
        return captioned(self._library, self._captioner, hits, self._limits)
