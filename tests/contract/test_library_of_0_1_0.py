"""The library that version 0.1.0 has left opens, answers and goes on as it did then.

`tests.contract.recorded` has made it; the golden files were written by 0.1.0 itself.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import sightline
from tests.contract.drawing import XMP
from tests.contract.golden import compare
from tests.contract.recorded import restore
from tests.contract.terminal import Note, Terminal

VERSION = "0.1.0"


def opened(terminal: Terminal, album: Path) -> list[Note]:
    shown = ("red circle.jpg", "gone.png", "draft.png", "note.txt", "rows.jsonl")
    return [
        terminal.rows("status"),
        terminal.rows("failures"),
        *(terminal.rows("show", album / name) for name in shown),
        terminal.rows("tag", "--list"),
        terminal.rows("dedup", "decide", "--list"),
    ]


def searched(terminal: Terminal, album: Path) -> list[Note]:
    return [
        terminal.rows("search", "red circle"),
        terminal.rows("search", "circles", "--missing", "--min-lift", -1, "-k", 3),
        terminal.rows("search", "wind", "--kind", "text"),
        terminal.rows("search", "--like", album / "photo 1.jpg", "-k", 3),
        terminal.rows("search", "--image", album / "blue square.png", "-k", 3),
        terminal.rows("search", "x", "--tag", "green circle"),
        terminal.rows("search", "x", "--camera", "canon", "--after", 2020, "--near", "47,7,50"),
        terminal.rows("describe", album / "photo 1.jpg", "--model", "mini-caption"),
    ]


def compared(terminal: Terminal, album: Path) -> list[Note]:
    words = ("dedup", "--kind", "same-picture", "--kind", "edited")
    return [
        terminal.rows("dedup"),
        terminal.code("dedup", "decide", "--forget", 1),
        terminal.rows(*words),
        terminal.rows("dedup", "--semantic", "--cosine", 0.9, "--out", "lists"),
        terminal.text_file(terminal.place / "lists" / "keep-0.9.txt"),
    ]


def gone_on_with(terminal: Terminal, album: Path) -> list[Note]:
    """Index again: nothing of what was read is read or encoded once more."""
    return [
        terminal.rows("index"),
        terminal.rows("index", "--model", "mini"),
        terminal.rows("failures", "--retry"),
        terminal.rows("use", "mini"),
        terminal.rows("search", "red circle", "-k", 2),
        terminal.rows("status"),
        terminal.files(terminal.library),
    ]


SCENES: Mapping[str, Callable[[Terminal, Path], list[Note]]] = {
    "opened": opened,
    "searched": searched,
    "compared": compared,
    "gone_on_with": gone_on_with,
}


def test_the_library_answers_as_it_did(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    restore(VERSION, terminal.place)
    album = terminal.place / "album"
    compare({f"library_{VERSION}_{name}": play(terminal, album) for name, play in SCENES.items()})


def test_the_next_run_reads_what_is_said_and_encodes_nothing(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    restore(VERSION, terminal.place)
    album = terminal.place / "album"
    (album / "photo 1.xmp").write_text(XMP, encoding="utf-8")
    thumbnail = next((terminal.library / "thumbnails").rglob("*.webp"))
    thumbnail.write_bytes(b"as it was")  # which reading an image again would write over
    [report] = _printed(terminal, "index")
    assert (report["unchanged"], report["new"], report["reread"], report["failed"]) == (13, 0, 0, 1)
    [hit] = _printed(terminal, "search", "caf\u00e9", "--rating", "4", "--keyword", "SEA")
    assert hit["path"] == str(album / "photo 1.jpg")
    assert (hit["rating"], hit["keywords"], hit["why"][-1]) == (4, ["sea", "caf\u00e9"], "words")
    assert thumbnail.read_bytes() == b"as it was"


def test_the_columns_of_a_table_are_no_part_of_its_format(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    restore(VERSION, terminal.place)
    with terminal.at_home(), sightline.open(terminal.library) as opened:
        item = opened.library.find(str(terminal.place / "album" / "table.csv"))
    assert (item.format, item.table_columns) == ("table", ("caption",))
    [row] = _printed(terminal, "show", terminal.place / "album" / "table.csv")
    assert row["format"] == 'table:["caption"]'


def _printed(terminal: Terminal, *words: object) -> list[dict[str, Any]]:
    done = terminal.run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_new_catalogue_has_the_tables_that_it_had(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with terminal.at_home(), sightline.open(terminal.library):
        pass
    with closing(sqlite3.connect(terminal.library / "catalogue.sqlite3")) as catalogue:
        compare({"catalogue": [*_tables(catalogue), *_settings(catalogue)]})


def test_the_catalogue_of_then_has_the_tables_of_now(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    restore(VERSION, terminal.place)
    assert terminal.run("status").exit_code == 0
    with closing(sqlite3.connect(terminal.library / "catalogue.sqlite3")) as catalogue:
        compare({"catalogue": [*_tables(catalogue), *_settings(catalogue)]})


def _tables(catalogue: sqlite3.Connection) -> list[Note]:
    """Note the columns and indexes of each table."""
    listed = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    names = [name for (name,) in catalogue.execute(listed)]
    return [
        {
            "table": name,
            "columns": [
                {"name": column, "type": kind, "not null": required, "key": key}
                for _, column, kind, required, _, key in _pragma(catalogue, "table_info", name)
            ],
            "indexes": sorted(
                f"{index}{' unique' if unique else ''}{' partial' if partial else ''}: "
                + ", ".join(str(row[2]) for row in _pragma(catalogue, "index_info", str(index)))
                for _, index, unique, _, partial in _pragma(catalogue, "index_list", name)
            ),
        }
        for name in names
    ]


def _settings(catalogue: sqlite3.Connection) -> list[Note]:
    """Note the triggers, the version of the schema, and how the file is laid out."""
    triggers = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    return [
        {"triggers": [list(row) for row in catalogue.execute(triggers)]},
        {"schema": catalogue.execute("SELECT version_num FROM alembic_version").fetchall()},
        {"page size": _pragma(catalogue, "page_size")},
        {"journal": _pragma(catalogue, "journal_mode")},
    ]


def _pragma(catalogue: sqlite3.Connection, name: str, of: str = "") -> list[tuple[object, ...]]:
    asked = f"PRAGMA {name}('{of}')" if of else f"PRAGMA {name}"
    return catalogue.execute(asked).fetchall()
