"""The words that programs use: commands, options, exit codes, settings, names of the front door."""

import inspect
import io
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click
import pytest

import sightline
from cli.main import cli
from tests.contract.drawing import shapes
from tests.contract.golden import compare
from tests.contract.terminal import Note, Terminal

SETTINGS = """
library = "library"
model = "stand-in"
device = "cpu"
exclude = ["note.*"]
workers = 1
limits = { pixels = 200_000_000, seconds = 60.5 }
"""
FOUND: tuple[tuple[object, ...], ...] = (
    ("--version",),
    ("--help",),
    ("search", "--help"),
    ("status",),
    ("search", "red"),
    ("search", "--like", "album/2020/red circle.jpg"),
    ("failures",),
    ("doctor",),
    ("models",),
    ("dedup", "--kind", "identical", "--out", "out"),
    ("dedup", "apply", "out/plan.jsonl", "--dry-run"),
    ("index", "album", "--exclude", "*.mp4"),
)
NOTHING: tuple[tuple[object, ...], ...] = (
    ("search", "red", "--after", 2100),
    ("describe", "--after", 2100),
    ("ask", "what?", "--after", 2100),
    ("tag", "--list"),
    ("tag", "--remove", "red", "--yes"),
    ("tag", "--labels", "labels.txt", "--after", 2100),
    ("dedup", "--kind", "similar", "--limit", "cosine=1", "--no-crops", "--in", "album/2020"),
    ("dedup", "--semantic", "--after", 2100),
    ("dedup", "decide", "--list"),
    ("models", "list", "nothing*"),
)
USAGE: tuple[tuple[object, ...], ...] = (
    (),
    ("find",),
    ("search",),
    ("search", ""),
    ("search", "red", "-k", 0),
    ("search", "red", "-k", "many"),
    ("search", "red", "--after", "yesterday"),
    ("search", "red", "--near", "here"),
    ("search", "red", "--json", "--paths"),
    ("search", "red", "--min-match", 2),
    ("search", "red", "--nothing"),
    ("ask", "what?"),
    ("ask", " ", "album/2020"),
    ("tag",),
    ("tag", "--labels", "labels.txt", "--min-score", 3),
    ("forget",),
    ("forget", "--missing"),  # nobody there to say yes
    ("use", "nothing"),
    ("models", "show", "nothing"),
    ("models", "pull", "nothing"),
    ("dedup", "album"),
    ("dedup", "--limit", "nothing=1"),
    ("dedup", "--keep", "nothing"),
    ("dedup", "--semantic", "--leak", "album"),
    ("dedup", "apply", "out/plan.jsonl"),  # nobody there
    ("dedup", "apply", "out/plan.jsonl", "--move", "moved", "--delete"),
    ("dedup", "decide", "--list", "--forget", 1),
    ("dedup", "decide", "out/plan.jsonl", "--group", 99, "--keep-all"),
    ("dedup", "decide", "--forget", 99),
    ("models", "recommend"),
)
ERRORS: tuple[tuple[object, ...], ...] = (
    ("status", "--library", "nowhere"),
    ("status", "--library", "album"),
    ("show", "nowhere.png"),
    ("index", "nowhere"),
    ("remove", "nowhere", "--yes"),
    ("search", "red", "--in", "nowhere"),
    ("search", "--image", "album/broken.jpg"),
    ("tag", "--labels", "nowhere.txt"),
    ("use", "mini"),
    ("use", "mini-caption"),
    ("dedup", "--leak", "nowhere"),
    ("dedup", "apply", "nowhere.jsonl"),
    ("dedup", "apply", "album/note.txt"),
    ("dedup", "undo", "nowhere.jsonl"),
    ("dedup", "undo", "album/note.txt"),
)


class Interrupting(io.BytesIO):
    """Stands for a terminal at which somebody types Ctrl-C."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size == 0:  # click asks what kind of stream it is
            return b""
        raise KeyboardInterrupt

    read1 = readline = readlines = read  # type: ignore[assignment]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal beside a library of images and texts; one of its files is gone."""
    made = Terminal(tmp_path_factory.mktemp("words"))
    album = shapes(made.place / "album")
    (made.place / "labels.txt").write_text("red\nblue\n")
    assert made.run("index", album, "--model", "stand-in").exit_code == 0
    (album / "2021" / "gone.png").unlink()
    assert made.run("index").exit_code == 0
    return made


def test_exit_codes_are_as_they_were(terminal: Terminal) -> None:
    tried = (*FOUND, *NOTHING, *USAGE, *ERRORS)
    noted = [terminal.code(*words) for words in tried]
    noted.append(terminal.code("index", "--files-from", "-", given=Interrupting()))
    compare({"exit_codes": noted})


def test_settings_are_as_they_were(terminal: Terminal) -> None:
    """Read each by its name, from the file and from the environment."""
    file = terminal.place / "home" / "config" / "sightline" / "settings.toml"
    file.parent.mkdir(parents=True)
    noted = []
    for written in (SETTINGS, *_wrong(SETTINGS)):
        file.write_text(written)
        noted.append({"settings": written.splitlines(), **terminal.code("status")})
    file.unlink()
    compare({"settings": noted})


def _wrong(written: str) -> Iterator[str]:
    """Spell a settings file wrongly, a line after another."""
    lines = written.strip().splitlines()
    yield from (line.replace(" =", "s =", 1) for line in lines)
    yield "limits = { pixel = 1 }"


def test_commands_and_options_are_as_they_were() -> None:
    compare({"options": list(_commands(cli, click.Context(cli), "sightline"))})


def _commands(command: click.Command, context: click.Context, name: str) -> Iterator[Note]:
    """Yield a command with its options and arguments, and those below it."""
    yield {"command": name, "parameters": [_parameter(one) for one in command.params]}
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            below = command.get_command(context, verb)
            assert below is not None
            yield from _commands(below, click.Context(below, context), f"{name} {verb}")


def _parameter(parameter: click.Parameter) -> Mapping[str, object]:
    told = {
        "names": [*parameter.opts, *parameter.secondary_opts],
        "type": parameter.type.name,
        "required": parameter.required,
        "several": parameter.multiple or parameter.nargs != 1,
    }
    if isinstance(parameter.type, click.Choice):
        told["choices"] = list(parameter.type.choices)
    if isinstance(parameter.default, str | float) or type(parameter.default) is int:
        told["default"] = parameter.default
    if isinstance(parameter, click.Option) and isinstance(parameter.flag_value, str):
        told["stands for"] = parameter.flag_value
    return told


def test_the_front_door_is_as_it_was() -> None:
    noted: list[Note] = [{"module": "sightline", "names": [*sightline.__all__]}]
    for name in sightline.__all__:
        noted.append({"name": name, **_public(getattr(sightline, name))})
    compare({"front_door": noted})


def _public(thing: Any) -> Note:
    """Note what can be called, given and read of a public thing."""
    if not inspect.isclass(thing):
        return {"takes": _takes(thing)}
    noted: dict[str, object] = {"fields": []}
    if is_dataclass(thing):
        noted["fields"] = [field.name for field in fields(thing)]
        noted["takes"] = _takes(thing)
    methods = [name for name, one in vars(thing).items() if callable(one) and name[0] != "_"]
    noted["methods"] = [f"{name} {' '.join(_takes(getattr(thing, name)))}" for name in methods]
    noted["others"] = sorted(
        name
        for name, one in vars(thing).items()
        if name[0] != "_" and isinstance(one, property | classmethod | staticmethod)
    )
    return noted


def _takes(function: Any) -> list[str]:
    """Spell the parameters of a function without their types, whose modules may move."""
    empty = inspect.Parameter.empty
    return [
        str(one.replace(annotation=empty))
        for one in inspect.signature(function).parameters.values()
    ]


def test_python_sees_what_the_command_line_does(terminal: Terminal) -> None:
    with terminal.at_home(), sightline.open(terminal.library) as library:
        names = [Path(hit.item.paths[0]).name for hit in library.search("red", k=2)]
        status = library.status()
    rows = terminal.rows("search", "red", "-k", 2)["rows"]
    assert isinstance(rows, list)
    assert [Path(row["path"]).name for row in rows] == names
    assert (status.items, status.missing, status.failures) == (6, 1, 1)
