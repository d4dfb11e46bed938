"""Keyword search in captions, keywords and descriptions: a second way to find images."""

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

# Length of a list; lower captions share a word with the query and little else.
LONGEST = 100


class KeywordHits(NamedTuple):
    """Images found by their captions, keywords and descriptions, best first, each once."""

    all_words: list[int]
    any_word: list[int]


def keywords(terms: Sequence[Term]) -> str:
    """Return the content words of the query's plus terms."""
    said = " ".join(term.value for term in terms if term.kind == "text" and term.weight > 0)
    return " ".join(word for word in said.split() if captions.is_content_word(word))


def find(
    connection: Connection, words: str, filters: Filters, own: Sequence[int], *, short: bool
) -> KeywordHits:
    """Return up to `LONGEST` images whose texts contain the words, without the `own` items.

    Texts with only some of the words are searched if there are too few hits (`short`).
    """
    if not words:
        return KeywordHits([], [])
    anywhere = replace(filters, missing=False) == Filters()
    allowed = None if anywhere else select_items(connection, "image", filters)

    def matching(whole: bool) -> list[int]:
        most, hidden = LONGEST + len(own), filters.missing
        found = captions.matching(connection, words, allowed, most, hidden=hidden, whole=whole)
        return [item for item in found if item not in own][:LONGEST]

    every = matching(whole=True)
    some = matching(whole=False) if short else []
    return KeywordHits(every, [item for item in some if item not in set(every)])


def cosines(
    connection: Connection, space_id: int, found: Sequence[int], query: Vector
) -> dict[int, float]:
    """Return the cosine of each of these items that has a vector in the space, in their order."""
    rows = rows_of(connection, space_id, found)
    return {item: float(np.clip(rows[item] @ query, -1.0, 1.0)) for item in found if item in rows}
