"""No command takes an empty string: every command, and every argument and option of each."""

from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import Result

from cli.command import Command
from cli.main import cli

Run = Callable[..., Result]
Case = tuple[tuple[str, ...], Command]


def commands(group: click.Group = cli, names: tuple[str, ...] = ()) -> Iterator[Case]:
    """Every command with the words it is called by."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*names, name))
        else:
            assert isinstance(found, Command), f"{name} is not made by cls=Command"
            yield (*names, name), found


def takes_words(parameter: click.Parameter) -> bool:
    return not (isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count))


def required(command: Command, but: click.Parameter) -> list[str]:
    """Words for what else the command cannot do without."""
    words: list[str] = []
    for parameter in command.params:
        if parameter.required and parameter is not but:
            if isinstance(parameter, click.Option):
                words.append(parameter.opts[0])
                words += [] if parameter.is_flag else [_some(parameter)]
            else:
                words.append(_some(parameter))
    return words


def _some(parameter: click.Parameter) -> str:
    kind = parameter.type
    return str(next(iter(kind.choices))) if isinstance(kind, click.Choice) else "x"


CASES = [
    (words, command, parameter)
    for words, command in commands()
    for parameter in command.params
    if takes_words(parameter)
]


def test_every_command_and_its_paths_are_among_the_cases() -> None:
    named = {(words[-1], parameter.name) for words, _, parameter in CASES}
    assert {("index", "paths"), ("index", "library"), ("apply", "move"), ("find", "prefer")} < named
    assert {("search", "sheet"), ("tag", "remove"), ("show", "item"), ("remove", "path")} < named
    assert len(named) > 80


@pytest.mark.parametrize(
    ("words", "command", "parameter"),
    CASES,
    ids=[f"{' '.join(words)} {parameter.name}" for words, _, parameter in CASES],
)
def test_an_empty_word_is_a_usage_error(
    words: tuple[str, ...], command: Command, parameter: click.Parameter, run: Run
) -> None:
    rest = required(command, parameter)
    if isinstance(parameter, click.Option):
        result = run(*words, *rest, parameter.opts[0], "")
    else:
        result = run(*words, "", *rest)
    assert result.exit_code == 2, (result.stdout, result.stderr)
    assert result.stdout == ""
    of_another_type = not isinstance(parameter.type, click.types.StringParamType | click.Path)
    assert "is empty (an unset variable?): give" in result.stderr or of_another_type, result.stderr
    assert result.stderr.count("\n") == 1


def test_an_empty_word_among_others_is_refused_too(run: Run) -> None:
    for words in (
        ["index", "a", "", "b"],
        ["search", "kite", "--tag", "a", "--tag", ""],
        ["search", "kite", "--in="],
        ["dedup", ""],
        ["dedup", "--prefer", ""],
        ["models", ""],
        ["chat", "a", ""],
        ["index", "--", ""],
    ):
        result = run(*words)
        assert (result.exit_code, "is empty" in result.stderr) == (2, True), words
    assert run("").exit_code == 2


def test_help_is_given_all_the_same(run: Run) -> None:
    assert run("index", "", "--help").exit_code == 0


def test_all_labels_are_taken_away_by_a_word_that_is_not_empty(run: Run) -> None:
    assert "is empty" in run("tag", "--remove", "", "--all").stderr
    assert "is empty" in run("tag", "--remove=", "--yes").stderr
    assert "no library" in run("tag", "--remove", "--all", "--yes").stderr
