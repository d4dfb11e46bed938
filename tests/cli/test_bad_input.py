"""Bad input gets one line that names it and the next step, its exit code, and nothing is lost."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from storage import Library

Run = Callable[..., Result]

CASES = {
    "a folder that does not exist": ("index {tmp}/nowhere", 3, "nowhere"),
    "a first folder that does not exist": ("index {tmp}/nowhere --library {tmp}/l", 3, "nowhere"),
    "nothing to index": ("index --library {tmp}/l", 3, "there is no library"),
    "a list that does not exist": ("index --files-from {tmp}/list", 3, "list cannot be read"),
    "a folder and a list": ("index {photos} --files-from -", 2, "choose one"),
    "an unknown model": ("index {photos} --library {tmp}/l --model minni", 2, "mini"),
    "a library of another model": ("index {photos} --model mini", 3, "stand-in"),
    "an unknown flag": ("index --fast", 2, "--fast"),
    "an unknown command": ("indx", 2, "index"),
    "a folder that is no library": ("status --library {photos}", 3, "photos"),
    "a library that is not there": ("search x --library {tmp}/l", 3, "sightline index"),
    "k of 0": ("search x -k 0", 2, "k is 0"),
    "k of many": ("search x -k many", 2, "many"),
    "an empty query": ("search", 2, "query is empty"),
    "an empty term": ("search ''", 2, "has no words"),
    "only minus terms": ("search --minus x", 2, "query is empty"),
    "a query image that is missing": ("search --image {tmp}/no.jpg", 3, "no.jpg"),
    "a query image that is broken": ("search --image {photos}/broken.jpg", 3, "broken.jpg"),
    "a query image that is a folder": ("search --image {photos}", 3, "photos"),
    "an item that is not there": ("search --like abcdef123", 3, "abcdef123"),
    "an item to show that is not there": ("show nothing", 3, "nothing"),
    "a date that is none": ("search x --after yesterday", 2, "yesterday"),
    "an empty date": ("search x --after ''", 2, "is not a date"),
    "a place that is none": ("search x --near Bern", 2, "LAT,LON,KM"),
    "a kind that is none": ("search x --kind sound", 2, "sound"),
    "a folder that is not there": ("search x --in {tmp}/nowhere", 3, "nowhere"),
    "a folder that was never indexed": ("search x --in {tmp}", 3, "was never indexed"),
    "a sheet of an unknown type": ("search x --sheet a.gif", 2, ".png or .html"),
    "a sheet in a folder that is not there": ("search x --sheet {tmp}/no/a.html", 3, "no/a.html"),
    "two forms of answer": ("search x --json --paths", 2, "--paths"),
    "a removal of what is not there": ("remove {tmp}", 3, "holds nothing"),
    "a forgetting of everything": ("forget", 2, "--missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_told_in_one_line(
    case: str,
    run: Run,
    library: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))
    line, code, said = CASES[case]
    words = [word.format(tmp=tmp_path, photos=photos).strip("'") for word in line.split()]
    result = run(*words)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("sightline: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "l").exists()


def test_an_empty_folder_is_indexed_and_said_to_be_empty(
    run: Run, library: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    result = run("index", tmp_path / "empty", "--library", library)
    assert result.exit_code == 0
    assert "no files were found" in result.stderr


def test_a_library_in_use_is_named_and_left_alone(run: Run, library: Path) -> None:
    with Library.open(library) as busy, busy.writing("a test"):
        result = run("index", "--library", library)
    assert result.exit_code == 3
    assert str(library) in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.jpg", b""),
        ("words.jpg", b"no picture at all"),
        ("short.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"),
    ],
)
def test_a_bad_file_is_a_failure_with_a_reason(
    name: str, content: bytes, run: Run, library: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / name).write_bytes(content)
    assert run("index", bad, "--library", library).exit_code == 0
    told = run("failures", "--library", library).stdout
    assert str(bad / name) in told
    assert "Traceback" not in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_a_failure_with_a_reason(
    run: Run, library: Path, photos: Path, tmp_path: Path
) -> None:
    shutil.copy(photos / "2020" / "red.jpg", tmp_path / "secret.jpg")
    (tmp_path / "secret.jpg").chmod(0)
    assert run("index", tmp_path / "secret.jpg", "--library", library).exit_code == 0
    assert "permission denied" in run("failures", "--library", library).stdout
