"""The query pipeline: query → embed → plan → nearest → words → fuse → hydrate → rerank → cut."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
from sqlalchemy import Connection

from indexer.images.limits import Limits
from indexer.models import DualEncoder, default_for
from indexer.models.protocols import Captioner, PairScorer
from search import cutoffs, keyword
from search.describe import captioned
from search.embedding.embed import QueryEmbedder, QueryVector
from search.embedding.query_bank import QueryBank
from search.fusion import FusedHits, Scored
from search.hits import Hit
from search.plan import QueryPlan
from search.query import Query, Rerank
from search.rerank import Reranker
from search.truncation import truncations
from storage.errors import InvalidArgument, ModelMismatch
from storage.library import Library
from storage.records import Answer, Kind, Space
from storage.selection import select_vectors
from storage.tables import spaces, vectors
from storage.tables.vectors import rows_of

_UNREAD = "they keep the place that their vectors gave them"


class Engine:
    """Answers queries over one library, in the library's current space.

    `encoder` is called, and so a model loaded, only for words that were not asked before or an
    image file; `scorer` only for reranker, `captioner` only if a wanted caption is not stored.
    `limits` bound the cost of reading an image.
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
        self._query_bank: tuple[Space, QueryBank] | None = None

    def search(self, query: Query) -> Answer[Hit]:
        """Find the k best items for the query that its filters allow, best first.

        Fewer are returned only if fewer pass the filters and cut-offs; an empty library returns
        none. The answer's notices say what was repaired, worked around or left out
        on the way. Raises what `QueryEmbedder.embed` and the models' loaders raise, and
        InvalidArgument where `min_match` meets a scorer that gives no probability.
        """
        space = self._library.space()
        if space is None:
            return Answer()
        try:
            return self._search(space, cache(partial(self._encoder_of, space)), query)
        except ModelMismatch:
            encoder = self._encoder()
            if encoder.space.id is None:  # of none of the library's spaces
                raise
        # `use` was called before the encoder was there: begin anew, in the space of this one.
        return self._search(encoder.space, lambda: encoder, query)

    def _search(
        self, space: Space, encoder: Callable[[], DualEncoder], query: Query
    ) -> Answer[Hit]:
        assert space.id is not None
        notices: list[str] = []
        embedder = QueryEmbedder(self._library, space, encoder, self._limits)
        with self._library.catalogue.reading() as connection:
            embedded = embedder.embed(connection, query.terms)
            notices.extend(embedded.notices)
            plan = QueryPlan.of(connection, space.id, query)
            nearest = [
                self._nearest(connection, space.id, kind, embedded, query, plan.length, notices)
                for kind in plan.kinds
            ]
            short = sum(map(len, nearest)) < plan.wanted
            keyword_hits = keyword.find(
                connection, plan.words, query.filters, embedded.own, short=short
            )
            found = FusedHits.fuse(
                connection, space.id, embedded.vector, plan, nearest, keyword_hits
            )
            hits = found.hydrate(connection)
        embedder.keep()
        if query.effective_rerank is not None:
            hits = self._rerank(space, hits, query, query.effective_rerank, notices)
        hits = self._cut_off(space, encoder, hits, query, notices)[: query.k]
        if query.describe:
            hits = captioned(self._library, self._captioner, hits, self._limits, notices)
        return Answer((replace(hit, rank=rank) for rank, hit in enumerate(hits, 1)), notices)

    def _encoder_of(self, space: Space) -> DualEncoder:
        encoder = self._encoder()
        if not spaces.same(space, encoder.space):  # `use` was called meanwhile
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
        embedded: QueryVector,
        query: Query,
        length: int,
        notices: list[str],
    ) -> Scored:
        own = vectors.numbers_of(connection, space_id, embedded.own)
        chosen = select_vectors(connection, space_id, kind, query.filters)
        chosen = chosen.without(np.array(own, np.int64))
        nearest = self._library.nearest(space_id, kind)
        ids, scores = nearest.search(connection, embedded.vector, length, chosen, notices)
        members = vectors.items_of(connection, ids.tolist())
        return {
            members[number]: float(np.clip(score, -1.0, 1.0))
            for number, score in zip(ids.tolist(), scores, strict=True)
        }

    def _rerank(
        self, space: Space, hits: list[Hit], query: Query, rerank: Rerank, notices: list[str]
    ) -> list[Hit]:
        if self._scorer is None:
            raise InvalidArgument("this engine was given no model to read images a second time")
        if not any(hit.item.kind == "image" for hit in hits):
            unread = cutoffs.no_images_notice(hits, query.min_match)
            notices.extend([unread] if unread else [])
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
        reranker = Reranker(self._library, scorer, self._limits)
        reread = reranker.reread(hits, query.texts, rerank.depth)
        notices.extend(reranker.images.notices(_UNREAD))
        notices.extend(truncations(scorer, scorer.name, [term.value for term in query.texts]))
        return reread

    def _cut_off(
        self,
        space: Space,
        encoder: Callable[[], DualEncoder],
        hits: list[Hit],
        query: Query,
        notices: list[str],
    ) -> list[Hit]:
        """Drop what does not reach the cut-offs that were asked for; none acts unasked."""
        if query.min_match is not None:
            left_out = cutoffs.unread_notice(hits)
            notices.extend([left_out] if left_out else [])
            hits = cutoffs.matching(hits, query.min_match)
        if query.min_lift is not None and hits:
            hits = cutoffs.lifted(self._lifted(space, encoder, hits), query.min_lift)
        return hits

    def _lifted(
        self, space: Space, encoder: Callable[[], DualEncoder], hits: list[Hit]
    ) -> list[Hit]:
        """Return the hits with their lift: how far their cosine is above that of neutral texts."""
        assert space.id is not None
        known = self._query_bank  # other threads may put that of another space there
        if known is None or known[0] != space:
            known = self._query_bank = space, QueryBank(self._library, space, encoder)
        bank = known[1].vectors()
        with self._library.catalogue.reading() as connection:
            rows = rows_of(connection, space.id, [hit.item.id for hit in hits])
        there = [hit for hit in hits if hit.item.id in rows]
        if not there:  # removed meanwhile
            return []
        matrix = np.stack([rows[hit.item.id] for hit in there])  # (n, dim) float32, unit rows
        lifts = cutoffs.lifts([hit.score for hit in there], matrix, bank)
        return [replace(hit, lift=float(lift)) for hit, lift in zip(there, lifts, strict=True)]
