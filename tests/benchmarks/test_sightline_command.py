"""The command that benchmarks measure is the installed one, untouched by a person's settings."""

from pathlib import Path

import pytest

from benchmarks.process_tree import run
from benchmarks.sightline_command import SightlineCommand


@pytest.fixture
def command(tmp_path: Path) -> SightlineCommand:
    return SightlineCommand(tmp_path / "library", tmp_path / "home")


def test_a_persons_settings_do_not_count(
    command: SightlineCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_MODEL", "no such model")
    environment = command.search("red kite").environment
    assert environment["SIGHTLINE_MODEL"] == ""
    assert environment["XDG_CACHE_HOME"] == str(command.home / "cache")


def test_what_is_imported_is_said_last(command: SightlineCommand) -> None:
    printed, _ = run(command.modules("--help"))
    assert "Usage: sightline search" in printed
    assert printed.splitlines()[-1] == "modules:"  # nothing heavy for help
