"""`sightline models` and `sightline use`: what there is, and which one the library goes by."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from indexer.models import Checkpoint, DownloadProgress, FakeEncoder
from indexer.models.compiled.loader import ModelLoader
from storage.errors import ModelUnavailable

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
ROW = "name role roles source revision repository licence note cached bytes memory".split()


@pytest.fixture(autouse=True)
def chosen(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command go to the library of the photos."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch, run: Run) -> Callable[..., Result]:
    """Makes the vectors of another model beside those of the stand-in."""

    def load(name: str, *_: object) -> FakeEncoder:
        encoder = FakeEncoder(dim=48)
        encoder.space = replace(encoder.space, name=name, revision="2")
        return encoder

    def fill(*words: object) -> Result:
        with monkeypatch.context() as patch:
            patch.setattr(ModelLoader, "load", staticmethod(load))
            return run("index", "--model", "clip-b32", *words)

    return fill


def test_models_are_listed_by_pattern_and_role(run: Run, run_json: RunJson) -> None:
    told = run("models").stdout
    assert told.splitlines()[0].split() == ["name", "roles", "here", "memory", "what", "it", "is"]
    assert "mini" in told
    assert [row["name"] for row in run_json("models", "mini")] == ["mini"]
    assert [row["name"] for row in run_json("models", "list", "mini")] == ["mini"]
    scorers = run_json("models", "--role", "pair-scorer", "mini*")
    assert [row["name"] for row in scorers] == ["mini-blip", "mini-caption"]
    assert run("models", "nothing*").exit_code == 1


def test_a_row_has_every_key_and_says_what_is_here(run_json: RunJson) -> None:
    [mini] = run_json("models", "mini")
    assert list(mini) == ROW
    assert (mini["role"], mini["roles"]) == ("dual-encoder", ["dual-encoder"])
    assert mini["cached"] and 1e6 < mini["bytes"] < 1e7 < mini["memory"]
    [llava] = run_json("models", "llava-7b")
    assert llava["roles"] and llava["memory"] > 10e9


def test_a_model_is_shown_part_by_part(run: Run, run_json: RunJson) -> None:
    [shown] = run_json("models", "show", "mini")
    assert list(shown) == "name family roles licence bytes memory sections".split()
    assert {"vision", "text"} <= set(shown["sections"])
    told = run("models", "show", "mini").stdout
    assert "layers" in told and "parameters" in told


def test_a_recommendation_has_a_reason_and_a_source(run: Run, run_json: RunJson) -> None:
    rows = run_json("models", "recommend", "--task", "caption", "--device", "cpu")
    assert list(rows[0]) == "name role why memory parameters figures source".split()
    assert all(row["source"] and row["figures"] for row in rows)
    told = run("models", "recommend", "--task", "search", "--memory", 2)
    assert "clip-b32" in told.stdout
    assert "source: open_clip" in told.stderr
    assert run("models", "recommend", "--task", "vqa", "--memory", 0.001).exit_code == 1


def test_a_model_can_be_fetched_ahead(
    run: Run, run_json: RunJson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(name: str, watch: Callable[[DownloadProgress], None]) -> Checkpoint:
        watch(DownloadProgress("model.safetensors", 1, 2))
        return Checkpoint(name, "abc", folder=tmp_path)

    monkeypatch.setattr("cli.commands.models.pull.pull", pull)
    [row] = run_json("models", "pull", "mini")
    assert list(row) == "name revision path bytes".split()
    assert (row["name"], row["path"]) == ("mini", str(tmp_path))
    assert f"in {tmp_path}" in run("models", "pull", "mini").stdout


def test_a_model_without_files_is_not_said_to_lie_anywhere(run: Run, run_json: RunJson) -> None:
    told = run("models", "pull", "stand-in").stdout
    assert told == "stand-in has no files to fetch: it is part of sightline\n"
    [row] = run_json("models", "pull", "stand-in")
    assert row["path"] is None


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted; what has arrived is kept"),
        (ModelUnavailable("the hub broke off"), 3, "the hub broke off"),
    ],
)
def test_a_fetch_that_ends_early_says_what_is_kept(
    error: BaseException, code: int, said: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(*_: object) -> None:
        raise error

    monkeypatch.setattr("cli.commands.models.pull.pull", pull)
    result = run("models", "pull", "clip-b32")
    assert result.exit_code == code
    assert said in result.stderr


def test_a_library_changes_over_when_all_is_there_and_drops_the_rest_on_request(
    run: Run, run_json: RunJson, second: Callable[..., Result], photos: Path
) -> None:
    early = run("use", "clip-b32")
    assert early.exit_code == 3
    assert "sightline index --model" in early.stderr
    second()
    assert [space["current"] for space in run_json("status")[0]["spaces"]] == [True, False]
    assert "in use" in run("status").stdout
    used = run("use", "clip-b32")
    assert used.exit_code == 0, used.stderr
    assert "searches now go by" in used.stdout
    [current, other] = run_json("status")[0]["spaces"]
    assert (current["dimension"], other["name"]) == (48, "stand-in")

    asked = run("models", "prune")
    assert asked.exit_code == 2
    assert "To be dropped: 7 vectors of stand-in" in asked.stderr
    assert run("models", "prune", "--yes").stdout == "dropped 7 vectors of 1 model\n"
    assert [space["dimension"] for space in run_json("status")[0]["spaces"]] == [48]
    assert "nothing to drop" in run("models", "prune").stderr


def test_a_model_that_makes_no_vectors_cannot_be_used(run: Run, library: Path) -> None:
    result = run("use", "mini-vqa", "--library", library)
    assert result.exit_code == 3
    assert "mini-vqa is no dual-encoder" in result.stderr


def test_a_change_and_what_it_leaves_are_told_in_rows(
    run_json: RunJson, second: Callable[..., Result]
) -> None:
    second()
    [used] = run_json("use", "clip-b32")
    assert list(used) == "name revision dimension vectors".split()
    assert (used["revision"], used["dimension"], used["vectors"]) == ("2", 48, 7)
    [dropped] = run_json("models", "prune", "--yes")
    assert list(dropped) == list(used)
    assert (dropped["name"], dropped["vectors"]) == ("stand-in", 7)
    assert run_json("models", "prune") == []
