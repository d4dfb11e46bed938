"""One question to several images."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import Connection

from indexer import Limits, Report
from indexer.models.protocols import Pixels
from search import ask
from search.ask import ask_file, check_askable
from storage import Item, Library
from storage.errors import InvalidArgument, ModelError, PathNotFound
from storage.tables import items as rows
from tests.search.readers import RuleAnswerer


@pytest.fixture
def items(library: Library, photos: Path, index: Callable[..., Report]) -> list[Item]:
    """Three photos and a document."""
    (photos / "notes.txt").write_text("trains leave at noon")
    index(photos)
    return [library.find(str(photos / name)) for name in ("0.png", "1.png", "2.png", "notes.txt")]


def numbers(items: Sequence[Item]) -> list[int]:
    return [item.id for item in items]


def test_every_image_answers_in_order(library: Library, items: list[Item]) -> None:
    notices: list[str] = []
    given = list(
        ask(library, RuleAnswerer(), " how  bright? ", numbers(items[:3]), notices=notices)
    )
    assert [item for item, _ in given] == items[:3]
    assert all(answer.startswith("how bright? 0.") for _, answer in given)
    assert notices == []


def test_bytes_that_are_no_text_become_question_marks(library: Library, items: list[Item]) -> None:
    [(_, answer)] = ask(library, RuleAnswerer(), "caf\udce9", numbers(items[:1]))
    assert answer.startswith("caf? ")


def test_what_cannot_be_read_is_left_out_and_told(library: Library, items: list[Item]) -> None:
    Path(items[0].paths[0]).unlink()
    library.thumbnails.delete([items[0].hash])
    notices: list[str] = []
    given = list(ask(library, RuleAnswerer(), "how bright?", numbers(items[:3]), notices=notices))
    assert [item for item, _ in given] == items[1:3]
    assert "they have no answer" in notices[0]


@pytest.mark.parametrize("question", ["", " \n"])
def test_an_empty_question_is_refused_before_anything_is_read(
    library: Library, items: list[Item], question: str
) -> None:
    with pytest.raises(InvalidArgument, match="question is empty"):
        ask(library, RuleAnswerer(), question, numbers(items[:3]))


def test_a_question_about_no_image_is_refused(library: Library, items: list[Item]) -> None:
    with pytest.raises(InvalidArgument, match="no image to ask about"):
        check_askable("how bright?", 0)


def test_a_model_that_answers_too_little_is_at_fault(library: Library, items: list[Item]) -> None:
    class Mute(RuleAnswerer):
        def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
            return []

    with pytest.raises(ModelError, match="0 answers for 3 images"):
        list(ask(library, Mute(), "how bright?", numbers(items[:3])))


def test_however_many_are_asked_few_are_in_memory(
    library: Library, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("search.ask")
    monkeypatch.setattr(module, "BATCH", 2)
    read: list[int] = []

    def hydrate(connection: Connection, numbers: Sequence[int]) -> dict[int, Item]:
        read.append(len(numbers))
        return rows.hydrate(connection, numbers)

    monkeypatch.setattr(module, "hydrate", hydrate)
    chosen = [items[2].id, items[0].id, 10**6, items[1].id]
    answers = ask(library, RuleAnswerer(), " how  bright? ", chosen)
    item, answer = next(answers)
    assert (item, read) == (items[2], [2])
    assert answer.startswith("how bright? 0.")
    assert [item for item, _ in answers] == [items[0], items[1]]
    assert read == [2, 2]


def test_an_image_outside_the_library_answers_in_the_same_form(photos: Path) -> None:
    class Wordy(RuleAnswerer):
        def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
            return [f" {question}\n yes " for question in questions]

    said = ask_file(Wordy(), " how  bright? ", str(photos / "0.png"), Limits())
    assert said == ["how bright? yes"]
    with pytest.raises(PathNotFound, match="nowhere.png is not a file"):
        ask_file(Wordy(), "how bright?", str(photos / "nowhere.png"), Limits())
