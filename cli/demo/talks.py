"""The demo's question to several pictures, and its dialogue about one."""

from dataclasses import replace

from cli import wiring
from cli.demo.photos import Demo
from cli.pages.html import Section
from cli.pages.tile import Tile
from cli.settings import Settings
from search import Chat, Engine, Hit, Query, Term, ask
from storage import Item, Library

HITS = 5
STARS = "three yellow stars"
QUESTION = "how many stars are there?"
PAIR = "a red circle left of a blue square"
_CHECK = (
    "Each answer knows what was said before. A model this small errs often: hold what it says "
    "against the picture."
)
DIALOGUE = ("describe the picture", "what colour is the square?")


def ask_around(demo: Demo, engine: Engine, library: Library, settings: Settings) -> Section:
    """Ask the hits of a search one question; each answer stands under its picture."""
    hits = _found(engine, STARS, HITS)
    answerer = wiring.answerer(wiring.reader_name(library, "answerer"), settings)
    answers = {item.id: said for item, said in ask(library, answerer, QUESTION, _items(hits))}
    tiles = [
        replace(Tile.of(hit, library), caption=answers.get(hit.item.id, "not read")) for hit in hits
    ]
    command = demo.typed("ask", QUESTION, "--query", STARS, "-k", str(HITS))
    return Section(QUESTION, tiles, "The answer stands under each picture.", command)


def talk(demo: Demo, engine: Engine, library: Library, settings: Settings) -> Section:
    """Talk about one picture; each answer knows what was said before."""
    hits = _found(engine, PAIR, 1)
    conversant = wiring.conversant(wiring.reader_name(library, "dialogue"), settings)
    chat = Chat.about(library, conversant, _items(hits))
    said = [line for question in DIALOGUE for line in (question, chat.say(question))]
    tiles = [replace(Tile.of(hit, library), caption=None) for hit in hits]
    command = demo.typed("chat", tiles[0].path or hits[0].item.hash)
    return Section("A dialogue", tiles, _CHECK, command, said)


def _found(engine: Engine, words: str, k: int) -> list[Hit]:
    return engine.search(Query((Term("text", words),), k=k, kind="image"))


def _items(hits: list[Hit]) -> list[Item]:
    return [hit.item for hit in hits]
