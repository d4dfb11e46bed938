"""The demo's searches and questions: each a command to type, and a sheet to check by eye."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cli.commands.search import command as search_command
from cli.commands.search import query_of
from cli.demo.photos import Demo
from cli.demo.talks import HITS, ask_around, talk
from cli.pages.contact_sheet import write_sheet
from cli.pages.html import Section, render_page
from cli.pages.tile import Tile
from search import Hit
from sightline import Sightline

_LEAD = (
    "Found by meaning among drawn photos: no file name says what is in it. Each row is one "
    "command; the number at the right of a name is the cosine between question and answer."
)
ABSENT = "four brown crosses"  # false of every image of the demo


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
        Stop(("--like", photo), "The first image is the question, the others are like it."),
        Stop(
            ("a red circle", "--after", "2022", "--before", "2023"),
            "All of the year 2022: the cameras wrote the dates into the files.",
        ),
        Stop(
            ("two blue squares", "--near", "64.15,-21.94,50"),
            "All within 50 km of Reykjavik: the cameras wrote the place, too.",
        ),
        Stop(("two purple hearts", "--kind", "text"), "Notes instead of images."),
        Stop(
            ("a blue square left of a red circle", "--rerank"),
            "The best fifty read a second time, each image together with the words. The match "
            "is the probability that the words are true of it.",
        ),
        Stop((ABSENT, "--min-match", "0.5"), "No image shows them, and no match is claimed."),
        Stop(("two purple hearts", "--describe"), "Each with what a captioner says is in it."),
    )


def take_tour(demo: Demo, app: Sightline) -> Iterator[str]:
    """Search, ask and talk, one section of a page each; yields a line to say of each."""
    sections = []
    demo.sheets.mkdir(exist_ok=True)
    for number, stop in enumerate(stops(demo), 1):
        section = _visit(stop, demo, app)
        if section.tiles:
            write_sheet(demo.sheets / f"{number:02}.png", section.title, section.tiles)
        sections.append(section)
        yield f"searched: {_outcome(section)}"
    sections.append(ask_around(demo, app))
    yield f"asked: {sections[-1].title} {', '.join(sections[-1].captions)}"
    sections.append(talk(demo, app))
    yield f"talked: {' '.join(sections[-1].said)}"
    demo.page.write_text(render_page("sightline demo", sections, _LEAD), encoding="utf-8")


def _visit(stop: Stop, demo: Demo, app: Sightline) -> Section:
    arguments = [*stop.arguments, "-k", str(HITS)]
    query = query_of(search_command.make_context("search", [*arguments]).params)
    hits = app.search(query)
    if query.terms[0].kind == "item":
        asked = Hit(0, app.library.find(query.terms[0].value), 1.0)
        hits.insert(0, asked)
    tiles = [Tile.of(hit, app) for hit in hits[:HITS]]
    if not query.describe:  # else what one stop stores would show in the next run's others
        tiles = [replace(tile, caption=None) for tile in tiles]
    title = " ".join(stop.arguments).replace(f"{demo.photos}/", "")
    said = () if hits else ("nothing here matches",)
    return Section(title, tiles, stop.remark, demo.typed("search", *arguments), said)


def _outcome(section: Section) -> str:
    """Return what was looked for and, where a second look had a result, that."""
    first = section.tiles[0] if section.tiles else None
    if first is None:
        return f"{section.title}: {' '.join(section.said)}"
    if first.match is not None:
        return f"{section.title}: the first is a match with probability {first.match:.3f}"
    return f"{section.title}: {first.caption}" if first.caption else section.title
