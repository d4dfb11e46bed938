"""The demo's searches: each a command a person can type, and a sheet to check by eye."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from cli import wiring
from cli.commands.search import command as search_command
from cli.demo import Demo
from cli.page import Section, render_page
from cli.question import query_of
from cli.settings import Settings
from cli.sheet import write_sheet
from cli.tile import Tile
from search import Engine, Hit
from storage import Library

_LEAD = (
    "Found by meaning among drawn photos: no file name says what is in it. Each row is one "
    "command; the number at the right of a name is the cosine between question and answer."
)
_HITS = 5


@dataclass(frozen=True, slots=True)
class Stop:
    """One search of the tour and what to look for in its hits."""

    arguments: tuple[str, ...]
    remark: str


def stops(demo: Demo) -> tuple[Stop, ...]:
    """List the searches, simplest first."""
    photo = str(min((demo.photos / "2021" / "Kyoto").glob("*.jpg")))
    return (
        Stop(("three yellow stars",), "Count them."),
        Stop(
            ("a red circle left of a blue square",),
            "Both are there; which of them stands on the left is the hard part.",
        ),
        Stop(
            ("a blue square left of a red circle",),
            "The same two things, asked for the other way round.",
        ),
        Stop(("a red circle", "--minus", "a blue square"), "Red circles without blue squares."),
        Stop(("--like", photo), "The first picture is the question, the others are like it."),
        Stop(
            ("a red circle", "--after", "2022", "--before", "2023"),
            "All of the year 2022: the cameras wrote the dates into the files.",
        ),
        Stop(
            ("two blue squares", "--near", "64.15,-21.94,50"),
            "All within 50 km of Reykjavik: the cameras wrote the place, too.",
        ),
        Stop(("two purple hearts", "--kind", "text"), "Notes instead of pictures."),
    )


def take_tour(demo: Demo, library: Library, settings: Settings) -> Iterator[Section]:
    """Search, write one contact sheet per search, and at the end a page of them all."""
    engine = wiring.engine(library, settings)
    sections = []
    demo.sheets.mkdir(exist_ok=True)
    for number, stop in enumerate(stops(demo), 1):
        section = _visit(stop, demo, engine, library)
        write_sheet(demo.sheets / f"{number:02}.png", section.title, section.tiles)
        sections.append(section)
        yield section
    demo.page.write_text(render_page("sightline demo", sections, _LEAD), encoding="utf-8")


def _visit(stop: Stop, demo: Demo, engine: Engine, library: Library) -> Section:
    arguments = [*stop.arguments, "-k", str(_HITS)]
    query = query_of(search_command.make_context("search", [*arguments]).params)
    hits = engine.search(query)
    if query.terms[0].kind == "item":
        hits = [Hit(0, library.find(query.terms[0].value), 1.0), *hits]
    tiles = [Tile.of(hit, library) for hit in hits[:_HITS]]
    title = " ".join(stop.arguments).replace(f"{demo.photos}/", "")
    command = shlex.join(["sightline", "search", *arguments, "--library", str(demo.library)])
    return Section(title, tiles, stop.remark, command)
