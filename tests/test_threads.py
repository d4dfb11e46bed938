"""One `Sightline` answers eight threads at once, while one of them indexes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

import sightline
from indexer.models.networks.fake import FakeEncoder
from sightline import DedupRequest, Query, Sightline, Term
from storage.records import Answer
from tests.conftest import Draw
from tests.search.readers import RuleAnswerer

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
    monkeypatch.setattr("search.models.load_reader", lambda *_, **__: ShortAnswerer())
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


def texts(folder: Path, number: int) -> Path:
    """Write one more text into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"{number}.txt").write_text(f"a note of the day number {number}")
    return folder
