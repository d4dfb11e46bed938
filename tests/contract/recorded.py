"""A library as one version of the program has left it, kept with the images it was made of.

`uv run python -m tests.contract.recorded 0.2.0` makes `libraries/0.2.0.zip` with the program as it
is now. Do so before a release, and never again: what is kept is what people have on their disks.

Paths in a catalogue are absolute. In the zip they begin with a folder that no machine has, and
with the folder of the test once it is put there; the files' dates are put back as well, and what
a file system alone knows of a file (its number, its time of change) is not kept.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from tests.contract.drawing import recorded
from tests.contract.terminal import Terminal

LIBRARIES = Path(__file__).with_name("libraries")
_NOWHERE = "/where the library was recorded"
_DATE = 1_600_000_000  # seconds, of every file
_COMMANDS: tuple[tuple[object, ...], ...] = (
    ("index", "album", "--text-column", "caption", "--model", "stand-in"),
    ("index", "--model", "mini"),
    ("describe", "--all", "--model", "mini-caption"),
    ("tag", "--labels", "labels.txt"),
    ("search", "circle", "--min-lift", -1),  # keeps the vectors of neutral queries
    ("dedup", "--out", "out"),
    ("dedup", "--kind", "similar", "--kind", "identical", "--out", "similar"),
    ("dedup", "decide", "out/plan.jsonl", "--group", 2, "--keep-all"),
    ("dedup", "decide", "out/plan.jsonl", "--group", 1, "--not-duplicates"),
)


def restore(version: str, place: Path) -> None:
    """Put the library of a version and its images into a folder."""
    with ZipFile(LIBRARIES / f"{version}.zip") as kept:
        kept.extractall(place)
    for path in (place / "album").iterdir():
        os.utime(path, (_DATE, _DATE))
    _move(place / "library" / "catalogue.sqlite3", _NOWHERE, str(place))


def record(version: str) -> Path:
    """Make the library of this version; returns where it is kept."""
    LIBRARIES.mkdir(exist_ok=True)
    kept = LIBRARIES / f"{version}.zip"
    with TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder))
        _make(terminal)
        _move(terminal.library / "catalogue.sqlite3", str(terminal.place), _NOWHERE)
        paths = [*terminal.library.rglob("*"), *(terminal.place / "album").iterdir()]
        with ZipFile(kept, "w", ZIP_DEFLATED, compresslevel=9) as made:
            for path in sorted(path for path in paths if path.is_file()):
                made.write(path, path.relative_to(terminal.place))
    return kept


def _make(terminal: Terminal) -> None:
    """Fill a library with everything that one can hold, but for an index of many vectors."""
    album = recorded(terminal.place / "album")
    for path in album.iterdir():
        os.utime(path, (_DATE, _DATE))
    (terminal.place / "labels.txt").write_text("red circle\nblue square\ngreen circle\n")
    for words in _COMMANDS:
        done = terminal.run(*words)
        assert done.exit_code == 0, done.stderr
    (album / "gone.png").unlink()
    assert terminal.run("index", album, "--exclude", "draft.*").exit_code == 0


def _move(catalogue: Path, before: str, after: str) -> None:
    """Replace what every path of a catalogue begins with."""
    with closing(sqlite3.connect(catalogue)) as opened, opened:
        for table in ("roots", "files", "failures"):
            for number, path in opened.execute(f"SELECT id, path FROM {table}").fetchall():
                assert path.startswith(os.fsencode(before))
                moved = os.fsencode(after) + path[len(os.fsencode(before)) :]
                opened.execute(f"UPDATE {table} SET path = ? WHERE id = ?", (moved, number))
        opened.execute("UPDATE roots SET inode = NULL")
        for table in ("files", "failures"):
            opened.execute(f"UPDATE {table} SET inode = NULL, ctime_ns = NULL")
    with closing(sqlite3.connect(catalogue, isolation_level=None)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")


if __name__ == "__main__":
    print(record(sys.argv[1]))
