"""The command line writes the arguments of an error as options, and next steps as commands."""

import ast
from collections.abc import Callable, Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import get_args

import click
import pytest

import sightline
from cli.errors import run_guarded, spelled, with_step
from cli.main import cli
from cli.options import option_named
from search import Query, Rerank, Term
from storage import Filters
from storage.errors import Hint, InvalidArgument, PathNotFound, Step

HOME = Path(sightline.__file__).parent
# What is typed as a word of its own, or is no argument of a command at all.
WITHOUT_AN_OPTION = {"paths", "images", "question", "terms"}


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*above, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


COMMANDS = dict(commands(cli))
OPTIONS = {
    option
    for command in COMMANDS.values()
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for option in parameter.opts
}


def named_by_errors() -> Iterator[str]:
    """Yield the names that calls below the command line give to an error's arguments."""
    folders = ("search", "indexer", "storage")
    below = [path for folder in folders for path in (HOME / folder).rglob("*.py")]
    for path in (HOME / "sightline.py", *below):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in ("parameter", "others"):
                for each in ast.walk(node.value):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value


@pytest.mark.parametrize("name", sorted(set(named_by_errors()) - WITHOUT_AN_OPTION))
def test_an_argument_that_an_error_names_is_an_option_of_a_command(name: str) -> None:
    assert option_named(name).split()[0] in OPTIONS


@pytest.mark.parametrize("name", sorted(WITHOUT_AN_OPTION))
def test_what_is_no_option_keeps_its_name(name: str) -> None:
    assert option_named(name) == name


@pytest.mark.parametrize("step", sorted(set(get_args(Step)) - {"install package"}))
def test_a_next_step_is_a_command_that_there_is(step: Step) -> None:
    said = with_step("do this", Hint(step, "a b"))
    words = said.removeprefix("do this (`sightline ").replace("`", " ").split()
    command = max((name for name in COMMANDS if " ".join(words).startswith(name)), key=len)
    known = COMMANDS.get(f"{command} list", COMMANDS[command])  # what `sightline models` runs
    given = {option for word in words if (option := word.strip("),")).startswith("--")}
    assert given <= {option for each in known.params for option in each.opts}


def test_a_package_that_a_next_step_names_is_one_of_an_extra() -> None:
    said = with_step("do this", Hint("install package", "nncf"))
    assert said == "do this (`pip install nncf`)"
    assert any(
        one.startswith("nncf") for one in metadata("sightline").get_all("Requires-Dist") or []
    )


def test_a_next_step_can_be_copied_into_a_shell() -> None:
    folder = Hint("index folder", "/a/b c")
    assert with_step("not here", folder) == "not here (`sightline index '/a/b c'`)"
    assert with_step("none", Hint("index folder")) == "none (`sightline index FOLDER`)"
    assert with_step("none", None) == "none"


@pytest.mark.parametrize(
    ("make", "typed", "python"),
    [
        (lambda: Query((Term("text", "x"),), min_match=2.0), "--min-match is 2", "min_match is 2"),
        (lambda: Rerank(0), "--rerank-depth is 0", "depth is 0"),
        (
            lambda: Query(()),
            "give words, --image FILE or --like ITEM",
            "give words, image or item to",
        ),
        (lambda: Query((Term("text", "x"),), k=0), "-k is 0", "k is 0"),
        (lambda: Filters(after="June"), "--after is 'June'", "after is 'June'"),
        (lambda: Filters(folder=""), "--in is ''", "folder is ''"),
        (lambda: Filters(tags=("",)), "--tag is ''", "tags is ''"),
    ],
)
def test_one_error_has_the_name_of_each_face(
    make: Callable[[], object], typed: str, python: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert typed in spelled(caught.value)
    assert python in str(caught.value)


def test_an_error_leaves_with_its_option_and_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run() -> None:
        hint = Hint("index folder", "/a")
        raise PathNotFound("{within} /a was never indexed", parameter="within", hint=hint)

    assert run_guarded(run) == 3
    told = capsys.readouterr().err
    assert told == "sightline: --within /a was never indexed (`sightline index /a`)\n"
