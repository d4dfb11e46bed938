"""Joining ranked lists whose scores cannot be compared."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

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
