"""Ratings, keywords and descriptions of images and sidecars: shown, filtered by, searched for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import sightline
from tests.search.dedup.xmp_samples import described, packet, photo

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
TITLE = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Ferry</rdf:li></rdf:Alt></dc:title>'


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """A folder of three images, of which two are told of, and the library of it."""
    folder = tmp_path / "album"
    photo(folder / "a.jpg", packet(described("On the Tagus"), 'xmp:Rating="4"', ("sea",)), seed=1)
    photo(folder / "b.png", seed=2)
    (folder / "b.png.xmp").write_bytes(packet(TITLE, 'xmp:Rating="-1"', ("Sea", "red kite")))
    photo(folder / "c.png", seed=3)
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(tmp_path / "told"))
    assert run("index", folder, "--model", "stand-in").exit_code == 0
    return folder


def found(run_json: RunJson, *words: object) -> list[str]:
    return sorted(Path(hit["path"]).name for hit in run_json("search", *words))


def test_the_filters_let_through_what_people_said(run_json: RunJson, album: Path) -> None:
    assert found(run_json, "x", "--rating", "4") == ["a.jpg"]
    assert found(run_json, "x", "--rating", "rejected") == ["b.png"]
    assert found(run_json, "x", "--rating", "=0") == ["c.png"]
    assert found(run_json, "x", "--keyword", "SEA") == ["a.jpg", "b.png"]
    assert found(run_json, "x", "--keyword", "sea", "--keyword", "red kite") == ["b.png"]


def test_a_rating_that_is_none_is_a_usage_error(run: Run, album: Path) -> None:
    done = run("search", "x", "--rating", "best")
    assert done.exit_code == 2
    assert "stars from 0 to 5" in done.stderr


@pytest.mark.parametrize(
    ("words", "image"),
    [("red kite", "b.png"), ("ferry", "b.png"), ("tagus", "a.jpg")],
)
def test_words_of_people_find_an_image_and_say_so(
    run_json: RunJson, album: Path, words: str, image: str
) -> None:
    hits = run_json("search", words)
    [hit] = [hit for hit in hits if "words" in hit["why"]]
    assert hit["path"] == str(album / image)
    assert len(hits) == 3


def test_rows_hold_what_people_said(run_json: RunJson, album: Path) -> None:
    [row] = run_json("show", album / "b.png")
    assert (row["rating"], row["keywords"]) == (-1, ["Sea", "red kite"])
    assert row["description"] == "Ferry"
    [hit] = run_json("search", "--like", album / "c.png", "--rating", "4")
    assert (hit["rating"], hit["keywords"], hit["description"]) == (4, ["sea"], "On the Tagus")


def test_an_item_is_shown_with_what_people_said(run: Run, album: Path) -> None:
    shown = run("show", album / "a.jpg").stdout
    assert all(words in shown for words in ("4 stars", "sea", "On the Tagus"))
    shown = run("show", album / "b.png").stdout
    assert all(words in shown for words in ("rejected", "Sea, red kite", "Ferry"))
    assert "rating" not in run("show", album / "c.png").stdout


def test_python_takes_the_same_filters(album: Path, tmp_path: Path) -> None:
    with sightline.open(tmp_path / "told") as library:
        chosen = sightline.Filters(rating=4, keyword=("SEA",))
        [hit] = library.search(sightline.Query((sightline.Term("text", "x"),), filters=chosen))
    assert (hit.item.rating, hit.item.keywords) == (4, ("sea",))


def test_a_sidecar_that_is_edited_counts_from_the_next_run_on(
    run: Run, run_json: RunJson, album: Path
) -> None:
    (album / "b.png.xmp").write_bytes(packet(attributes='xmp:Rating="5"', keywords=("harbour",)))
    assert run("search", "x", "--keyword", "harbour").exit_code == 1
    assert run("index").exit_code == 0
    assert found(run_json, "x", "--keyword", "harbour", "--rating", "5") == ["b.png"]
    assert run("search", "x", "--rating", "rejected").exit_code == 1
