"""`sightline search`: the questions it takes and the three forms of its answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
KEYS = (
    "rank item kind path paths score taken_at width height text start end "
    "match likelihood lift caption why rating keywords description"
).split()


@pytest.fixture(autouse=True)
def chosen(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every search go to the library of the photos."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))


def test_a_hit_has_every_key(run_json: RunJson, photos: Path) -> None:
    red = str(photos / "2020" / "red.jpg")
    hits = run_json("search", "--like", str(photos / "2021" / "red.png"), "-k", 1)
    assert list(hits[0]) == KEYS
    assert hits[0]["rank"] == 1
    assert hits[0]["path"] == red
    assert hits[0]["paths"] == [red, str(photos / "2021" / "red again.jpg")]
    assert hits[0]["taken_at"] == "2020-06-01T12:00:00"
    assert (hits[0]["width"], hits[0]["height"], hits[0]["text"]) == (96, 64, None)
    assert hits[0]["score"] > 0.99
    assert [hits[0][key] for key in KEYS[-8:-3]] == [None, None, None, None, ["meaning"]]
    assert [hits[0][key] for key in KEYS[-3:]] == [None, [], None]


def test_a_passage_has_its_place_in_the_text(run_json: RunJson) -> None:
    [hit] = run_json("search", "kite", "--kind", "text")
    assert (hit["text"], hit["start"], hit["end"]) == ("a red kite above the hills", 0, 26)


def test_a_k_above_the_number_of_items_gives_them_all(run_json: RunJson) -> None:
    assert len(run_json("search", "red", "-k", 1000)) == 6


def test_the_image_asked_with_is_no_hit(run_json: RunJson, photos: Path) -> None:
    image = photos / "2020" / "blue.jpg"
    hits = run_json("search", "--image", image)
    assert len(hits) == 5
    assert hits[0]["path"] == str(photos / "2021" / "blue.png")


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--after", "2021"], 3),
        (["--before", "2021-06-01"], 3),
        (["--camera", "canon"], 3),
        (["--near", "46.9,7.4,10"], 3),
        (["--near", "46.9,7.4,10", "--after", "2021"], 0),
    ],
)
def test_filters_are_exact(words: list[str], count: int, run: Run) -> None:
    result = run("search", "red", "--paths", *words)
    assert len(result.stdout.splitlines()) == count
    assert result.exit_code == (0 if count else 1)


def test_a_folder_is_a_filter(run: Run, photos: Path) -> None:
    lines = run("search", "red", "--in", photos / "2020", "--paths").stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(str(photos / "2020")) for line in lines)


def test_weights_and_minus_terms_change_the_order(run_json: RunJson) -> None:
    plain = [hit["score"] for hit in run_json("search", "red", "kite")]
    weighted = [hit["score"] for hit in run_json("search", "3:red", "kite", "--minus", "hill")]
    assert plain != weighted


def test_the_table_shows_whole_paths_last(run: Run, photos: Path) -> None:
    result = run("search", "--like", photos / "2020" / "red.jpg", "-k", 2)
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith(str(photos / "2021" / "red.png"))
    assert "2021-06-01  96×64" in lines[1]
    assert lines[0].split() == ["score", "taken", "what", "item", "path"]
    copied = run("search", "--like", photos / "2021" / "red.png", "-k", 1).stdout
    assert f"{photos / '2020' / 'red.jpg'} (+1 copy)" in copied


@pytest.mark.parametrize("name", ["hits.png", "hits.HTML"])
def test_a_sheet_is_an_image_or_a_page(name: str, run: Run, tmp_path: Path) -> None:
    result = run("search", "red", "--kind", "all", "--sheet", tmp_path / name)
    assert (result.exit_code, result.stdout) == (0, "")
    assert str(tmp_path / name) in result.stderr
    if name.endswith("png"):
        with Image.open(tmp_path / name) as sheet:
            assert sheet.size == (1280, 660)
    else:
        assert (tmp_path / name).read_text().count("data:image/webp") == 6


@pytest.mark.parametrize("kind", [(), ("--kind", "image"), ("--kind", "all")])
def test_the_only_image_has_none_beside_it(
    run: Run, photos: Path, tmp_path: Path, kind: tuple[str, ...]
) -> None:
    only = photos / "2020" / "red.jpg"
    run("index", only, "--library", tmp_path / "l", "--model", "stand-in")
    result = run("search", "--like", only, *kind, "--library", tmp_path / "l")
    assert result.exit_code == 1
    assert "beside what was asked with" in result.stderr
    assert "gone" not in result.stderr


def test_nothing_found_says_why(run: Run, photos: Path, tmp_path: Path) -> None:
    filtered = run("search", "red", "--after", "2030")
    assert (filtered.exit_code, filtered.stdout) == (1, "")
    assert "nothing passes --after 2030: try a wider filter" in filtered.stderr
    run("index", tmp_path, "--exclude", "*", "--library", tmp_path / "l", "--model", "stand-in")
    empty = run("search", "red", "--library", tmp_path / "l")
    assert empty.exit_code == 1
    assert "the library is empty: sightline index FOLDER" in empty.stderr
