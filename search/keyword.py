"""The words of a query, looked for in captions, keywords and descriptions of pictures.

It is a second way to a picture, beside its vector.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from search.query import Term
from storage.filters import Filters
from storage.records import Vector
from storage.selection import select_items
from storage.tables import captions
from storage.tables.vectors import rows_of

# The best of a list; below these a caption shares a word with the query and little else.
LONGEST = 100


class Said(NamedTuple):
    """Pictures by what models and people say of them, best first, no picture twice."""

    all_words: list[int]
    any_word: list[int]


def telling(terms: Sequence[Term]) -> str:
    """Return the words that the query's plus terms look for, less those that say nothing."""
    said = " ".join(term.value for term in terms if term.kind == "text" and term.weight > 0)
    return " ".join(word for word in said.split() if captions.says_something(word))


def find(
    connection: Connection, words: str, filters: Filters, own: Sequence[int], *, short: bool
) -> Said:
    """List up to `LONGEST` pictures of which the words are said, less the query's own items.

    Captions and annotations with only some of the words are looked through where hits are `short`.
    """
    if not words:
        return Said([], [])
    anywhere = replace(filters, missing=False) == Filters()
    allowed = None if anywhere else select_items(connection, "image", filters)

    def matching(whole: bool) -> list[int]:
        most, hidden = LONGEST + len(own), filters.missing
        found = captions.matching(connection, words, allowed, most, hidden=hidden, whole=whole)
        return [item for item in found if item not in own][:LONGEST]

    every = matching(whole=True)
    some = matching(whole=False) if short else []
    return Said(every, [item for item in some if item not in set(every)])


def cosines(
    connection: Connection, space_id: int, found: Sequence[int], query: Vector
) -> dict[int, float]:
    """Return the cosine of each of these items that has a vector in the space, in their order."""
    rows = rows_of(connection, space_id, found)
    return {item: float(np.clip(rows[item] @ query, -1.0, 1.0)) for item in found if item in rows}
