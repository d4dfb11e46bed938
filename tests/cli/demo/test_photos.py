"""`sightline demo`, with fewer photos and the torch-free stand-in."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from click.testing import Result

from cli.demo.photos import PHOTOS, Demo, cast
from cli.demo.talks import PAIR, STARS
from cli.demo.tour import ABSENT
from indexer.models.compiled.loader import ModelLoader
from indexer.models.mini.scenes.phrases import captions
from tests.cli.colour_reader import ColourReader

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw a third of the photos and index them without torch."""
    monkeypatch.setattr("cli.demo.photos.PHOTOS", 90)
    monkeypatch.setattr("cli.commands.demo.MODEL", "stand-in")


def test_the_demo_draws_indexes_moves_and_searches_and_the_second_run_reuses_it(
    run: Run, reader: ColourReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "demo"
    first = run("demo", "--out", out)
    assert first.exit_code == 0, first.stderr
    assert "94 new, 12 copied, 3 failed" in first.stdout
    assert "15 moved" in first.stdout
    page = (out / "index.html").read_text()
    assert page.count("<h2>") == 13
    assert len(list((out / "sheets").glob("*.png"))) == 10  # none where nothing matches
    assert f"searched: {ABSENT} --min-match 0.5: nothing here matches" in first.stdout
    assert "--rerank: the first is a match with probability 0." in first.stdout
    assert " --describe: a " in first.stdout
    assert "asked: how many stars are there? " in first.stdout
    assert "talked: describe the picture 1: " in first.stdout
    assert "sightline chat" in page
    assert {role for _, role in reader.asked} == {
        "pair-scorer",
        "captioner",
        "answerer",
        "dialogue",
    }
    assert f"--library {out / 'library'}" in first.stdout
    assert "sightline index ~/Pictures" in first.stdout

    monkeypatch.setattr(ModelLoader, "load", None)
    (out / "index.html").write_text("mine")
    second = run("demo", "--out", out)
    assert second.exit_code == 0, second.stderr
    assert "106 unchanged" in second.stdout
    assert (out / "index.html").read_text() == "mine"


def test_what_the_tour_says_of_the_images_is_true() -> None:
    said = [caption for scene in cast(PHOTOS, Random(0)) for caption in captions(scene)]
    assert len(said) > PHOTOS
    assert not any(ABSENT in caption for caption in said)
    assert sum(STARS in caption for caption in said) >= 1
    assert sum(PAIR in caption for caption in said) >= 1


def test_an_interrupted_drawing_is_done_again(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo")
    next(demo.draw())
    assert not Demo(tmp_path / "demo").is_drawn


def test_a_folder_of_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = run("demo", "--out", tmp_path)
    assert result.exit_code == 2
    assert "is not empty and no demo: choose another --out DIR" in result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["thesis.txt"]
