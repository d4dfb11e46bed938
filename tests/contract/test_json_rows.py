"""The rows that `--json` prints, command by command, as programs have come to know them.

One story is played over one library, in one test: what a row holds hangs on the commands before.
`tests.contract.golden` says how the golden files are written anew.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.contract.drawing import shapes
from tests.contract.golden import compare
from tests.contract.terminal import Note, Terminal

LABELS = "red circle\nblue square\ngreen circle\n"


def index(terminal: Terminal, album: Path) -> list[Note]:
    (terminal.place / "names.txt").write_text(f"{album}/note.txt\n{album}/nowhere.png\n")
    first = ("index", album, "--text-column", "caption", "--model", "stand-in")
    noted = [terminal.rows(*first), terminal.rows("index")]
    (album / "2021" / "gone.png").unlink()
    (album / "2021" / "red circle.png").rename(album / "2021" / "red moved.png")
    (album / "2021" / "copied.png").write_bytes((album / "2020" / "blue square.png").read_bytes())
    return [
        *noted,
        terminal.rows("index"),
        terminal.rows("index", "--files-from", "names.txt"),
        terminal.rows("index", "--exclude", "note.*", album),
        terminal.rows("show", album / "note.txt"),
        terminal.rows("index", "--reread"),
        terminal.rows("index", "--model", "mini"),
    ]


def search(terminal: Terminal, album: Path) -> list[Note]:
    red, words = album / "2021" / "red moved.png", ("search", "red circle")
    return [
        terminal.rows(*words),
        terminal.rows(*words, "--kind", "text"),
        terminal.rows("search", "kite", "--kind", "all", "-k", 3),
        terminal.rows("search", "--like", red, "-k", 2),
        terminal.rows("search", "--image", red, "--minus", "blue", "-k", 2),
        terminal.rows(*words, "2:blue square", "--in", album / "2020", "--camera", "canon"),
        terminal.rows(*words, "--after", "2020-06", "--before", "2021", "--near", "46.9,7.4,5"),
        terminal.rows(*words, "--missing", "--min-lift", -1),
        terminal.rows(*words, "--rerank-model", uncalibrated(terminal), "--rerank", "-k", 2),
        terminal.rows(*words, "--after", "2022"),
        terminal.lines(*words, "--paths"),
    ]


def uncalibrated(terminal: Terminal) -> Path:
    """Copy the shipped captioner without what makes a probability of its likelihood."""
    [shipped] = terminal.run("models", "pull", "mini-caption", "--json").stdout.splitlines()
    copied = terminal.place / "captioner"
    shutil.copytree(json.loads(shipped)["path"], copied)
    (copied / "match.json").unlink()
    return copied


def describe(terminal: Terminal, album: Path) -> list[Note]:
    by = ("--model", "mini-caption")
    green = (album / "2021" / "v\u00e9lo vert.png").read_bytes()
    (terminal.place / "outside.png").write_bytes(green)
    return [
        terminal.rows("describe", album / "2020" / "blue square.png", *by),
        terminal.rows("describe", "--all", *by),
        terminal.rows("describe", "--all", *by),
        terminal.rows("describe", "outside.png", *by),
        terminal.rows("search", "circle", "-k", 1),
    ]


def ask(terminal: Terminal, album: Path) -> list[Note]:
    question = ("ask", "what color is the circle?", "--model", "mini-vqa")
    return [
        terminal.rows(*question, "--query", "red circle", "-k", 2),
        terminal.rows(*question, "outside.png"),
        terminal.rows(*question, "--after", "2022"),
    ]


def chat(terminal: Terminal, album: Path) -> list[Note]:
    red, blue = album / "2021" / "red moved.png", album / "2020" / "blue square.png"
    said = "what color is the circle?\nhow many are there?\n\nnobody hears this\n"
    by = ("chat", "--model", "mini-llava")
    return [terminal.rows(*by, red, blue, given=said)]


def tag(terminal: Terminal, album: Path) -> list[Note]:
    return [
        terminal.rows("tag", "--list"),
        terminal.rows("tag", "--labels", "labels.txt"),
        terminal.rows("tag", "--labels", "labels.txt", "--min-score", 0, "--in", album / "2020"),
        terminal.rows("tag", "--list"),
        terminal.rows("search", "circle", "--tag", "red circle", "-k", 1),
        terminal.code("tag", "--remove", "green circle", "--yes"),
        terminal.rows("tag", "--list"),
    ]


def show(terminal: Terminal, album: Path) -> list[Note]:
    names = ("2020/red circle.jpg", "2021/gone.png", "note.txt", "table.csv", "rows.jsonl")
    return [*(terminal.rows("show", album / name) for name in names), terminal.rows("show", "none")]


def failures(terminal: Terminal, album: Path) -> list[Note]:
    return [terminal.rows("failures"), terminal.rows("failures", "--retry")]


def status(terminal: Terminal, album: Path) -> list[Note]:
    return [terminal.rows("status")]


def models(terminal: Terminal, album: Path) -> list[Note]:
    recommend = ("models", "recommend", "--device", "cpu", "--task")
    tasks = ("search", "caption", "vqa", "dialogue", "dedup")
    return [
        terminal.rows("models"),
        terminal.rows("models", "list", "mini*", "--role", "dialogue"),
        terminal.rows("models", "nothing*"),
        *(terminal.rows("models", "show", name) for name in ("mini", "mini-llava", "stand-in")),
        *(terminal.rows(*recommend, task) for task in tasks),
        terminal.rows(*recommend, "search", "--memory", 0.01),
        terminal.rows("models", "pull", "mini-caption"),
        terminal.rows("models", "pull", "stand-in"),
    ]


def spaces(terminal: Terminal, album: Path) -> list[Note]:
    return [
        terminal.rows("use", "mini"),
        terminal.rows("status"),
        terminal.rows(
            "search", "red circle", "--rerank", "--min-match", 0.5, "--describe", "-k", 2
        ),
        terminal.rows("models", "prune", "--yes"),
        terminal.rows("models", "prune", "--yes"),
    ]


def removal(terminal: Terminal, album: Path) -> list[Note]:
    return [
        terminal.code("forget", "--missing", "--yes"),
        terminal.code("remove", album / "2021", "--yes"),
        terminal.code("remove", album / "2021", "--yes"),
        terminal.rows("status"),
        terminal.rows("show", album / "2021" / "red moved.png"),
    ]


SCENES: Mapping[str, Callable[[Terminal, Path], list[Note]]] = {
    "index": index,
    "search": search,
    "describe": describe,
    "ask": ask,
    "chat": chat,
    "tag": tag,
    "show": show,
    "failures": failures,
    "status": status,
    "models": models,
    "spaces": spaces,
    "removal": removal,
}


def test_rows_are_as_they_were(tmp_path: Path) -> None:
    terminal, album = Terminal.beside(tmp_path, shapes)
    (terminal.place / "labels.txt").write_text(LABELS)
    compare({f"rows_{name}": play(terminal, album) for name, play in SCENES.items()})
