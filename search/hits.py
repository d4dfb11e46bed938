"""A hit: an item of the library, how near it came to the question, and what was said of it."""

from dataclasses import dataclass
from typing import Literal

from storage.library import Library
from storage.records import Item, Tag
from storage.tables import captions, tags

Why = Literal["meaning", "words"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer to a query; `score` is always the first-stage cosine, −1 to 1.

    What was not asked for is None: `match` is the second reader's probability, 0 to 1,
    `likelihood` the score of a second reader that gives no probability, `lift` the cosine above
    what neutral words reach. `caption` is what the catalogue holds, or was asked for. `why` says
    whether the item's vector ("meaning"), its caption ("words") or both found it.
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
    """Return the path to name an item by: one that is shown, else one that is gone or excluded."""
    return next(iter(item.paths or item.missing_paths or item.excluded_paths), None)
