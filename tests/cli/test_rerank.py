"""`sightline search` with a second reading, cut-offs and captions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.cli.colour_reader import ColourReader

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def chosen(library: Path, reader: ColourReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every search go to the library of the photos, and read with the fake."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))


def _colours(hits: list[dict[str, Any]]) -> list[str]:
    return [Path(hit["path"]).stem for hit in hits]


def test_a_second_reading_puts_what_matches_first(
    run: Run, run_json: RunJson, reader: ColourReader
) -> None:
    hits = run_json("search", "a blue thing", "--rerank")
    assert _colours(hits[:2]) == ["blue", "blue"]
    assert [round(hit["match"], 3) for hit in hits] == [0.9, 0.9, 0.1, 0.1, 0.1, 0.1]
    assert {hit["likelihood"] for hit in hits} == {None}
    assert reader.asked == [("blip-itm-base", "pair-scorer")]
    assert run("search", "a blue thing", "--rerank").stdout.split()[0] == "match"


def test_a_depth_and_a_model_can_be_named(run_json: RunJson, reader: ColourReader) -> None:
    words = ["--rerank", "--rerank-depth", 2, "--rerank-model", "blip-itm-large"]
    hits = run_json("search", "a blue thing", *words)
    assert sum(hit["match"] is not None for hit in hits) == 2
    assert reader.asked == [("blip-itm-large", "pair-scorer")]
    named = run_json("search", "a blue thing", "--rerank-model", "mini-caption")
    assert all(hit["match"] is not None for hit in named)


def test_a_cut_off_leaves_what_matches_or_says_that_nothing_does(
    run: Run, run_json: RunJson
) -> None:
    assert _colours(run_json("search", "green", "--min-match", 0.5)) == ["green", "green"]
    nothing = run("search", "yellow", "--min-match", 0.5)
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert nothing.stderr == "sightline: nothing here matches\n"
    filtered = run("search", "green", "--min-match", 0.5, "--after", "2030")
    assert filtered.exit_code == 1
    assert "nothing passes --after 2030" in filtered.stderr


def test_a_score_that_is_no_probability_has_a_key_of_its_own(
    run: Run, run_json: RunJson, reader: ColourReader
) -> None:
    reader.calibrated = False
    hits = run_json("search", "red", "--rerank")
    assert hits[0]["match"] is None
    assert (hits[0]["likelihood"], hits[-1]["likelihood"]) == (-1.0, -5.0)
    refused = run("search", "red", "--min-match", 0.5)
    assert refused.exit_code == 2
    assert "--rerank-model" in refused.stderr


def test_hits_can_be_described(run: Run, run_json: RunJson) -> None:
    hits = run_json("search", "red", "--describe", "-k", 3)
    assert [hit["caption"] for hit in hits] == [f"a {name} wall" for name in _colours(hits)]
    assert hits[0]["caption"] in run("search", "red").stdout


def test_a_sheet_shows_match_and_caption(run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "hits.html"
    run("search", "red", "--rerank", "--describe", "-k", 2, "--sheet", sheet)
    written = sheet.read_text()
    assert written.count("match 0.9") == 2
    assert written.count("a red wall") == 2


def test_a_lift_is_told_and_cuts(run: Run, run_json: RunJson) -> None:
    hits = run_json("search", "red", "--min-lift", -2)
    assert all(isinstance(hit["lift"], float) for hit in hits)
    assert "lift" in run("search", "red", "--min-lift", -2).stdout.splitlines()[0].split()
    assert "lift" not in run("search", "red").stdout.splitlines()[0].split()
    nothing = run("search", "red", "--min-lift", 2)
    assert (nothing.exit_code, nothing.stderr) == (1, "sightline: nothing here matches\n")
