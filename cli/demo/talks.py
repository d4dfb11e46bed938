"""The demo's question to several images, and its dialogue about one."""

from dataclasses import replace

from cli.demo.photos import Demo
from cli.pages.html import Section
from cli.pages.tile import Tile
from search import Hit, Query, Term
from sightline import Sightline

HITS = 5
STARS = "three yellow stars"
QUESTION = "how many stars are there?"
PAIR = "a red circle left of a blue square"
_CHECK = (
    "Each answer knows what was said before. A model this small errs often: hold what it says "
    "against the image."
)
DIALOGUE = ("describe the picture", "what colour is the square?")


def ask_around(demo: Demo, app: Sightline) -> Section:
    """Ask the hits of a search one question; each answer stands under its image."""
    hits = _found(app, STARS, HITS)
    answers = {item.id: said for item, said in app.ask(QUESTION, *hits)}
    tiles = [
        replace(Tile.of(hit, app), caption=answers.get(hit.item.id, "not read")) for hit in hits
    ]
    command = demo.typed("ask", QUESTION, "--query", STARS, "-k", str(HITS))
    return Section(QUESTION, tiles, "The answer stands under each image.", command)


def talk(demo: Demo, app: Sightline) -> Section:
    """Talk about one image; each answer knows what was said before."""
    hits = _found(app, PAIR, 1)
    chat = app.chat(*hits)
    said = [line for question in DIALOGUE for line in (question, chat.say(question))]
    tiles = [replace(Tile.of(hit, app), caption=None) for hit in hits]
    command = demo.typed("chat", tiles[0].path or hits[0].item.hash)
    return Section("A dialogue", tiles, _CHECK, command, said)


def _found(app: Sightline, words: str, k: int) -> list[Hit]:
    return app.search(Query((Term("text", words),), k=k, kind="image"))
