"""Words beyond a model's context are told on stderr, whichever command they were typed for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from indexer.models.networks.fake import FakeEncoder
from tests.cli.colour_reader import ColourReader

Run = Callable[..., Result]
LONG = "one two three four five six"
TOLD = "is too long for the model {}, which reads the first {} of 6 words"


@pytest.fixture(autouse=True)
def short(library: Path, reader: ColourReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the encoder read four words of a text, and the reader three."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))
    monkeypatch.setattr(FakeEncoder, "context", 4)
    reader.context = 3


@pytest.mark.parametrize("words", [[LONG], ["red", "--minus", LONG], [f"2:{LONG}", "red"]])
def test_of_a_search(run: Run, words: list[str]) -> None:
    result = run("search", *words, "--json")
    assert result.exit_code == 0
    assert result.stderr.count(TOLD.format("stand-in", 4)) == 1
    assert "too long" not in result.stdout


def test_of_a_search_that_finds_nothing_once(run: Run) -> None:
    result = run("search", LONG, "--min-match", "0.99")
    assert result.exit_code == 1
    assert result.stderr.count(TOLD.format("stand-in", 4)) == 1
    assert result.stderr.count(TOLD.format("colours", 3)) == 1


def test_of_a_second_reading(run: Run) -> None:
    result = run("search", LONG, "--rerank")
    assert TOLD.format("colours", 3) in result.stderr


def test_of_labels(run: Run, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text(f"red\n{LONG}\n")
    result = run("tag", "--labels", labels, "--template", "{}")
    assert TOLD.format("stand-in", 4) in result.stderr


def test_of_a_question(run: Run, photos: Path, tmp_path: Path) -> None:
    inside, outside = photos / "2020" / "red.jpg", tmp_path / "outside.jpg"
    outside.write_bytes(inside.read_bytes() + b"\0")
    for path in (inside, outside):
        assert TOLD.format("colours", 3) in run("ask", LONG, path).stderr


def test_what_is_read_whole_is_not_told_of(run: Run) -> None:
    assert "too long" not in run("search", "one two three four", "--minus", "red").stderr
