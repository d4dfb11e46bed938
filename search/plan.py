"""The plan of a query: which first-stage lists are needed, and how long."""

from dataclasses import dataclass

from sqlalchemy import Connection

from search import keyword
from search.query import Query
from storage.records import Kind
from storage.tables import captions, vectors


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """The kinds, words and lengths of the first-stage lists."""

    kinds: tuple[Kind, ...]  # one list of nearest vectors for each
    words: str  # searched in captions; empty if only vectors are searched
    wanted: int  # hits that the first stage returns
    length: int  # of each list of nearest vectors

    @classmethod
    def of(cls, connection: Connection, space_id: int, query: Query) -> "QueryPlan":
        """Return the plan of a query; words are dropped if the library has no captions."""
        kinds = _kinds(connection, space_id, query)
        words = keyword.keywords(query.terms) if query.words and "image" in kinds else ""
        if words and not captions.any_at_all(connection):
            words = ""
        wanted = query.k
        if query.effective_rerank is not None:
            # Images are reranked to that depth, however many texts are ranked among them.
            wanted = max(query.k, query.effective_rerank.depth) * len(kinds)
        return cls(kinds, words, wanted, max(wanted, keyword.LONGEST) if words else wanted)


def _kinds(connection: Connection, space_id: int, query: Query) -> tuple[Kind, ...]:
    if query.kind == "all":
        return ("image", "text")
    if query.kind is not None:
        return (query.kind,)
    return ("image",) if vectors.any_of(connection, space_id, "image") else ("text",)
