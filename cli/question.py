"""A query between the words that were typed and the words that are said about it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from search import Query, Term
from storage import Filters, Library, Near
from storage.errors import PathNotFound
from storage.filters import day

Value = TypeVar("Value")


def query_of(given: Mapping[str, Any]) -> Query:
    """Make a query of the arguments of `sightline search`; raises InvalidArgument."""
    terms = [Term.parse("text", words) for words in given["terms"]]
    terms += [Term.parse("image", str(Path(path).absolute())) for path in given["images"]]
    terms += [Term.parse("item", item) for item in given["items"]]
    terms += [Term.parse("text", words, -1) for words in given["minuses"]]
    filters = Filters(
        after=_read(day, given["after"]),
        before=_read(day, given["before"]),
        folder=_read(_folder, given["folder"]),
        camera=given["camera"],
        near=_read(Near.parse, given["near"]),
        missing=given["missing"],
    )
    return Query(tuple(terms), filters, given["k"], given["kind"])


def title(query: Query) -> str:
    """Say a query in one line, as the head of a sheet."""
    return "".join(_said(term, first=number == 0) for number, term in enumerate(query.terms))


def check_folder(library: Library, filters: Filters) -> None:
    """Raise PathNotFound for a folder that no search could ever find anything in."""
    if filters.folder is None:
        return
    folder = Path(filters.folder)
    roots = [Path(root.path) for root in library.roots()]
    known = any(folder.is_relative_to(root) or root.is_relative_to(folder) for root in roots)
    if not folder.exists() and not (known and filters.missing):
        raise PathNotFound(f"--in {folder} is not there: check the name, or mount its disk")
    if not known:
        raise PathNotFound(f"--in {folder} was never indexed: sightline index {folder}")


def why_nothing(library: Library, query: Query) -> str:
    """Say why a query found nothing, and what would help."""
    if library.is_empty():
        return "the library is empty: sightline index FOLDER"
    if query.filters != Filters(missing=query.filters.missing):
        return "no item passes the filters: loosen --after, --before, --in, --camera or --near"
    if query.kind in ("image", "text"):
        return f"the library holds nothing of --kind {query.kind}"
    return "the files of all items are gone: mount their disk, or add --missing"


def _read(reader: Callable[[str], Value], written: str | None) -> Value | None:
    return None if written is None else reader(written)


def _folder(written: str) -> str:
    return str(Path(written).expanduser().resolve())


def _said(term: Term, first: bool) -> str:
    weight = abs(term.weight)
    value = Path(term.value).name if term.kind == "image" else term.value
    sign = "" if first else " − " if term.weight < 0 else " + "
    return f"{sign}{'' if weight == 1 else f'{weight:g} × '}{value}"
