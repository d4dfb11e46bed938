"""`sightline search`: words, pictures and items in; hits out."""

from pathlib import Path
from typing import Any

import click

from cli import wiring
from cli.boundary import DONE, NOTHING_FOUND
from cli.options import json_option, library_option
from cli.question import check_folder, query_of, title, why_nothing
from cli.render import tell, write_json, write_path
from cli.rows import first_path, hit_row
from cli.session import session
from cli.settings import Settings
from cli.sheet import check_suffix, write_sheet
from cli.tables import write_hits
from cli.tile import Tile
from search import Hit
from search.query import DEFAULT_K


@click.command("search")
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
@click.option(
    "--after", metavar="DATE", help="Taken from the beginning of 2020, 2020-06 or 2020-06-30 on."
)
@click.option("--before", metavar="DATE", help="Taken before the beginning of that period.")
@click.option("--in", "folder", metavar="FOLDER", help="Under this folder.")
@click.option("--camera", metavar="TEXT", help="Maker or model holds this text.")
@click.option("--near", metavar="LAT,LON,KM", help="Taken within so many kilometres of a place.")
@click.option("--kind", type=click.Choice(["image", "text", "all"]), help="[default: image]")
@click.option("--missing", is_flag=True, help="Let in items whose files are gone.")
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
    query = query_of(given)
    settings = Settings.read(library=given["library"])
    with session(settings) as library:
        check_folder(library, query.filters)
        hits = wiring.engine(library, settings).search(query)
        if not hits:
            tell(f"nothing found: {why_nothing(library, query)}")
            return NOTHING_FOUND
        caution = wiring.caution(library)
        if given["sheet"]:
            tiles = [Tile.of(hit, library) for hit in hits]
            write_sheet(Path(given["sheet"]), title(query), tiles)
            tell(f"wrote {given['sheet']}")
        else:
            _write(hits, given["as_json"], given["as_paths"])
    if caution:
        tell(caution)
    return DONE


def _write(hits: list[Hit], as_json: bool, as_paths: bool) -> None:
    if as_json:
        for hit in hits:
            write_json(hit_row(hit))
    elif as_paths:
        for hit in hits:
            write_path(first_path(hit.item) or "")
    else:
        write_hits(hits)
