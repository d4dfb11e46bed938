"""A hit: an item of the library, its scores for a query, and its caption."""

from dataclasses import dataclass
from typing import Literal

from storage.library import Library
from storage.records import Item, Tag
from storage.tables import captions, tags

Why = Literal["meaning", "words"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a query; `score` is always the first-stage cosine, −1 to 1.

    Scores that were not requested are None: `match` is the reranker's probability, 0 to 1,
    `likelihood` the score of a reranker that gives no probability, `lift` the cosine above that of
    neutral texts. `caption` is the stored one, or a new one if requested. `why` says whether the
    item's vector ("meaning"), its caption, keywords or description ("words") or both found it.
    """

    rank: int  # from 1
    item: Item
    score: float
    match: float | None = None
    likelihood: float | None = None
    lift: float | None = None
    caption: str | None = None
    why: tuple[Why, ...] = ("meaning",)


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known of one item."""

    item: Item
    caption: str | None
    tags: tuple[Tag, ...]


def show(library: Library, item: Item, model: str | None = None) -> Shown:
    """Return what is known of an item; the caption of one `model`, or the latest of any."""
    with library.catalogue.reading() as connection:
        caption = captions.of_items(connection, [item.id], model).get(item.id)
        given = tags.of_items(connection, [item.id]).get(item.id, [])
    return Shown(item, caption, tuple(given))


def first_path(item: Item) -> str | None:
    """Return a path of an item: a present one, else a missing or an excluded one."""
    return next(iter(item.paths or item.missing_paths or item.excluded_paths), None)
