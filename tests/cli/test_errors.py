"""Errors leave as one line and an exit code."""

from pathlib import Path

import click
import pytest

from cli.errors import on_interrupt, run_guarded
from storage.errors import InvalidArgument, LibraryInUse


def _raising(error: BaseException) -> int:
    def run() -> None:
        raise error

    return run_guarded(run)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidArgument("k is 0"), 2),
        (click.UsageError("no such option"), 2),
        (LibraryInUse("in use\nby another"), 3),
        (PermissionError(13, "Permission denied", "/var/x"), 3),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
def test_each_error_has_its_code_and_one_line(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _raising(error) == code
    assert capsys.readouterr().err.count("\n") == 1


def test_an_interruption_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    _raising(KeyboardInterrupt())
    assert "run the same command again" in capsys.readouterr().err


def test_an_interruption_in_the_middle_of_work_says_what_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = 0

    @click.command()
    def work() -> None:
        nonlocal stored
        with on_interrupt(lambda: f"{stored} captions are stored"):
            stored = 7
            raise KeyboardInterrupt

    assert run_guarded(lambda: work.main([], standalone_mode=False)) == 130
    assert "interrupted; 7 captions are stored: run the same" in capsys.readouterr().err


def test_the_unforeseen_is_told_in_one_line_and_written_down(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert _raising(RuntimeError("the floor\nis gone")) == 3
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "RuntimeError: the floor is gone" in told
    written = Path(told.rpartition(" in ")[2].strip())
    assert written.is_relative_to(home)
    assert "Traceback" in written.read_text()


def test_details_go_to_the_temporary_folder_where_the_log_folder_cannot_be_made(
    capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("a file where the home should be")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert _raising(RuntimeError("lost")) == 3
    assert len(list(tmp_path.glob("sightline-*.log"))) == 1


def test_what_a_command_returns_is_its_exit_code() -> None:
    assert run_guarded(lambda: 1) == 1
    assert run_guarded(lambda: None) == 0
