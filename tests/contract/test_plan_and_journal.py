"""What `dedup` prints and writes for programs: plans, journals, sidecars, lists, decisions.

One story is played over one library, as in `test_json_rows`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pyarrow import parquet

from tests.contract.drawing import copies
from tests.contract.golden import compare
from tests.contract.terminal import Note, Terminal

PLAN = "out/plan.jsonl"
APPLY = ("dedup", "apply", PLAN, "--yes")


def journal(terminal: Terminal) -> Note:
    """Note the only journal, and put it away so that the next run begins another."""
    [path] = (terminal.place / "out").glob("plan-*.journal.jsonl")
    noted = terminal.json_file(path)
    path.unlink()
    return noted


def applied(terminal: Terminal, *words: object) -> list[Note]:
    """Note a run of apply, what it changed, its journal, and how it is undone."""
    done = terminal.rows(*APPLY, *words)
    album = terminal.files(terminal.place / "album")
    [path] = (terminal.place / "out").glob("plan-*.journal.jsonl")
    return [done, album, terminal.rows("dedup", "undo", path), journal(terminal)]


def find(terminal: Terminal) -> list[Note]:
    album = terminal.place / "album"
    return [
        terminal.rows("dedup"),
        terminal.rows("dedup", "--kind", "edited", "--drop", "edited"),
        terminal.rows("dedup", "--kind", "identical", "--prefer", album / "backup"),
        terminal.rows("dedup", "--within", album / "a", "--against", album / "b", "--no-crops"),
        terminal.rows("dedup", "--within", album / "alone.png"),
        terminal.rows("dedup", "--kind", "similar", "--kind", "identical", "--limit", "cosine=0.8"),
    ]


def plan(terminal: Terminal) -> list[Note]:
    return [
        terminal.code("dedup", "--out", "out"),
        terminal.json_file(terminal.place / PLAN),
        terminal.files(terminal.place / "out"),
        terminal.rows("dedup", "apply", PLAN, "--dry-run"),
        terminal.files(terminal.place / "out"),
    ]


def trash(terminal: Terminal) -> list[Note]:
    noted = [terminal.rows(*APPLY), terminal.rows(*APPLY)]
    notes = sorted((terminal.place / "home" / "data" / "Trash" / "info").iterdir())
    noted += [terminal.text_file(note) for note in notes]
    [path] = (terminal.place / "out").glob("plan-*.journal.jsonl")
    noted += [terminal.rows("dedup", "undo", path), terminal.rows("dedup", "undo", path)]
    return [*noted, journal(terminal), terminal.files(terminal.place / "home")]


def move(terminal: Terminal) -> list[Note]:
    moved = (*APPLY, "--move", "moved", "--companions", "move", "--sidecar")
    noted = [terminal.rows(*moved, "--dry-run"), terminal.rows(*moved)]
    noted += [terminal.text_file(path) for path in (terminal.place / "album").glob("*.xmp")]
    noted += [terminal.files(terminal.place / "album"), terminal.files(terminal.place / "moved")]
    [path] = (terminal.place / "out").glob("plan-*.journal.jsonl")
    return [*noted, terminal.rows("dedup", "undo", path), journal(terminal)]


def hardlink(terminal: Terminal) -> list[Note]:
    return applied(terminal, "--hardlink")


def decide(terminal: Terminal) -> list[Note]:
    words = ("dedup", "decide", PLAN, "--group")
    noted = [
        terminal.rows("dedup", "decide", "--list"),
        terminal.code(*words, 2, "--not-duplicates"),  # the same bytes
        terminal.code(*words, 2, "--group", 3, "--keep-all"),
        terminal.code(*words, 1, "--not-duplicates"),
        terminal.rows("dedup", "decide", "--list"),
        terminal.rows(*APPLY),
        terminal.rows("dedup"),
        terminal.code("dedup", "decide", "--forget", 1),
        terminal.rows("dedup", "decide", "--list"),
        terminal.code("dedup", "decide", "--forget", 2, "--forget", 3),
    ]
    return [*noted, journal(terminal)]


def semantic(terminal: Terminal) -> list[Note]:
    words = ("dedup", "--semantic", "--cosine", 0.95, "--out")
    noted = [terminal.rows(*words, form, "--list", form) for form in ("paths", "ids", "paths0")]
    noted += [terminal.rows(*words, "parquet", "--list", "parquet")]
    for form in ("paths", "ids", "paths0"):
        noted += map(terminal.text_file, sorted((terminal.place / form).iterdir()))
    tables = sorted((terminal.place / "parquet").iterdir())
    return noted + [table(terminal, path) for path in tables]


def leak(terminal: Terminal) -> list[Note]:
    test = terminal.place / "test"
    test.mkdir()
    (test / "seen.png").write_bytes((terminal.place / "album" / "first.png").read_bytes())
    (test / "cut.png").write_bytes((terminal.place / "album" / "crop.png").read_bytes())
    words = ("dedup", "--leak", test, "--out", "leaks")
    noted = [terminal.rows(*words, "--list", "parquet")]
    noted += [terminal.rows(*words, "--kind", "identical", "--list", "ids")]
    noted += map(terminal.text_file, sorted((terminal.place / "leaks").glob("*.txt")))
    return noted + [table(terminal, path) for path in (terminal.place / "leaks").glob("*.parquet")]


def table(terminal: Terminal, path: Path) -> Note:
    """Note the columns of a Parquet file, and its rows."""
    read = parquet.read_table(path)
    columns = {field.name: str(field.type) for field in read.schema}
    rows = [terminal.normal.value(_unpacked(row)) for row in read.to_pylist()]
    return {"file": terminal.normal.text(str(path)), "columns": columns, "rows": rows}


def _unpacked(row: Mapping[str, object]) -> Mapping[str, object]:
    """Read the JSON in a cell of evidence."""
    written = row.get("evidence")
    return row if written is None else {**row, "evidence": json.loads(str(written))}


def delete(terminal: Terminal) -> list[Note]:
    (terminal.place / "album" / "b" / "P.MOV").unlink()
    return applied(terminal, "--delete", "--companions", "leave")


SCENES: Mapping[str, Callable[[Terminal], list[Note]]] = {
    "find": find,
    "plan": plan,
    "trash": trash,
    "move": move,
    "hardlink": hardlink,
    "decide": decide,
    "semantic": semantic,
    "leak": leak,
    "delete": delete,
}


def test_plans_and_journals_are_as_they_were(tmp_path: Path) -> None:
    terminal, album = Terminal.beside(tmp_path, copies)
    assert terminal.run("index", album, "--model", "stand-in").exit_code == 0
    compare({f"dedup_{name}": play(terminal) for name, play in SCENES.items()})
