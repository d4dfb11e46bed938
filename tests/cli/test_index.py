"""`sightline index`: folders, lists of files, and what it says about them."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli import wiring
from indexer.models import StandInEncoder
from storage.errors import ModelUnavailable

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
KEYS = "scanned new copied moved unchanged missing skipped failed seconds partial".split()


def test_the_last_line_counts_every_file_once(
    run_json: RunJson, photos: Path, tmp_path: Path
) -> None:
    [report] = run_json("index", photos, "--library", tmp_path / "new", "--model", "stand-in")
    assert list(report) == KEYS
    assert (report["new"], report["copied"], report["skipped"], report["failed"]) == (7, 1, 1, 1)
    assert report["scanned"] == 10


def test_a_second_run_finds_nothing_new_and_loads_no_model(
    run_json: RunJson, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "load", None)
    [report] = run_json("index", "--library", library)
    assert (report["new"], report["unchanged"]) == (0, 8)


def test_a_person_is_told_the_counts_and_the_next_step(run: Run, library: Path) -> None:
    result = run("index", "--library", library)
    assert result.stdout.startswith("10 files in ")
    assert "8 unchanged, 1 skipped, 1 failed" in result.stdout
    assert "sightline failures" in result.stderr


@pytest.mark.parametrize("end", ["\n", "\r\n", "\0"])
def test_files_can_be_listed_on_stdin(end: str, run: Run, photos: Path, tmp_path: Path) -> None:
    names = [str(photos / "2020" / "red.jpg"), str(photos / "2021" / "red again.jpg")]
    words = ["index", "--files-from", "-", "--library", tmp_path / "l", "--model", "stand-in"]
    result = run(*words, "--json", input="".join(name + end for name in names))
    report = json.loads(result.stdout)
    assert (report["scanned"], report["new"], report["copied"]) == (2, 1, 1)


def test_an_empty_list_is_no_error(run: Run, library: Path) -> None:
    result = run("index", "--files-from", "-", "--library", library, input="")
    assert result.exit_code == 0
    assert "names no files" in result.stderr


def test_columns_of_tables_are_read_where_named(
    run_json: RunJson, library: Path, tmp_path: Path
) -> None:
    table = tmp_path / "words.csv"
    table.write_text("id,words\n1,a red kite\n2,two blue boats\n")
    [report] = run_json("index", table, "--library", library)
    assert (report["new"], report["skipped"]) == (0, 1)
    [report] = run_json("index", table, "--library", library, "--text-column", "words")
    assert report["new"] == 1


def test_names_can_be_excluded(run_json: RunJson, photos: Path, tmp_path: Path) -> None:
    words = ["index", photos, "--library", tmp_path / "l", "--model", "stand-in"]
    [report] = run_json(*words, "--exclude", "*.png", "--exclude", "broken*")
    assert report["failed"] == 0
    assert report["new"] == 4


def test_a_name_that_is_not_utf8_comes_back_byte_for_byte(
    run: Run, run_json: RunJson, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    name = os.fsencode(folder) + b"/caf\xe9.jpg"
    Path(os.fsdecode(name)).write_bytes((photos / "2020" / "red.jpg").read_bytes())
    library = tmp_path / "l"
    run_json("index", folder, "--library", library, "--model", "stand-in")
    found = ["search", "red", "--library", library]
    assert run(*found, "--paths").stdout_bytes == name + b"\n"
    [hit] = run_json(*found)
    assert os.fsencode(hit["path"]) == name
    assert "caf�.jpg" in run(*found).stdout


def test_a_model_that_does_not_understand_photos_says_so(run: Run, library: Path) -> None:
    assert "understands nothing" in run("index", "--library", library).stderr
    assert "understands nothing" in run("status", "--library", library).stderr
    assert run("search", "red", "--library", library).stderr == ""


def test_another_model_is_filled_in_beside_the_one_in_use(
    run: Run, run_json: RunJson, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str, **_: object) -> StandInEncoder:
        encoder = StandInEncoder(dim=48)
        encoder.space = replace(encoder.space, name=name, revision="2")
        return encoder

    before = run_json("search", "red", "--library", library)
    with monkeypatch.context() as patch:
        patch.setattr(wiring, "load", load)
        result = run("index", "--library", library, "--model", "clip-b32")
    assert "8 unchanged" in result.stdout
    assert "sightline use clip-b32" in result.stderr
    assert run_json("search", "red", "--library", library) == before


def test_the_library_is_locked_while_its_first_model_loads(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["index", photos, "--library", tmp_path / "new", "--model", "stand-in"]
    second: list[Result] = []

    def load(name: str, **_: object) -> StandInEncoder:
        second.append(run(*words))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(wiring, "load", load)
        result = run(*words)
    assert (second[0].exit_code, result.exit_code) == (3, 130)
    assert f"in use by process {os.getpid()} (index, since" in second[0].stderr
    assert (tmp_path / "new" / "catalogue.sqlite3").is_file()
    assert run(*words).exit_code == 0


def test_a_list_of_files_none_of_which_is_there_is_an_error(
    run: Run, library: Path, tmp_path: Path
) -> None:
    for folder in (library, tmp_path / "new"):
        result = run("index", "--files-from", "-", "--library", folder, input="a.jpg\nb.jpg\n")
        assert result.exit_code == 3
        assert result.stderr.count("\n") == 1
        assert "none of the 2 listed files is there, a.jpg" in result.stderr
    assert not (tmp_path / "new").exists()


def test_a_model_that_cannot_be_had_leaves_no_library_behind(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, role: str) -> None:
        raise ModelUnavailable(f"the model {name} is not on this machine")

    monkeypatch.setattr("cli.commands.index.fetch", refuse)
    result = run("index", photos, "--library", tmp_path / "new")
    assert result.exit_code == 3
    assert "clip-b32" in result.stderr
    assert not (tmp_path / "new").exists()
