"""`sightline demo`, with fewer photos and the torch-free stand-in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from cli import wiring
from cli.demo import Demo

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw a third of the photos and index them without torch."""
    monkeypatch.setattr("cli.demo.PHOTOS", 90)
    monkeypatch.setattr("cli.commands.demo.MODEL", "stand-in")


def test_the_demo_draws_indexes_moves_and_searches_and_the_second_run_reuses_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "demo"
    first = run("demo", "--out", out)
    assert first.exit_code == 0, first.stderr
    assert "94 new, 12 copied, 3 failed" in first.stdout
    assert "15 moved" in first.stdout
    assert (out / "index.html").read_text().count("<h2>") == 8
    assert len(list((out / "sheets").glob("*.png"))) == 8
    assert f"--library {out / 'library'}" in first.stdout
    assert "sightline index ~/Pictures" in first.stdout

    monkeypatch.setattr(wiring, "load", None)
    (out / "index.html").write_text("mine")
    second = run("demo", "--out", out)
    assert second.exit_code == 0, second.stderr
    assert "106 unchanged" in second.stdout
    assert (out / "index.html").read_text() == "mine"


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
