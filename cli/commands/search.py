"""`sightline search`: words, images and items in; hits out."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import filter_options, json_option, library_option
from cli.output.empty import why_nothing
from cli.output.hit_table import write_hits
from cli.output.json_rows import hit_row
from cli.output.render import write_json, write_notice, write_notices, write_path
from cli.session import session
from cli.settings import Settings
from search import Hit, Query, Rerank, Term
from search.hits import first_path
from search.query import DEFAULT_DEPTH, DEFAULT_K
from sightline import Sightline
from storage import Filters
from storage.errors import InvalidArgument


@click.command("search", cls=Command)
@click.argument("terms", nargs=-1, metavar="[TERM]...")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="FILE",
    help="Similar to this image file, which is left out of the hits.",
)
@click.option(
    "--like",
    "items",
    multiple=True,
    metavar="ITEM",
    help="Similar to this item of the library (start of its hash, or a path).",
)
@click.option("--minus", "minuses", multiple=True, metavar="TERM", help="Less like these words.")
@click.option("-k", default=DEFAULT_K, show_default=True, metavar="N", help="Number of hits.")
@filter_options
@click.option("--kind", type=click.Choice(["image", "text", "all"]), help="[default: image]")
@click.option(
    "--rerank",
    is_flag=True,
    help="Rerank the best images with a second model that reads them with the words.",
)
@click.option(
    "--rerank-model", metavar="NAME", help="The model that reranks: a pair scorer or a captioner."
)
@click.option(
    "--rerank-depth",
    type=int,
    metavar="N",
    help=f"How many hits are reranked. [default: {DEFAULT_DEPTH}]",
)
@click.option(
    "--min-match",
    type=float,
    metavar="P",
    help="Drop hits with a match probability below P, 0 to 1.",
)
@click.option(
    "--min-lift",
    type=float,
    metavar="D",
    help="Drop hits whose score is less than D above that of neutral words; try 0.02.",
)
@click.option("--describe", is_flag=True, help="Caption every image found, and store the caption.")
@click.option("--paths", "as_paths", is_flag=True, help="Print paths only, one per line.")
@click.option("--sheet", metavar="FILE", help="Write a contact sheet: FILE.png or FILE.html.")
@json_option
@library_option
def command(**given: Any) -> int:
    """Find images and texts by meaning.

    Several TERMs are searched for together. A number and a colon before a TERM set its weight:
    `2:red kite`. Give words that start like that a weight themselves: `1:10:30 train`.
    """
    if sum(map(bool, (given["as_json"], given["as_paths"], given["sheet"]))) > 1:
        raise click.UsageError("--json, --paths and --sheet exclude each other: choose one")
    sheet = _sheet(given["sheet"]) if given["sheet"] else None
    query = query_of(given)
    settings = Settings.read(library=given["library"])
    with session(settings) as app:
        hits = app.search(query, rerank_model=given["rerank_model"])
        write_notices(hits.notices)
        if not hits:
            write_notice(_nothing(app, query))
            return NOTHING_FOUND
        if sheet is not None:
            sheet(hits, app, title(query))
        else:
            _write(hits, given["as_json"], given["as_paths"])
        warned = caution(app.library) if sys.stderr.isatty() else None
    if warned:
        write_notice(warned)
    return DONE


def query_of(given: Mapping[str, Any]) -> Query:
    """Make a query of the arguments of `sightline search`; raises InvalidArgument."""
    terms = [Term.parse("text", words) for words in given["terms"]]
    terms += [Term.parse("image", str(Path(path).absolute())) for path in given["images"]]
    terms += [Term.parse("item", item) for item in given["items"]]
    terms += [Term.parse("text", words, -1) for words in given["minuses"]]
    return Query(
        tuple(terms),
        Filters.read(given),
        given["k"],
        given["kind"],
        rerank=_rerank(given),
        min_match=given["min_match"],
        min_lift=given["min_lift"],
        describe=given["describe"],
    )


def title(query: Query) -> str:
    """Return a query in one line, as the head of a sheet."""
    return "".join(_said(term, first=number == 0) for number, term in enumerate(query.terms))


def _nothing(app: Sightline, query: Query) -> str:
    """Return why nothing was found; a verdict needs something that it has turned down."""
    if query.min_match is not None or query.min_lift is not None:
        first = replace(query, k=1, rerank=None, min_match=None, min_lift=None, describe=False)
        if app.search(first):
            return "nothing here matches"
    return f"nothing found: {why_nothing(app, query.filters, query.kind)}"


def _sheet(name: str) -> Callable[[list[Hit], Sightline, str], None]:
    """Return what writes a sheet of that name; raises InvalidArgument or PathNotFound now."""
    # What draws is imported here: a search without a sheet draws nothing.
    from cli.pages.contact_sheet import check_place, check_suffix, write_sheet
    from cli.pages.tile import Tile

    check_suffix(name)
    check_place(Path(name))

    def write(hits: list[Hit], app: Sightline, heading: str) -> None:
        write_sheet(Path(name), heading, [Tile.of(hit, app) for hit in hits])
        write_notice(f"wrote {name}")

    return write


def _write(hits: list[Hit], as_json: bool, as_paths: bool) -> None:
    if as_json:
        for hit in hits:
            write_json(hit_row(hit))
    elif as_paths:
        for hit in hits:
            write_path(first_path(hit.item) or "")
    else:
        write_hits(hits)


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
