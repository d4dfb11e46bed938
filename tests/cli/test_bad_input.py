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
    "two lists": ("index --files-from - --files-from0 -", 2, "--files-from and --files-from0 excl"),
    "a list of a folder": (
        "index --files-from {list} --library {tmp}/l",
        2,
        "sightline index FOLD",
    ),
    "a pattern that is none": (
        "index {photos} --exclude [a --library {tmp}/l",
        2,
        "[ stands in it",
    ),
    "a library of no user": ("status --library ~nosuch/l", 3, "no library at"),
    "a folder of no user": ("index ~nosuch/photos", 3, "~nosuch/photos: check"),
    "a first folder of no user": ("index ~nosuch/photos --library {tmp}/l", 3, "~nosuch"),
    "an item of no user": ("show ~nosuch/a.jpg", 3, "~nosuch/a.jpg"),
    "a description of no user's": ("describe ~nosuch/a.jpg", 3, "~nosuch/a.jpg"),
    "labels of no user": ("tag --labels ~nosuch/labels", 3, "~nosuch/labels"),
    "a model of no user": ("models show ~nosuch/model", 2, "~nosuch/model"),
    "duplicates in a folder of no user": ("dedup --within ~nosuch/a", 3, "~nosuch/a is not there"),
    "duplicates of a folder of no user": ("dedup --against ~nosuch/a", 3, "~nosuch/a"),
    "a test folder of no user": ("dedup --leak ~nosuch/a", 3, "~nosuch/a is no folder"),
    "an unknown model": ("index {photos} --library {tmp}/l --model minni", 2, "mini"),
    "an unknown flag": ("index --fast", 2, "--fast"),
    "an unknown command": ("indx", 2, "index"),
    "a folder that is no library": ("status --library {photos}", 3, "photos"),
    "a library that is not there": ("search x --library {tmp}/l", 3, "sightline index"),
    "k of 0": ("search x -k 0", 2, "-k is 0"),
    "k of many": ("search x -k many", 2, "many"),
    "an empty query": ("search", 2, "query is empty"),
    "an empty term": ("search ''", 2, "TERM is empty"),
    "a blank term": ("search 2:", 2, "has no words"),
    "a term of signs": ("search -- :", 2, "has no words"),
    "only minus terms": ("search --minus x", 2, "query is empty"),
    "a query image that is missing": ("search --image {tmp}/no.jpg", 3, "no.jpg"),
    "a query image that is broken": ("search --image {photos}/broken.jpg", 3, "broken.jpg"),
    "a query image that is a folder": ("search --image {photos}", 3, "photos"),
    "an item that is not there": ("search --like abcdef123", 3, "abcdef123"),
    "an item to show that is not there": ("show nothing", 3, "nothing"),
    "a date that is none": ("search x --after yesterday", 2, "yesterday"),
    "an empty date": ("search x --after ''", 2, "--after is empty (an unset variable?): give DATE"),
    "a range of no moment": ("search x --after 2021 --before 2021-01", 2, "leaves no moment"),
    "a range turned round": ("search x --after 2021 --before 2020-06-30", 2, "leaves no moment"),
    "a place that is none": ("search x --near Bern", 2, "LAT,LON,KM"),
    "a kind that is none": ("search x --kind sound", 2, "sound"),
    "a folder that is not there": ("search x --in {tmp}/nowhere", 3, "nowhere"),
    "a folder that was never indexed": ("search x --in {tmp}", 3, "was never indexed"),
    "a sheet of an unknown type": ("search x --sheet a.gif", 2, ".png or .html"),
    "a sheet in a folder that is not there": ("search x --sheet {tmp}/no/a.html", 3, "make it"),
    "two forms of answer": ("search x --json --paths", 2, "--paths"),
    "a removal of what is not there": ("remove {tmp}", 3, "holds nothing"),
    "a forgetting of everything": ("forget", 2, "--missing"),
    "a match above 1": ("search x --min-match 1.5", 2, "--min-match is 1.5"),
    "a match that is no number": ("search x --min-match nan", 2, "from 0 to 1"),
    "a depth of nothing": ("search x --rerank-depth 5", 2, "add --rerank"),
    "a depth of 0": ("search x --rerank --rerank-depth 0", 2, "at least 1"),
    "a rereading of texts": ("search x --rerank --kind text", 2, "only images"),
    "a rereading by no words": ("search --image {red} --rerank", 2, "without words"),
    "a rereading by an encoder": ("search x --rerank-model mini", 3, "is no pair-scorer"),
    "a lift that is none": ("search x --min-lift inf", 2, "--min-lift"),
    "a description of nothing": ("describe", 2, "name the images"),
    "a description of all and one": ("describe {red} --all", 2, "choose one"),
    "a description of a text": ("describe {photos}/note.txt", 2, "is no image"),
    "a description of no file": ("describe {tmp}/no.jpg", 3, "no.jpg"),
    "a description by an encoder": ("describe {red} --model mini", 3, "is no captioner"),
    "a description by an unknown model": ("describe {red} --model blib", 2, "no model 'blib'"),
    "a folder twice": ("describe {photos} --in {photos}", 2, "choose one"),
    "a folder to describe that was never indexed": ("describe {tmp}", 3, "was never indexed"),
    "a filter on a stranger": (
        "describe {photos}/broken.jpg --after 2020",
        2,
        "not in the library",
    ),
    "a question with no image": ("ask what?", 2, "a question with no image"),
    "an empty question": ("ask '' {red}", 2, "QUESTION is empty"),
    "a question to a folder and a search": ("ask what? {red} --query x", 2, "choose one"),
    "a number of no search": ("ask what? {red} -k 3", 2, "--query"),
    "a question to a captioner": ("ask what? {red} --model mini-blip", 3, "is no answerer"),
    "a dialogue about nothing": ("chat", 2, "ITEM"),
    "a dialogue about what is not there": ("chat {tmp}/no.jpg", 3, "no.jpg"),
    "a dialogue with an encoder": ("chat {red} --model mini", 3, "is no dialogue"),
    "labels of nothing": ("tag", 2, "--labels"),
    "labels from nowhere": ("tag --labels {tmp}/labels", 3, "no label file"),
    "labels of none": ("tag --labels {empty}", 2, "holds no label"),
    "a label alone": ("tag --labels {photos}/note.txt", 2, "only one label"),
    "a template without a place": ("tag --labels scenes --template x", 2, "--template 'x'"),
    "a share above 1": ("tag --labels scenes --min-score 2", 2, "--min-score"),
    "labels to give and to list": ("tag --labels scenes --list", 2, "--labels"),
    "a list with a filter": ("tag --list --after 2020", 2, "--after goes with --labels"),
    "a removal of no label": ("tag --remove", 2, "one LABEL, or --all"),
    "a removal of one label and all": ("tag --remove x --all", 2, "one LABEL, or --all"),
    "a yes to nothing": ("tag --list --yes", 2, "--yes goes with --remove"),
    "a use of what is not there": ("use mini", 3, "sightline index --model mini"),
    "a use of an unknown model": ("use minni", 2, "mini"),
    "an unknown model to show": ("models show minni", 2, "mini"),
    "an unknown model to pull": ("models pull minni", 2, "mini"),
    "a recommendation for nothing": ("models recommend", 2, "--task"),
    "a recommendation for no task": ("models recommend --task sing", 2, "sing"),
    "a memory of nothing": ("models recommend --task vqa --memory 0", 2, "0 GB"),
    "a role that is none": ("models --role singer", 2, "singer"),
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
    (tmp_path / "empty.txt").touch()
    (tmp_path / "list.txt").write_text(f"{photos}/note.txt\n{photos}\n")
    places = {"tmp": tmp_path, "photos": photos, "empty": tmp_path / "empty.txt"}
    places["list"] = tmp_path / "list.txt"
    places["red"] = photos / "2020" / "red.jpg"
    words = [word.format(**places).strip("'") for word in line.split()]
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
        ("words.jpg", b"no image at all"),
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
