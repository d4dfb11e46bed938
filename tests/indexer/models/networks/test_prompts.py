from pathlib import Path

import pytest

from indexer.models.networks.chat_template import ChatTemplate
from indexer.models.networks.prompts import Prompts
from indexer.models.protocols import Turn
from storage.errors import BrokenModel

USUAL = Prompts("describe the picture")


class Untemplated:
    """A tokenizer without a chat template."""

    chat_template = None


def test_a_folder_says_what_it_says_and_the_rest_is_usual(tmp_path: Path) -> None:
    assert Prompts.read(None, USUAL) == Prompts.read(tmp_path, USUAL) == USUAL
    (tmp_path / "prompt.json").write_text('{"answer": "Question: {question} Answer:"}')
    own = Prompts.read(tmp_path, USUAL)
    assert own.describe == "describe the picture"
    assert own.asking("how {many}?") == "Question: how {many}? Answer:"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must hold a JSON object with keys of answer, describe, reply, turn"),
        ('{"ask": "x"}', "must hold a JSON object with keys of"),
        ('{"describe": 3}', "must give 'describe' a text"),
        ('{"describe": ""}', "must give 'describe' a text"),
        ('{"answer": "why"}', r"has no \{question\} in 'answer'"),
        ('{"turn": "{images}"}', r"has no \{text\} in 'turn'"),
    ],
)
def test_a_file_that_is_no_such_table_is_a_broken_model(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "prompt.json").write_text(text)
    with pytest.raises(BrokenModel, match=message) as caught:
        Prompts.read(tmp_path, USUAL)
    assert "prompt.json" in str(caught.value)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ("ask {text} say", "<i>\n<i>\nask {why} say yes.ask how say"),
        ("ask {images}{text} say", "ask <i>\n<i>\n{why} say yes.ask how say"),
        ("ask {text} {images} say", "ask {why} <i>\n<i>\n say yes.ask how  say"),
    ],
)
def test_a_wording_of_its_own_comes_before_all_others(turn: str, expected: str) -> None:
    prompts = Prompts("", turn=turn, reply=" {text}.")
    turns = [Turn("person", "{why}"), Turn("model", "yes"), Turn("person", "how")]
    assert ChatTemplate(prompts, Untemplated(), None, "<i>").render(2, turns) == expected
