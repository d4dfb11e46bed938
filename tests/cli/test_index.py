"""`sightline index`: folders, lists of files, and what it says about them."""

import json
import os
import re
import shlex
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from sqlalchemy import update

from cli.indexing import time_spent
from cli.output.json_rows import report_row
from indexer import Report
from indexer.models import FakeEncoder
from indexer.models.compiled.loader import ModelLoader
from indexer.models.protocols import Pixels
from storage import Library, Matrix, schema
from storage.errors import ModelUnavailable
from tests.indexer.images.encoded import P3, profile

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
KEYS = "scanned new copied moved unchanged missing skipped failed seconds".split()
KEYS += ["excluded", "not_found", "notices", "partial", "reread", "renewed", "stages"]


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
    monkeypatch.setattr(ModelLoader, "load", None)
    [report] = run_json("index", "--library", library)
    assert (report["new"], report["unchanged"]) == (0, 8)


def test_a_person_is_told_the_counts_and_the_next_step(run: Run, library: Path) -> None:
    result = run("index", "--library", library)
    assert result.stdout.startswith("10 files in ")
    assert "8 unchanged, 1 skipped, 1 failed" in result.stdout
    assert "sightline failures" in result.stderr


def test_where_the_time_went_is_told_in_one_line_and_as_numbers() -> None:
    stages = {"scan": 0.31, "hash": 1.26, "decode": 40.04, "read": 41.3, "write": 0.01, "wait": 2.0}
    report = Report(0, 0, 0, 0, 0, 0, 0, 0, 30.0, stages=stages)
    told = "scan 0.3 s, read and hash 1.3 s, decode 40.0 s, waiting 2.0 s"
    assert time_spent(report) == f"time, of all threads together: {told}"
    names = ["scan", "hash", "decode", "encode", "write", "wait"]
    assert list(report_row(report)["stages"]) == names
    assert report_row(report)["stages"]["encode"] == 0.0
    assert time_spent(replace(report, stages={"scan": 0.01})) == ""


class Slow(FakeEncoder):
    """Takes a moment for a batch, and presses Ctrl-C in the second."""

    batches = encoded = 0

    def encode_images(self, pixels: Pixels) -> Matrix:
        self.batches += 1
        self.encoded += len(pixels)
        if self.batches == 2:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.5)
        return super().encode_images(pixels)


@pytest.mark.parametrize("listed", [False, True])
def test_ctrl_c_stores_what_is_in_hand_and_says_how_to_go_on(
    listed: bool, run: Run, run_json: RunJson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my photos"
    folder.mkdir()
    for number in range(150):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(folder / f"{number}.png")
    words: list[object] = ["index", "--library", tmp_path / "l", "--model", "stand-in"]
    names = "\n".join(map(str, folder.iterdir())) if listed else None
    words += ["--files-from", "-"] if listed else [folder]
    with monkeypatch.context() as patch:
        encoder = Slow()
        patch.setattr(ModelLoader, "load", lambda *_: encoder)
        result = run(*words, input=names)
    assert result.exit_code == 130
    [line] = [line for line in result.stderr.splitlines() if "interrupted" in line]
    [count] = re.findall(r"interrupted; (\d+) files are stored and kept", line)
    again = "the same command" if listed else f"`{shlex.join(['sightline', *map(str, words)])}`"
    assert again in line
    assert int(count) == encoder.encoded < 150
    if not listed:
        [report] = run_json(*words)
        assert (report["new"], report["unchanged"]) == (150 - int(count), int(count))


def test_what_an_earlier_version_read_is_read_again_and_told(
    run: Run, run_json: RunJson, library: Path
) -> None:
    for widened, said in ((False, ""), (True, ": this one sees 1 otherwise")):
        with Library.open(library) as opened, opened.catalogue.writing() as connection:
            connection.execute(update(schema.items).values(reader_version=0))
        if widened:
            wide = library.parent / "wide"
            wide.mkdir()
            Image.new("RGB", (40, 30), "red").save(wide / "a.jpg", icc_profile=profile(P3))
            run("index", wide, "--library", library)
            with Library.open(library) as opened, opened.catalogue.writing() as connection:
                connection.execute(update(schema.items).values(reader_version=0))
        result = run("index", "--library", library)
        assert f"read again, as an earlier version had read them{said}" in result.stdout
    assert "read again" not in run("index", "--library", library).stdout
    [report] = run_json("index", "--library", library)
    assert (report["reread"], report["renewed"]) == (0, 0)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\0"])
def test_files_can_be_listed_on_stdin(end: str, run: Run, photos: Path, tmp_path: Path) -> None:
    names = [str(photos / "2020" / "red.jpg"), str(photos / "2021" / "red again.jpg")]
    flag = "--files-from0" if end == "\0" else "--files-from"
    words = ["index", flag, "-", "--library", tmp_path / "l", "--model", "stand-in"]
    result = run(*words, "--json", input="".join(name + end for name in names))
    report = json.loads(result.stdout)
    assert (report["scanned"], report["new"], report["copied"]) == (2, 1, 1)


def test_a_listed_name_that_is_not_there_is_told_and_the_rest_is_indexed(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    words = ["index", "--files-from", "-", "--library", tmp_path / "l", "--model", "stand-in"]
    names = "\r\n".join([str(photos / "2020" / "red.jpg"), "gone.jpg"])
    result = run(*words, "--json", input=b"\xef\xbb\xbf" + names.encode())
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert (report["new"], report["not_found"]) == (1, 1)
    assert "gone.jpg is not there" in result.stderr
    assert report["notices"] == ["gone.jpg is not there"]


@pytest.mark.parametrize(
    "name", ["x" * 300, "y/" * 5000, "~nosuch/a.jpg", "{tmp}/note.txt/", "{tmp}/dangling"]
)
@pytest.mark.parametrize("first", [True, False])
def test_a_name_that_cannot_be_there_stops_nothing(
    name: str, first: bool, run: Run, library: Path, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "note.txt").write_text("a red kite")
    place = tmp_path / "l" if first else library
    listed = name.format(tmp=tmp_path)
    words = ["index", "--files-from", "-", "--library", place, "--json"]
    words += ["--model", "stand-in"] if first else []
    result = run(*words, input=f"{listed}\n{photos / '2020' / 'red.jpg'}\n")
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert (report["not_found"], report["scanned"], report["failed"]) == (1, 1, 0)
    assert report["notices"] == [f"{listed} is not there"]


def test_a_first_list_of_names_that_cannot_be_there_makes_no_library(
    run: Run, tmp_path: Path
) -> None:
    words = ["index", "--files-from", "-", "--library", tmp_path / "l", "--model", "stand-in"]
    result = run(*words, input="x" * 300 + "\n~nosuch/a.jpg\n")
    assert (result.exit_code, (tmp_path / "l").exists()) == (3, False)
    assert "none of the 2 listed files is there" in result.stderr


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


def test_what_patterns_do_is_told(
    run: Run, run_json: RunJson, library: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_EXCLUDE", f"2020{os.pathsep}*.tif")
    result = run("index", "--library", library)
    assert "the exclude pattern *.tif matched nothing" in result.stderr
    assert "3 files are excluded now: kept, and not shown" in result.stderr
    found = run("search", "red", "--library", library, "-k", "99", "--paths").stdout
    assert len(found.splitlines()) == 4 and str(photos / "2020") not in found
    [status] = run_json("status", "--library", library)
    assert (status["files"], status["missing"], status["excluded"]) == (8, 0, 3)
    assert "(0 missing, 3 excluded)" in run("status", "--library", library).stdout
    blue = photos / "2020" / "blue.jpg"
    [shown] = run_json("show", blue, "--library", library)
    assert (shown["paths"], shown["excluded_paths"]) == ([], [str(blue)])
    assert "excluded" in run("show", blue, "--library", library).stdout
    assert run("forget", "--missing", "--library", library, "--yes").stdout == ""
    monkeypatch.delenv("SIGHTLINE_EXCLUDE")
    [report] = run_json("index", "--library", library)
    assert (report["unchanged"], report["new"], report["excluded"]) == (8, 0, 0)


def test_a_library_of_nothing_but_excluded_files_says_how_to_have_them_back(
    run: Run, library: Path
) -> None:
    run("index", "--library", library, "--exclude", "*")
    result = run("search", "red", "--library", library)
    assert result.exit_code == 1
    assert "without the exclude pattern" in result.stderr


def test_patterns_that_are_set_hold_where_failures_are_tried_again(
    run: Run, library: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_EXCLUDE", "broken*")
    result = run("failures", "--retry", "--library", library)
    assert f"{photos / 'broken.jpg'} is left out by an exclude pattern" in result.stderr
    assert "no failures" in run("failures", "--library", library).stderr


def test_everything_is_read_again_where_that_is_asked_for(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "red.jpg").write_bytes((photos / "2020" / "red.jpg").read_bytes())
    words = ["index", folder, "--library", tmp_path / "l", "--model", "stand-in"]
    assert "1 new" in run(*words).stdout
    assert "1 unchanged" in run(*words, "--reread").stdout


def test_why_nothing_was_found_is_told_without_blame(
    run: Run, library: Path, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    for name in ("red.jpg", "blue.jpg"):
        (tmp_path / "links" / name).symlink_to(photos / "2020" / name)
    result = run("index", tmp_path / "links", "--library", library)
    assert "2 symbolic links are not followed" in result.stderr
    assert "no files were found there" in result.stderr
    assert "exclude" not in result.stderr


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
    def load(name: str, *_: object) -> FakeEncoder:
        encoder = FakeEncoder(dim=48)
        encoder.space = replace(encoder.space, name=name, revision="2")
        return encoder

    before = run_json("search", "red", "--library", library)
    with monkeypatch.context() as patch:
        patch.setattr(ModelLoader, "load", staticmethod(load))
        result = run("index", "--library", library, "--model", "clip-b32")
    assert "8 unchanged" in result.stdout
    assert "sightline use clip-b32" in result.stderr
    assert run_json("search", "red", "--library", library) == before


def test_the_library_is_locked_while_its_first_model_loads(
    run: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["index", photos, "--library", tmp_path / "new", "--model", "stand-in"]
    second: list[Result] = []

    def load(name: str, *_: object) -> FakeEncoder:
        second.append(run(*words))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ModelLoader, "load", staticmethod(load))
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


def test_int8_that_cannot_be_had_is_one_line_and_the_library_is_as_it_was(
    run: Run, run_json: RunJson, library: Path, photos: Path
) -> None:
    before = run_json("status", "--library", library)
    refused = run("index", photos, "--library", library, "--precision", "int8")
    assert refused.exit_code == 3
    assert "the model stand-in has no weights to quantise" in refused.stderr
    assert run_json("status", "--library", library) == before
    assert run("index", "--library", library, "--precision", "int9").exit_code == 2


def test_the_precision_of_the_settings_is_that_of_a_new_library_alone(
    run: Run, library: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_PRECISION", "int8")
    assert run("index", "--library", library).exit_code == 0
    new = run("index", photos, "--library", tmp_path / "new", "--model", "stand-in")
    assert "no weights to quantise" in new.stderr
