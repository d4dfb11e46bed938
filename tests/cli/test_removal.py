"""`remove` and `forget`: a plan first, consent second, and never a person's file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
RunJson = Callable[..., list[dict[str, Any]]]


def test_without_a_terminal_consent_must_be_given_in_words(
    run: Run, run_json: RunJson, library: Path, photos: Path
) -> None:
    words = ["remove", photos / "2020", "--library", library]
    refused = run(*words)
    assert refused.exit_code == 2
    assert "3 files and 2 items that no other file holds" in refused.stderr
    assert "the files on disk are not touched" in refused.stderr
    assert "add --yes" in refused.stderr
    assert run_json("status", "--library", library)[0]["items"] == 7


def test_removed_is_removed_and_the_files_stay(
    run: Run, run_json: RunJson, library: Path, photos: Path
) -> None:
    result = run("remove", photos / "2020", "--library", library, "--yes")
    assert result.stdout == "removed 3 files and 2 items\n"
    assert run_json("status", "--library", library)[0]["items"] == 5
    assert (photos / "2020" / "red.jpg").exists()


def test_a_person_may_say_no(
    run: Run, run_json: RunJson, library: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.output.prompts.is_interactive", lambda: True)
    result = run("remove", photos / "2020", "--library", library, input="n\n")
    assert result.exit_code == 0
    assert "nothing was changed" in result.stderr
    assert run_json("status", "--library", library)[0]["items"] == 7


def test_files_that_are_gone_can_be_forgotten(
    run: Run, run_json: RunJson, photos: Path, tmp_path: Path
) -> None:
    folder, library = tmp_path / "mine", tmp_path / "l"
    folder.mkdir()
    for name in ("red.jpg", "blue.jpg"):
        (folder / name).write_bytes((photos / "2020" / name).read_bytes())
    run_json("index", folder, "--library", library, "--model", "stand-in")
    assert "nothing to remove" in run("forget", "--missing", "--library", library).stderr
    (folder / "red.jpg").unlink()
    run_json("index", "--library", library)
    assert run("forget", "--missing", "--library", library, "--yes").exit_code == 0
    assert run_json("status", "--library", library)[0]["files"] == 1


def test_what_is_not_removed_is_not_said_to_be(run: Run, library: Path, photos: Path) -> None:
    failure = run("remove", photos / "broken.jpg", "--library", library, "--yes")
    assert failure.stdout == "removed 1 failure\n"
    assert "To be removed from the library: 1 failure." in failure.stderr
    everything = run("remove", photos, "--library", library, "--yes")
    assert everything.stdout == "removed 8 files and 7 items\n"
