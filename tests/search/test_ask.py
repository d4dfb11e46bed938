"""One question to several pictures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from indexer import Report
from indexer.models.protocols import Pixels
from search import ask
from storage import Item, Library
from storage.errors import InvalidArgument, ModelError
from tests.search.readers import RuleAnswerer


@pytest.fixture
def items(library: Library, photos: Path, index: Callable[..., Report]) -> list[Item]:
    """Three photos and a document."""
    (photos / "notes.txt").write_text("trains leave at noon")
    index(photos)
    return [library.find(str(photos / name)) for name in ("0.png", "1.png", "2.png", "notes.txt")]


def test_every_picture_answers_in_order(library: Library, items: list[Item]) -> None:
    given = list(ask(library, RuleAnswerer(), " how  bright? ", items))
    assert [item for item, _ in given] == items[:3]
    assert all(answer.startswith("how bright? 0.") for _, answer in given)
    assert library.notices == []


def test_what_cannot_be_read_is_left_out_and_told(library: Library, items: list[Item]) -> None:
    Path(items[0].paths[0]).unlink()
    library.thumbnails.delete([items[0].hash])
    given = list(ask(library, RuleAnswerer(), "how bright?", items))
    assert [item for item, _ in given] == items[1:3]
    assert "they have no answer" in library.notices[0]


@pytest.mark.parametrize("question", ["", " \n"])
def test_an_empty_question_is_refused_before_anything_is_read(
    library: Library, items: list[Item], question: str
) -> None:
    with pytest.raises(InvalidArgument, match="question is empty"):
        ask(library, RuleAnswerer(), question, items)


def test_a_question_about_no_picture_is_refused(library: Library, items: list[Item]) -> None:
    with pytest.raises(InvalidArgument, match="no picture to ask about"):
        ask(library, RuleAnswerer(), "how bright?", items[3:])


def test_a_model_that_answers_too_little_is_at_fault(library: Library, items: list[Item]) -> None:
    class Mute(RuleAnswerer):
        def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
            return []

    with pytest.raises(ModelError, match="0 answers for 3 pictures"):
        list(ask(library, Mute(), "how bright?", items))
