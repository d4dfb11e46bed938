"""The house as a whole: one place, light doors, small rooms, and a README that knows every verb."""

import ast
import importlib
import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands.dedup import COMMANDS as DEDUP_COMMANDS
from cli.commands.models import COMMANDS as MODEL_COMMANDS
from cli.main import COMMANDS

PACKAGES = ("storage", "indexer", "search", "cli")
HOME = Path(importlib.import_module("cli").__file__ or "").parents[1]
HEAVY = {"torch", "transformers", "open_clip", "faiss", "alembic"}
LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 40
MOST_ENTRIES = 22  # of a folder
TRAINING = "indexer.models.mini.training"  # how the small models were made; not in the wheel
# "Return", "Write", "Raise" say what a function does; these say what somebody is told of it.
NO_VERBS = frozenset(("Give", "Tell", "Say", "Have", "Be", "Think", "Let", "See"))
QUESTIONS = frozenset(("What", "How", "Where", "Which", "Who", "Why", "When", "Whether"))
# A function begins with a verb and neither with a noun nor with what it is asked.
NO_BEGINNINGS = QUESTIONS | {"A", "An", "The", "True", "False", "None", "Need", "Understand"}
# The rooms whose every docstring has been read for this.
READ = ("sightline.py", "search", "storage", "indexer", "cli")
# A function may be longer where a reason stands here: "file.py:name": "why".
LONG_FOR_A_REASON: dict[str, str] = {}


def files() -> Iterator[Path]:
    yield HOME / "sightline.py"
    for package in PACKAGES:
        yield from sorted((HOME / package).rglob("*.py"))


def all_files() -> list[Path]:
    """List the files of the product, of its tests and of its benchmarks."""
    beside = [*(HOME / "tests").rglob("*.py"), *(HOME / "benchmarks").rglob("*.py")]
    return [*files(), *sorted(beside)]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_four_packages_and_the_front_door_come_from_one_place() -> None:
    places = {Path(importlib.import_module(name).__file__ or "").parents[1] for name in PACKAGES}
    front = Path(importlib.import_module("sightline").__file__ or "").parent
    assert places == {front}


def test_no_file_is_longer_than_a_reader_bears() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in all_files()}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path.relative_to(HOME)}:{function.name}": length
        for path in files()
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    }
    assert {name: length for name, length in long.items() if name not in LONG_FOR_A_REASON} == {}


def test_the_front_door_stands_between_the_command_line_and_the_search() -> None:
    """import-linter holds the layers of packages, and takes no single file for one."""
    for path in files():
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (getattr(node, "module", None) or "", *(each.name for each in node.names))
        }
        if path.name == "sightline.py":
            assert "cli" not in imported
        elif not path.is_relative_to(HOME / "cli"):
            assert "sightline" not in imported, path


def test_no_folder_is_a_drawer() -> None:
    """Files count, and folders with files; a folder of an earlier commit may be left empty."""
    paths = [path for package in PACKAGES for path in (HOME / package).rglob("*") if path.is_file()]
    entries = {
        path.relative_to(HOME).parts[:depth]
        for path in paths
        if "__pycache__" not in path.parts
        for depth in range(2, len(path.relative_to(HOME).parts) + 1)
    }
    counts = Counter("/".join(entry[:-1]) for entry in entries)
    assert {folder: count for folder, count in counts.items() if count > MOST_ENTRIES} == {}


def test_the_training_of_the_small_models_is_no_part_of_the_wheel() -> None:
    folder = TRAINING.replace(".", "/")
    wheel = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    assert wheel["build"]["targets"]["wheel"]["exclude"] == [folder]
    outside = [path for path in files() if not path.is_relative_to(HOME / folder)]
    assert [path for path in outside if TRAINING in path.read_text(encoding="utf-8")] == []


def test_docstrings_begin_with_a_verb_of_the_field() -> None:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
    found = {
        f"{path.relative_to(HOME)}: {first}"
        for path in all_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, kinds) and (first := (ast.get_docstring(node) or "-").split()[0])
        if first in NO_VERBS
    }
    assert found == set()


def test_a_function_begins_with_a_verb_and_a_thing_with_its_name() -> None:
    """A property says "Return" as a method does; a class or a file names what it is."""
    apart = (HOME / "indexer" / "models" / "networks", HOME / TRAINING.replace(".", "/"))
    found = set()
    for path in files():
        if path.relative_to(HOME).parts[0] not in READ or path.is_relative_to(apart[0]):
            continue
        if path.is_relative_to(apart[1]):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                continue
            first = (ast.get_docstring(node) or "-").split()[0]
            if first in (NO_BEGINNINGS if isinstance(node, ast.FunctionDef) else QUESTIONS):
                found.add(f"{path.relative_to(HOME)}: {first}")
    assert found == set()


def test_every_file_says_what_it_is_for() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in files()}
    silent = [
        path for path, text in texts.items() if text and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


def test_only_the_command_line_prints_and_exits() -> None:
    for path in files():
        if path.is_relative_to(HOME / "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("print", "sys.exit", "exit", "os._exit"), (
                    f"{path}:{node.lineno}"
                )


@pytest.mark.parametrize("package", ["storage", "indexer", "indexer.models", "search", "cli"])
def test_a_door_tells_its_story_and_hands_on_names_and_nothing_else(package: str) -> None:
    door = importlib.import_module(package)
    story, *rest = ast.parse(Path(door.__file__ or "").read_text(encoding="utf-8")).body
    assert isinstance(story, ast.Expr) and len(ast.unparse(story).splitlines()) <= 12
    for node in rest:
        assert isinstance(node, ast.ImportFrom), ast.unparse(node)
        for alias in node.names:
            assert alias.asname == alias.name
            assert hasattr(door, alias.name)


def test_the_front_door_has_what_it_says() -> None:
    sightline = importlib.import_module("sightline")
    assert all(hasattr(sightline, name) for name in sightline.__all__)


@pytest.mark.parametrize("module", [*PACKAGES, "indexer.models", "sightline", "cli.main"])
def test_a_door_is_light_to_open(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not HEAVY & set(json.loads(done.stdout))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_knows_every_command(command: str) -> None:
    readme = (HOME / "README.md").read_text(encoding="utf-8")
    assert f"sightline {command}" in readme


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        *(f"models {name}" for name in MODEL_COMMANDS if name != "list"),
        *(f"dedup {name}" for name in DEDUP_COMMANDS),
    ],
)
def test_the_reference_knows_every_command(command: str) -> None:
    reference = (HOME / "cli" / "README.md").read_text(encoding="utf-8")
    assert f"`sightline {command}" in reference
