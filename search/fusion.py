"""Reciprocal rank fusion of the first-stage lists, with the cosine of each item."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from search import keyword
from search.hits import Hit, Why
from search.plan import QueryPlan
from storage.records import Vector
from storage.tables import captions, items

T = TypeVar("T", bound=Hashable)

# The constant of Cormack, Clarke and Büttcher (SIGIR 2009): so high that the first place in one
# list does not outweigh agreement between lists.
RANK_OFFSET = 60


def reciprocal_rank(lists: Sequence[Sequence[T]]) -> list[T]:
    """Fuse lists, best first, by the sum of 1 / (60 + rank); ties go to the earlier list."""
    scores: dict[T, float] = {}
    for ranked in lists:
        for rank, thing in enumerate(ranked, start=1):
            scores[thing] = scores.get(thing, 0.0) + 1 / (RANK_OFFSET + rank)
    return sorted(scores, key=lambda thing: -scores[thing])


Scored = dict[int, float]  # item row number → cosine, best first


@dataclass(frozen=True, slots=True)
class FusedHits:
    """The items of the fused lists in order, each with its cosine and how it was found."""

    order: list[int]
    scores: Scored
    by_meaning: frozenset[int]
    by_words: frozenset[int]

    @classmethod
    def fuse(
        cls,
        connection: Connection,
        space_id: int,
        query: Vector,
        plan: QueryPlan,
        nearest: list[Scored],
        keyword_hits: keyword.KeywordHits,
    ) -> "FusedHits":
        """Fuse the lists of images, texts and captions by rank: their scores are not comparable.

        If no text about an image contains all the words, the order is that of the vectors alone;
        what contains some of them is appended if there are too few hits. An item found only by
        words gets its cosine from its stored vector; without one it is no hit.
        """
        scores = {item: score for scored in nearest for item, score in scored.items()}
        others = [
            item for item in (*keyword_hits.all_words, *keyword_hits.any_word) if item not in scores
        ]
        scores |= keyword.cosines(connection, space_id, others, query)
        every = [item for item in keyword_hits.all_words if item in scores]
        order = reciprocal_rank([*map(list, nearest), every])
        more = [item for item in others if item in scores and item not in set(order)]
        by_meaning = frozenset(item for scored in nearest for item in list(scored)[: plan.wanted])
        return cls([*order, *more][: plan.wanted], scores, by_meaning, frozenset([*every, *more]))

    def hydrate(self, connection: Connection) -> list[Hit]:
        """Return the hits with items and stored captions; ranks are set at the end."""
        found = items.hydrate(connection, self.order)
        keyword_hits = captions.of_items(connection, self.order)
        return [
            Hit(
                0,
                found[item],
                self.scores[item],
                caption=keyword_hits.get(item),
                why=self._why(item),
            )
            for item in self.order
            if item in found
        ]

    def _why(self, item: int) -> tuple[Why, ...]:
        by_meaning: tuple[Why, ...] = ("meaning",) if item in self.by_meaning else ()
        by_words: tuple[Why, ...] = ("words",) if item in self.by_words else ()
        return by_meaning + by_words
