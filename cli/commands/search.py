"""`sightline search`: words, pictures and items in; hits out."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli.caution import caution
from cli.command import Command
from cli.errors import DONE, NOTHING_FOUND
from cli.options import filter_options, json_option, library_option
from cli.output.hit_table import write_hits
from cli.output.json_rows import hit_row
from cli.output.render import tell, write_json, write_path
from cli.pages.contact_sheet import check_place, check_suffix, write_sheet
from cli.pages.tile import Tile
from cli.question import query_of, title, why_nothing
from cli.session import session
from cli.settings import Settings
from search import Hit, Query
from search.hits import first_path
from search.query import DEFAULT_DEPTH, DEFAULT_K
from sightline import Sightline, check_folder


@click.command("search", cls=Command)
@click.argument("terms", nargs=-1, metavar="[TERM]...")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="FILE",
    help="Be like this picture, which is left out itself.",
)
@click.option(
    "--like",
    "items",
    multiple=True,
    metavar="ITEM",
    help="Be like this item of the library (its beginning or a path).",
)
@click.option("--minus", "minuses", multiple=True, metavar="TERM", help="Be unlike these words.")
@click.option("-k", default=DEFAULT_K, show_default=True, metavar="N", help="How many hits.")
@filter_options
@click.option("--kind", type=click.Choice(["image", "text", "all"]), help="[default: image]")
@click.option(
    "--rerank", is_flag=True, help="Read the best pictures again, together with the words."
)
@click.option(
    "--rerank-model", metavar="NAME", help="What reads them; a pair scorer or a captioner."
)
@click.option(
    "--rerank-depth",
    type=int,
    metavar="N",
    help=f"How many it reads. [default: {DEFAULT_DEPTH}]",
)
@click.option(
    "--min-match",
    type=float,
    metavar="P",
    help="Drop what it finds less likely to match than P, 0 to 1.",
)
@click.option(
    "--min-lift",
    type=float,
    metavar="D",
    help="Drop what stands less than D above neutral words, such as 0.02.",
)
@click.option("--describe", is_flag=True, help="Give every picture a caption, and keep it.")
@click.option("--paths", "as_paths", is_flag=True, help="Print only paths, one a line.")
@click.option("--sheet", metavar="FILE", help="Write a contact sheet: FILE.png or FILE.html.")
@json_option
@library_option
def command(**given: Any) -> int:
    """Find pictures and texts by meaning.

    Several TERMs are looked for together. A number and a colon before a TERM are its weight:
    `2:red kite`; words that begin that way are written with one: `1:10:30 train`.
    """
    if sum(map(bool, (given["as_json"], given["as_paths"], given["sheet"]))) > 1:
        raise click.UsageError("--json, --paths and --sheet exclude each other: choose one")
    if given["sheet"]:
        check_suffix(given["sheet"])
        check_place(Path(given["sheet"]))
    query = query_of(given)
    settings = Settings.read(library=given["library"])
    with session(settings) as app:
        check_folder(app.library, query.filters)
        hits = app.search(query, rerank_model=given["rerank_model"])
        if not hits:
            tell(_nothing(app, query))
            return NOTHING_FOUND
        if given["sheet"]:
            tiles = [Tile.of(hit, app.library) for hit in hits]
            write_sheet(Path(given["sheet"]), title(query), tiles)
            tell(f"wrote {given['sheet']}")
        else:
            _write(hits, given["as_json"], given["as_paths"])
        warned = caution(app.library) if sys.stderr.isatty() else None
    if warned:
        tell(warned)
    return DONE


def _nothing(app: Sightline, query: Query) -> str:
    """Return why nothing was found; a verdict needs something that it has turned down."""
    if query.min_match is not None or query.min_lift is not None:
        first = replace(query, k=1, rerank=None, min_match=None, min_lift=None, describe=False)
        if app.search(first):
            return "nothing here matches"
    return f"nothing found: {why_nothing(app.library, query.filters, query.kind)}"


def _write(hits: list[Hit], as_json: bool, as_paths: bool) -> None:
    if as_json:
        for hit in hits:
            write_json(hit_row(hit))
    elif as_paths:
        for hit in hits:
            write_path(first_path(hit.item) or "")
    else:
        write_hits(hits)
