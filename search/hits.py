"""A hit: an item of the library, and how near it came to the question."""

from dataclasses import dataclass

from storage.records import Item


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer to a query; `score` is always the first-stage cosine, −1 to 1."""

    rank: int  # from 1
    item: Item
    score: float
