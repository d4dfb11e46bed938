"""The plan of a query: which lists are made, how long, and of what."""

from dataclasses import dataclass

from sqlalchemy import Connection

from search import keyword
from search.query import Query
from storage.records import Kind
from storage.tables import captions, vectors


@dataclass(frozen=True, slots=True)
class Plan:
    """What the first stage is asked for."""

    kinds: tuple[Kind, ...]  # one list of nearest vectors for each
    words: str  # looked for in captions; empty where only meaning is asked
    wanted: int  # hits that leave the first stage
    length: int  # of each list of nearest vectors

    @classmethod
    def of(cls, connection: Connection, space_id: int, query: Query) -> "Plan":
        """Plan a query; a library without captions has no words to look for."""
        kinds = _kinds(connection, space_id, query)
        said = keyword.telling(query.terms) if query.words and "image" in kinds else ""
        if said and not captions.any_at_all(connection):
            said = ""
        wanted = query.k
        if query.reading is not None:
            # Pictures are read again to that depth, however many texts stand between them.
            wanted = max(query.k, query.reading.depth) * len(kinds)
        return cls(kinds, said, wanted, max(wanted, keyword.LONGEST) if said else wanted)


def _kinds(connection: Connection, space_id: int, query: Query) -> tuple[Kind, ...]:
    if query.kind == "all":
        return ("image", "text")
    if query.kind is not None:
        return (query.kind,)
    return ("image",) if vectors.any_of(connection, space_id, "image") else ("text",)
