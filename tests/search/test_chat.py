"""A dialogue remembers what was said, and only that."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer import Report
from indexer.models.protocols import Pixels, Turn
from search import Chat
from search.chat import require_readable
from storage import Item, Library
from storage.errors import DecodeFailure, InvalidArgument, ModelError
from tests.search.readers import EchoChatModel

PIXELS: Pixels = np.zeros((2, 16, 16, 3), np.uint8)


@pytest.fixture
def items(library: Library, photos: Path, index: Callable[..., Report]) -> list[Item]:
    """Two photos and a document."""
    (photos / "notes.txt").write_text("trains leave at noon")
    index(photos)
    return [library.find(str(photos / name)) for name in ("0.png", "1.png", "notes.txt")]


def test_each_turn_knows_those_before_it() -> None:
    chat = Chat(EchoChatModel(), PIXELS)
    assert chat.say(" what is it? ") == "2 | what is it?"
    assert chat.say("why?") == "2 | what is it? / 2 | what is it? / why?"
    assert [turn.speaker for turn in chat.turns] == ["person", "model", "person", "model"]


def test_bytes_that_are_no_text_become_question_marks() -> None:
    assert Chat(EchoChatModel(), PIXELS).say("caf\udce9") == "2 | caf?"


def test_a_turn_that_gets_no_reply_was_not_said() -> None:
    class Shy(EchoChatModel):
        def chat(self, pixels: Pixels, turns: Sequence[Turn]) -> str:
            return " "

    chat = Chat(Shy(), PIXELS)
    with pytest.raises(ModelError, match="echo said nothing"):
        chat.say("hello?")
    assert chat.turns == ()


def test_saying_nothing_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="nothing was said"):
        Chat(EchoChatModel(), PIXELS).say("  ")


def test_a_dialogue_about_no_image_is_refused(library: Library) -> None:
    with pytest.raises(InvalidArgument, match="no image to talk about"):
        Chat(EchoChatModel(), PIXELS[:0])
    with pytest.raises(InvalidArgument, match="no image to talk about"):
        Chat.about(library, EchoChatModel(), [])


def test_a_dialogue_is_about_items_of_the_library(library: Library, items: list[Item]) -> None:
    assert Chat.about(library, EchoChatModel(), items[:2]).say("hello") == "2 | hello"
    with pytest.raises(InvalidArgument, match=r"notes.txt is a text"):
        Chat.about(library, EchoChatModel(), items)


def test_an_image_that_cannot_be_had_is_named(library: Library, items: list[Item]) -> None:
    Path(items[0].paths[0]).unlink()
    library.thumbnails.delete([items[0].hash])
    with pytest.raises(DecodeFailure, match=r"0.png cannot be read"):
        Chat.about(library, EchoChatModel(), items[:2])
    with pytest.raises(DecodeFailure, match=r"0.png cannot be read"):
        require_readable(library, items[:2])  # which needs no model
    require_readable(library, items[1:2])


def test_an_image_whose_file_is_gone_is_talked_about_with_a_notice(
    library: Library, items: list[Item]
) -> None:
    Path(items[0].paths[0]).unlink()
    chat = Chat.about(library, EchoChatModel(), items[:1])
    assert chat.say("hello") == "1 | hello"
    assert chat.notices == (
        "1 image was read from thumbnails: the original files are missing or changed",
    )
