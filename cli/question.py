"""A query between the words that were typed and the words that are said about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.options import written
from search import Query, Rerank, Term
from search.query import SearchKind
from storage import Filters, Library
from storage.errors import InvalidArgument
from storage.records import Kind
from storage.selection import select_items
from storage.tables import files, vectors


def query_of(given: Mapping[str, Any]) -> Query:
    """Make a query of the arguments of `sightline search`; raises InvalidArgument."""
    terms = [Term.parse("text", words) for words in given["terms"]]
    terms += [Term.parse("image", str(Path(path).absolute())) for path in given["images"]]
    terms += [Term.parse("item", item) for item in given["items"]]
    terms += [Term.parse("text", words, -1) for words in given["minuses"]]
    return Query(
        tuple(terms),
        Filters.read(given),
        count_of(given["k"]),
        given["kind"],
        rerank=_rerank(given),
        min_match=given["min_match"],
        min_lift=given["min_lift"],
        describe=given["describe"],
    )


def count_of(k: int) -> int:
    """Check what `-k` was given; raises InvalidArgument."""
    if k < 1:
        raise InvalidArgument(f"-k {k}: ask for at least 1 hit")
    return k


def title(query: Query) -> str:
    """Return a query in one line, as the head of a sheet."""
    return "".join(_said(term, first=number == 0) for number, term in enumerate(query.terms))


def why_nothing(library: Library, filters: Filters, kind: SearchKind | None = None) -> str:
    """Return why nothing was found, and what would help."""
    if library.is_empty():
        return "the library is empty: sightline index FOLDER"
    these = {"image": "pictures", "text": "texts"}.get(kind or "", "items")
    if kind in ("image", "text") and not _any_of(library, kind):
        return f"the library holds no {these}"
    if filters.narrows:
        return f"nothing passes {written(filters)}: loosen or leave out what was given"
    searched: tuple[Kind, ...] = ("image", "text") if kind is None or kind == "all" else (kind,)
    with library.catalogue.reading() as connection:
        excluded = files.count_excluded(connection)
        left = any(select_items(connection, each, filters) for each in searched)
    if left:
        return f"the library holds no {these} beside what was asked with"
    if excluded:
        return (
            f"the files of all {these} are gone or excluded: mount their disk, add --missing, or "
            "run sightline index without the exclude pattern"
        )
    return f"the files of all {these} are gone: mount their disk, or add --missing"


def _any_of(library: Library, kind: Kind) -> bool:
    space = library.space()
    if space is None or space.id is None:
        return False
    with library.catalogue.reading() as connection:
        return vectors.any_of(connection, space.id, kind)


def _rerank(given: Mapping[str, Any]) -> Rerank | None:
    depth = given["rerank_depth"]
    if given["rerank"] or given["rerank_model"] or given["min_match"] is not None:
        return Rerank() if depth is None else Rerank(depth)
    if depth is not None:
        raise InvalidArgument("--rerank-depth says how many hits --rerank reads: add --rerank")
    return None


def _said(term: Term, first: bool) -> str:
    weight = abs(term.weight)
    value = Path(term.value).name if term.kind == "image" else term.value
    sign = "" if first else " − " if term.weight < 0 else " + "
    return f"{sign}{'' if weight == 1 else f'{weight:g} × '}{value}"
