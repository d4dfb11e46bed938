"""`sightline tag`: labels given, listed, filtered by and taken away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def chosen(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command go to the library of the photos."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A file of three labels."""
    path = tmp_path / "labels.txt"
    path.write_text("# colours\nred wall\n\ngreen wall\nblue wall\n")
    return path


def test_a_row_has_every_key(run_json: RunJson, labels: Path) -> None:
    rows = run_json("tag", "--labels", labels)
    assert len(rows) == 6
    assert list(rows[0]) == ["item", "path", "label", "score", "model"]
    assert all(0 < row["score"] <= 1 and row["model"] == "stand-in" for row in rows)


def test_tags_are_listed_found_and_removed(run: Run, run_json: RunJson, labels: Path) -> None:
    rows = run_json("tag", "--labels", labels, "--min-score", 0, "--after", "2021")
    assert len(rows) == 9
    listed = run_json("tag", "--list")
    assert [(row["label"], row["count"]) for row in listed] == [
        ("blue wall", 3),
        ("green wall", 3),
        ("red wall", 3),
    ]
    assert len(run_json("search", "x", "--tag", "red wall", "--tag", "blue wall")) == 3
    assert "images  model" in run("tag", "--list").stdout
    [shown] = run_json("show", rows[0]["path"])
    assert [tag["label"] for tag in shown["tags"]] == [row["label"] for row in rows[:3]]
    assert f"{rows[0]['label']} 0." in run("show", rows[0]["path"]).stdout
    removed = run("tag", "--remove", "red wall", "--yes")
    assert removed.stdout == "removed 3 tags\n"
    nothing = run("search", "x", "--tag", "red wall")
    assert nothing.exit_code == 1
    assert "nothing passes --tag red wall" in nothing.stderr
    assert run("tag", "--remove", "--all", "--yes").stdout == "removed 6 tags\n"
    assert run("tag", "--list").exit_code == 1


def test_a_removal_is_shown_and_asked_for(run: Run, labels: Path) -> None:
    run("tag", "--labels", labels, "--min-score", 0)
    refused = run("tag", "--remove", "--all")
    assert refused.exit_code == 2
    assert "To be removed: red wall, 6 by stand-in" in refused.stderr
    assert "add --yes" in refused.stderr
    assert len(run("tag", "--list").stdout.splitlines()) == 4


def test_a_built_in_set_and_templates_are_taken(run: Run) -> None:
    result = run("tag", "--labels", "scenes", "--template", "a {} here", "--template", "the {}")
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 6
    assert "6 tags stored" in result.stderr
