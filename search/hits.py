"""A hit: an item of the library, how near it came to the question, and what was said of it."""

from dataclasses import dataclass
from typing import Literal

from storage.records import Item

Why = Literal["meaning", "words"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer to a query; `score` is always the first-stage cosine, −1 to 1.

    What was not asked for is None: `match` is the second reader's probability, 0 to 1,
    `likelihood` the score of a second reader that gives no probability, `lift` the cosine above
    what neutral words reach. `caption` is what the catalogue holds, or was asked for. `why` says
    whether the item's vector ("meaning"), what is said of it ("words") or both found it.
    """

    rank: int  # from 1
    item: Item
    score: float
    match: float | None = None
    likelihood: float | None = None
    lift: float | None = None
    caption: str | None = None
    why: tuple[Why, ...] = ("meaning",)


def first_path(item: Item) -> str | None:
    """Return the path to name an item by: one that is shown, else one that is gone or excluded."""
    return next(iter(item.paths or item.missing_paths or item.excluded_paths), None)
