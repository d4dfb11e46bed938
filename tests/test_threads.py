"""One `Sightline` answers many threads at once, while others index and tag."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

import sightline
from indexer.models.compiled.loader import ModelLoader
from indexer.models.networks.fake import FakeEncoder
from search.tag import LabelSet
from sightline import DedupRequest, Query, Rerank, Sightline, Term
from storage import schema
from storage.records import Answer
from tests.conftest import Draw
from tests.search.readers import RuleAnswerer, RuleCaptioner, RuleScorer

ROUNDS = 4  # of every question in every thread
Record = TypeVar("Record")
Outcome = tuple[object, tuple[str, ...]]  # what came back, and its notices
LONG = "red kite over a lake"


class ShortAnswerer(RuleAnswerer):
    context = 3


@pytest.fixture
def album(tmp_path: Path, draw: Draw) -> Path:
    """Photos with copies, and one that is gone from the disk once it was indexed."""
    folder = tmp_path / "album"
    for number in range(6):
        draw(folder / f"{number}.png", number)
        draw(folder / "copies" / f"{number}.jpg", number, quality=90)
    return folder


@pytest.fixture
def app(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sightline]:
    monkeypatch.setattr(FakeEncoder, "context", 4)
    readers = {"answerer": ShortAnswerer, "pair-scorer": RuleScorer, "captioner": RuleCaptioner}
    monkeypatch.setattr(ModelLoader, "load_reader", lambda _, name, role: readers[role]())
    with sightline.open(tmp_path / "library", workers=1) as opened:
        opened.index(album, model="stand-in")
        (album / "5.png").unlink()
        yield opened


def noted(answer: Answer[Record]) -> Outcome:
    return [repr(record) for record in answer], answer.notices


def questions(app: Sightline, album: Path) -> list[Callable[[], Outcome]]:
    """Each is asked by a thread of its own; some have notices and some have none."""
    image, gone = album / "0.png", album / "5.png"

    def duplicates() -> Outcome:
        plan = app.duplicates.find(DedupRequest(kinds=("identical", "same-picture")))
        return [(entry.path, entry.action) for entry in plan.entries], plan.notices

    return [
        lambda: noted(app.search("red kite")),
        lambda: noted(app.search(LONG)),
        lambda: noted(app.search(Query((Term("image", str(image)),), k=5))),
        lambda: noted(app.ask("how bright?", image)),
        lambda: noted(app.ask("how bright is it?", image, gone)),
        duplicates,
        lambda: noted(app.search(Query((Term("item", str(album / "1.png")),), k=4))),
        lambda: (len(app.select().items), ()),
    ]


def test_eight_threads_get_the_answers_that_each_gets_alone(
    app: Sightline, album: Path, tmp_path: Path
) -> None:
    asked = questions(app, album)
    alone = [ask() for ask in asked]
    assert [bool(notices) for _, notices in alone] == [0, 1, 0, 0, 1, 0, 0, 0]
    start = Barrier(len(asked) + 1)

    def repeat(ask: Callable[[], Outcome]) -> list[Outcome]:
        start.wait(30)
        return [ask() for _ in range(ROUNDS)]

    def index() -> int:
        start.wait(30)
        return sum(app.index(texts(tmp_path / "texts", each)).new for each in range(ROUNDS))

    with ThreadPoolExecutor(len(asked) + 1) as threads:
        indexed = threads.submit(index)
        answers = [threads.submit(repeat, ask) for ask in asked]
        assert [answer.result(120) for answer in answers] == [[one] * ROUNDS for one in alone]
        assert indexed.result(120) == ROUNDS
    assert app.notices == []


def searches(app: Sightline) -> list[Callable[[], Outcome]]:
    """Each has a part of its own that reads images or writes; what is written need not be."""
    kite, long = Term("text", "red kite"), Term("text", LONG)
    unstored = "the captions of these hits were not stored"

    def described() -> Outcome:
        answer = app.search(Query((kite,), k=20, describe=True))
        captions = [(hit.item.id, hit.caption) for hit in answer]
        return captions, tuple(said for said in answer.notices if not said.startswith(unstored))

    def scored(query: Query) -> Outcome:
        answer = app.search(query)
        # Neutral texts are rounded where they are stored.
        lifts = [None if hit.lift is None else round(hit.lift, 2) for hit in answer]
        scores = [(hit.item.id, hit.score, hit.match) for hit in answer]
        return (scores, lifts), answer.notices

    return [
        lambda: scored(Query((long,), min_lift=-2.0)),
        lambda: scored(Query((kite,), k=20, min_lift=0.0)),
        lambda: scored(Query((kite,), k=20, rerank=Rerank())),
        lambda: scored(Query((kite,), k=20, rerank=Rerank(2), min_match=0.1, min_lift=-2.0)),
        described,
    ]


def forget_what_searches_stored(app: Sightline) -> None:
    with app.library.catalogue.writing() as connection:
        for table in (schema.captions, schema.neutral):
            connection.execute(table.delete())


def test_searches_that_read_images_and_store_answer_as_alone_beside_tag_and_index(
    app: Sightline, tmp_path: Path
) -> None:
    alone = [ask() for ask in searches(app)]
    assert [bool(notices) for _, notices in alone] == [1, 0, 1, 1, 1]
    forget_what_searches_stored(app)
    with sightline.open(app.library.path, workers=1) as fresh:
        answer_as_alone(fresh, alone, tmp_path)


def answer_as_alone(app: Sightline, alone: list[Outcome], tmp_path: Path) -> None:
    asked = searches(app)
    labels = LabelSet("pair", ("red kite", "dog"))
    start = Barrier(len(asked) + 2)

    def repeat(ask: Callable[[], Record]) -> list[Record]:
        start.wait(30)
        return [ask() for _ in range(ROUNDS)]

    with ThreadPoolExecutor(len(asked) + 2) as threads:
        tagged = threads.submit(repeat, lambda: len(app.tag(labels)))
        numbers = iter(range(ROUNDS))
        indexed = threads.submit(
            repeat, lambda: app.index(texts(tmp_path / "texts", next(numbers))).new
        )
        answers = [threads.submit(repeat, ask) for ask in asked]
        assert [answer.result(120) for answer in answers] == [[one] * ROUNDS for one in alone]
        assert tagged.result(120) == [12] * ROUNDS
        assert indexed.result(120) == [1] * ROUNDS
    assert [ask() for ask in asked] == alone


def texts(folder: Path, number: int) -> Path:
    """Write one more text into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"{number}.txt").write_text(f"a note of the day number {number}")
    return folder
