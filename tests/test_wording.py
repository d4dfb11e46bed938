"""What is said below the command line is right for every face: no option, no command."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import sightline
from storage import errors

HOME = Path(sightline.__file__).parent
TRAINING = HOME / "indexer" / "models" / "mini" / "training"  # has a command line of its own
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
_NAMED = re.compile(r"\{([a-z_]+)\}")


def below_the_command_line() -> Iterator[Path]:
    folders = (HOME / name for name in ("search", "indexer", "storage"))
    yield HOME / "sightline.py"
    for path in sorted(chain.from_iterable(folder.rglob("*.py") for folder in folders)):
        if not path.is_relative_to(TRAINING):
            yield path


def texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the string constants in a tree, each with the number of its line."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.lineno, each.value


def words(call: ast.Call, keyword: str) -> set[str]:
    """Return the texts that a call gives as a keyword."""
    values = [each.value for each in call.keywords if each.arg == keyword]
    return {text for value in values for _, text in texts(value)}


def test_no_message_and_no_docstring_below_the_command_line_names_an_option_or_a_command() -> None:
    found = [
        f"{path.relative_to(HOME)}:{line}: {text}"
        for path in below_the_command_line()
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if "--" in text or "sightline " in text
    ]
    assert found == []


def test_an_error_declares_the_arguments_that_its_message_speaks_of() -> None:
    """A name in braces that is not declared would be shown with its braces."""
    for path in below_the_command_line():
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            main, others = words(call, "parameter"), words(call, "others")
            raised = getattr(call.func, "id", "") in ERRORS
            if main or others or raised:
                message = "".join(text for _, text in texts(call.args[0]))
                named = set(_NAMED.findall(message))
                assert others <= named <= main | others, f"{path}:{call.lineno}"
