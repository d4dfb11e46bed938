"""The command itself: help, versions, near names, and light loading."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import Result

from cli.commands.models import COMMANDS as MODEL_COMMANDS
from cli.main import COMMANDS

Run = Callable[..., Result]
HEAVY = {"torch", "transformers", "open_clip", "faiss", "sqlalchemy", "PIL", "numpy"}
_WATCHED = """
import json, sys
from cli.main import main
try:
    main()
finally:
    print(json.dumps(sorted(name for name in sys.modules if "." not in name)), file=sys.stderr)
"""


def loaded_by(*words: str, library: Path | None = None) -> set[str]:
    """Run a command in a fresh interpreter and tell which top-level modules it loaded."""
    environment = {**os.environ, "SIGHTLINE_LIBRARY": str(library or "")}
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, *words], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_costs_under_four_tenths_of_a_second() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", "--help"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    assert spent < 0.4


def test_help_loads_nothing_heavy() -> None:
    assert not loaded_by("--help") & HEAVY


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("show", "{item}"),
        ("search", "--like", "{item}", "--json"),
        ("models", "clip*"),
        ("models", "recommend", "--task", "search"),
        ("describe", "--help"),
        ("ask", "--help"),
        ("chat", "--help"),
        ("tag", "--help"),
        ("use", "--help"),
    ],
)
def test_looking_at_a_library_loads_no_network(
    words: tuple[str, ...], indexed: Path, photos: Path
) -> None:
    item = str(photos / "2020" / "red.jpg")
    loaded = loaded_by(*(word.format(item=item) for word in words), library=indexed)
    heavy = {"torch", "transformers", "open_clip", "alembic"}
    assert not loaded & (heavy if words[0] == "search" else heavy | {"faiss"})


def test_the_search_command_imports_no_decoder_no_ingest_and_no_duplicates() -> None:
    script = "import sys, cli.commands.search; print(*sys.modules)"
    words = [sys.executable, "-c", script]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    needless = {"PIL", "cv2", "pillow_heif", "pdqhash", "filelock", "huggingface_hub", "psutil"}
    needless |= {"indexer.ingest", "indexer.workers", "search.dedup.duplicates"}
    assert not needless & set(loaded)


def test_a_command_collects_garbage_but_not_what_was_imported() -> None:
    script = (
        "import click, gc; from cli.main import cli; before = gc.get_freeze_count(); "
        "cli.get_command(click.Context(cli), 'status'); "
        "print(before, gc.get_freeze_count(), gc.isenabled())"
    )
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    before, after, enabled = done.stdout.split()
    assert (before, enabled) == ("0", "True")
    assert int(after) > 10_000


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_begins_its_help_with_the_line_of_the_table(name: str, run: Run) -> None:
    command: click.Command = import_module(f"cli.commands.{name}").command
    assert (command.help or "").splitlines()[0] == COMMANDS[name]
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: sightline {name}")


@pytest.mark.parametrize("name", MODEL_COMMANDS)
def test_every_command_of_models_does_so_too(name: str, run: Run) -> None:
    command: click.Command = import_module(f"cli.commands.models.{name}").command
    assert (command.help or "").splitlines()[0] == MODEL_COMMANDS[name]
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    result = run("models", name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: sightline models {name}")


def test_the_filters_are_the_same_wherever_there_are_some() -> None:
    filters = {"--after", "--before", "--in", "--camera", "--near", "--tag", "--missing"}
    for name in ("search", "describe", "ask", "tag"):
        command: click.Command = import_module(f"cli.commands.{name}").command
        assert filters <= {flag for option in command.params for flag in option.opts}


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout.startswith("sightline 0.")


def test_a_misspelt_command_is_answered_with_near_names(run: Run) -> None:
    result = run("serch", "kite")
    assert result.exit_code == 2
    assert "did you mean search?" in result.stderr


def test_a_misspelt_option_is_answered_with_near_names(run: Run) -> None:
    result = run("search", "kite", "--camra", "x")
    assert result.exit_code == 2
    assert "--camera" in result.stderr
