"""`show`, `status`, `failures`, `models`, `doctor`: looking without changing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.commands import doctor
from storage import Library

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]
STATUS_KEYS = "path items files missing excluded failures spaces builds folders bytes".split()


@pytest.fixture(autouse=True)
def chosen(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every command look at the library of the photos."""
    monkeypatch.setenv("SIGHTLINE_LIBRARY", str(library))


def test_an_item_is_shown_by_path_and_by_the_beginning_of_its_hash(
    run_json: RunJson, photos: Path
) -> None:
    [by_path] = run_json("show", photos / "2020" / "red.jpg")
    [by_hash] = run_json("show", by_path["item"][:8])
    assert by_path == by_hash
    assert by_path["camera"] == "Canon"
    assert by_path["latitude"] == pytest.approx(46.9)
    assert len(by_path["paths"]) == 2


def test_an_item_is_shown_to_a_person(run: Run, photos: Path) -> None:
    shown = run("show", photos / "2020" / "red.jpg").stdout
    assert "96 × 64" in shown
    assert "2020-06-01T12:00:00" in shown
    assert str(photos / "2021" / "red again.jpg") in shown
    assert "lens" not in shown


def test_status_counts(run: Run, run_json: RunJson, library: Path, photos: Path) -> None:
    [status] = run_json("status")
    assert list(status) == STATUS_KEYS
    assert (status["items"], status["files"], status["failures"]) == (7, 8, 1)
    [space] = status["spaces"]
    assert (
        list(space) == "name revision dimension current vectors lacking complete precision".split()
    )
    assert (space["name"], space["current"], space["complete"]) == ("stand-in", True, True)
    assert (space["vectors"], space["lacking"]) == (7, 0)
    assert status["path"] == str(library)
    assert status["folders"] == [{"path": str(photos), "there": True}]
    shown = run("status").stdout
    assert str(library) in shown
    assert "7" in shown


def test_failures_name_file_stage_and_reason(run: Run, run_json: RunJson, photos: Path) -> None:
    [failure] = run_json("failures")
    assert list(failure) == ["path", "stage", "reason", "partial"]
    assert failure["partial"] is False
    assert failure["path"] == str(photos / "broken.jpg")
    assert failure["reason"] in run("failures").stdout


def test_failures_can_be_tried_again(run_json: RunJson) -> None:
    [report] = run_json("failures", "--retry")
    assert (report["scanned"], report["failed"]) == (1, 1)


def test_a_file_that_is_read_in_part_is_told_of_and_not_tried_again(
    run: Run, run_json: RunJson, tmp_path: Path, library: Path
) -> None:
    text = tmp_path / "texts" / "note.txt"
    text.parent.mkdir()
    text.write_bytes("größere Bären".encode() + b" \xff")
    indexed = run("index", text.parent)
    assert "1 file could be read in part alone: sightline failures says" in indexed.stderr
    [_, part] = run_json("failures")
    assert (part["path"], part["partial"]) == (str(text), True)
    assert "1 place is not UTF-8" in run("failures").stdout
    assert "1 place is not UTF-8" in run("show", text).stdout
    assert run_json("show", text)[0]["omitted"] == "1 place is not UTF-8 and read as \ufffd"
    assert run_json("failures", "--retry")[0]["scanned"] == 1
    assert run_json("status")[0]["failures"] == 2


def test_a_sound_installation_passes_the_doctor(run: Run, library: Path) -> None:
    result = run("doctor")
    assert result.exit_code == 0, result.stdout
    assert str(library) in result.stdout


def test_the_doctor_finds_a_broken_library(run: Run, library: Path) -> None:
    (library / "catalogue.sqlite3").write_bytes(b"no database " * 99)
    result = run("doctor")
    assert result.exit_code == 3
    assert "broken" in result.stdout


def test_the_doctor_knows_what_is_too_old() -> None:
    assert doctor.package_check("pillow", "9999").verdict == "broken"
    assert doctor.package_check("no-such-package", "1").verdict == "broken"
    assert doctor.sqlite_check((3, 40, 1)).verdict == "note"
    assert doctor.sqlite_check((3, 51, 3)).verdict == "ok"


def test_what_is_printed_for_programs_is_json_on_every_line(run: Run) -> None:
    for words in (["status"], ["failures"], ["models"]):
        assert [json.loads(line) for line in run(*words, "--json").stdout.splitlines()]


def test_a_file_that_fails_for_two_reasons_is_tried_once(run: Run, library: Path) -> None:
    with Library.open(library) as opened, opened.catalogue.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO failures (path, root_id, stage, reason, size, mtime_ns, space_id) "
            "SELECT path, root_id, 'encode', reason, size, mtime_ns, 1 FROM failures"
        )
    retried = run("failures", "--retry")
    assert "trying 1 file again" in retried.stderr
