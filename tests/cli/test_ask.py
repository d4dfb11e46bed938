"""`sightline ask` and `sightline chat`: answers, one a line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from search.images import PreparedImage
from storage import Item
from tests.cli.colour_reader import ColourReader

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
QUESTION = "what colour is the wall?"


@pytest.fixture(autouse=True)
def chosen(library: Path, reader: ColourReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command go to the library of the photos, and read with the fake."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))


def test_a_row_has_every_key(run_json: RunJson, photos: Path) -> None:
    [row] = run_json("ask", QUESTION, photos / "2020" / "red.jpg")
    assert list(row) == ["item", "path", "question", "answer", "model"]
    assert (row["question"], row["answer"], row["model"]) == (QUESTION, "red", "colours")


def test_one_image_gets_the_answer_alone_and_several_get_their_paths(
    run: Run, photos: Path
) -> None:
    assert run("ask", QUESTION, photos / "2021" / "blue.png").stdout == "blue\n"
    assert sorted(run("ask", QUESTION, photos / "2020").stdout.splitlines()) == [
        f"{photos / '2020' / name}.jpg: {name}" for name in ("blue", "green", "red")
    ]


def test_what_a_search_finds_can_be_asked(run_json: RunJson, photos: Path) -> None:
    rows = run_json("ask", QUESTION, "--query", "red", "-k", 2, "--after", "2021")
    assert len(rows) == 2
    assert all(row["path"].startswith(str(photos / "2021")) for row in rows)


def test_an_image_outside_the_library_can_be_asked(run: Run, photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes((photos / "2021" / "green.png").read_bytes() + b"\0")
    assert run("ask", QUESTION, other).stdout == "green\n"


def test_no_image_that_passes_is_nothing_found(run: Run) -> None:
    result = run("ask", QUESTION, "--query", "red", "--after", "2030")
    assert result.exit_code == 1
    assert "nothing passes --after 2030" in result.stderr


def test_a_dialogue_is_read_from_a_pipe_until_an_empty_line(run: Run, photos: Path) -> None:
    images = [photos / "2020" / "red.jpg", photos / "2020" / "blue.jpg"]
    result = run("chat", *images, input="what is there?\nand now?\n\nnever said\n")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "1: red, blue\n3: red, blue\n"
    assert result.stderr == ""


def test_a_dialogue_without_a_word_is_none(run: Run, photos: Path, reader: ColourReader) -> None:
    result = run("chat", photos / "2020" / "red.jpg", "--model", "llava-7b", input="")
    assert (result.exit_code, result.stdout) == (0, "")
    assert reader.asked == [("llava-7b", "dialogue")]


def test_a_model_that_does_not_reply_ends_a_piped_dialogue(
    run: Run, photos: Path, reader: ColourReader
) -> None:
    reader.silent = True
    result = run("chat", photos / "2020" / "red.jpg", input="hello\n")
    assert result.exit_code == 3
    assert "said nothing" in result.stderr


def test_a_person_is_asked_for_words_and_may_try_again(
    run: Run, photos: Path, reader: ColourReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.commands.chat.is_interactive", lambda: True)
    reader.silent = True
    result = run("chat", photos / "2020" / "red.jpg", input="hello\n\n")
    assert result.exit_code == 0
    assert result.stderr.count("> ") == 2
    assert "said nothing" in result.stderr


def test_a_turn_has_every_key(run_json: RunJson, run: Run, photos: Path) -> None:
    images = [photos / "2020" / "red.jpg", photos / "2020" / "blue.jpg"]
    result = run("chat", *images, "--json", input="what is there?\nand now?\n")
    [_, second] = [json.loads(line) for line in result.stdout.splitlines()]
    assert list(second) == ["items", "paths", "question", "answer", "model"]
    assert second["paths"] == [str(path) for path in images] and len(second["items"]) == 2
    assert (second["question"], second["answer"]) == ("and now?", "3: red, blue")
    assert second["model"] == "colours"


def test_a_text_is_refused_before_a_model_is_loaded(
    run: Run, photos: Path, reader: ColourReader
) -> None:
    result = run("chat", photos / "2020" / "red.jpg", photos / "note.txt", input="hello\n")
    assert result.exit_code == 2
    assert "only images can be talked about" in result.stderr
    assert reader.asked == []


def test_images_of_which_none_can_be_read_are_nothing_found(
    run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.images.ImageReader._prepare", lambda _, item, __: nothing(item))
    result = run("ask", QUESTION, photos / "2020")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "3 images were not read" in result.stderr


def nothing(item: Item) -> PreparedImage:
    return PreparedImage(item, None, "nothing")


@pytest.mark.parametrize("words", [("describe", "--all"), ("ask", QUESTION, "--after", "2020")])
def test_a_library_of_texts_is_said_to_hold_no_images(
    words: tuple[str, ...], run: Run, photos: Path, reader: ColourReader
) -> None:
    run("remove", photos, "--yes")
    run("index", photos / "note.txt")
    result = run(*words)
    assert (result.exit_code, reader.asked) == (1, [])
    assert result.stderr == "sightline: nothing found: the library holds no images\n"
