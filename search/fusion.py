"""Fusion: ranked lists joined by rank, and the cosine of each item that they hold."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from search import keyword
from search.hits import Hit, Why
from search.plan import Plan
from storage.records import Vector
from storage.tables import captions, items

T = TypeVar("T", bound=Hashable)

# The constant of Cormack, Clarke and Büttcher (SIGIR 2009): high enough that the first place
# of one list does not outweigh agreement between lists.
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
class Found:
    """Items in the order of the fused lists, each with its cosine."""

    order: list[int]
    scores: Scored
    near: frozenset[int]  # found by meaning
    said: frozenset[int]  # found by words

    @classmethod
    def fuse(
        cls,
        connection: Connection,
        space_id: int,
        query: Vector,
        plan: Plan,
        nearest: list[Scored],
        said: keyword.Said,
    ) -> "Found":
        """Join lists by rank, for their scores cannot be compared: pictures', texts', words'.

        Where nothing said holds all the words the order is that of the vectors alone; what holds
        some of them add hits at the end where there are too few. An item that words alone
        found gets its cosine from its stored vector; without one it is no hit.
        """
        scores = {item: score for scored in nearest for item, score in scored.items()}
        others = [item for item in (*said.all_words, *said.any_word) if item not in scores]
        scores |= keyword.cosines(connection, space_id, others, query)
        every = [item for item in said.all_words if item in scores]
        order = reciprocal_rank([*map(list, nearest), every])
        more = [item for item in others if item in scores and item not in set(order)]
        near = frozenset(item for scored in nearest for item in list(scored)[: plan.wanted])
        return cls([*order, *more][: plan.wanted], scores, near, frozenset([*every, *more]))

    def hydrate(self, connection: Connection) -> list[Hit]:
        """Read the items and their stored captions; ranks are given at the end of the line."""
        found = items.hydrate(connection, self.order)
        said = captions.of_items(connection, self.order)
        return [
            Hit(0, found[item], self.scores[item], caption=said.get(item), why=self._why(item))
            for item in self.order
            if item in found
        ]

    def _why(self, item: int) -> tuple[Why, ...]:
        by_meaning: tuple[Why, ...] = ("meaning",) if item in self.near else ()
        by_words: tuple[Why, ...] = ("words",) if item in self.said else ()
        return by_meaning + by_words
