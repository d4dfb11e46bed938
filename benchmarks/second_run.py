"""What does a second run over unchanged files cost, beside a bare walk of them?

    uv run python -m benchmarks.second_run

Makes folders of small files and enters them in a library as indexed by the stand-in, which needs
no weights. Then, in turn: a walk by `os.scandir` with one `stat` a file and nothing else, and
`sightline index` as a command. Kept are the seconds of the walk, those that the run reports, those
of the whole command with the start of the program, and its peak memory; the median of the
repetitions is printed. The page cache is warm.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click
import numpy as np
from sqlalchemy import insert

from benchmarks.rows import keep
from indexer.models import FakeEncoder
from indexer.reader import METADATA_VERSION, READER_VERSION
from indexer.scan.file_systems import FileSystems
from storage import Library, schema
from storage.records import Root
from storage.tables import spaces, vectors

_COMMAND = str(Path(sys.executable).with_name("sightline"))
PER_FOLDER = 500
DIMENSION = 64  # of the stand-in
Row = dict[str, float]
# In an interpreter of its own: Linux counts what the parent had at the start as the child's peak.
_MEASURE = """
import os, subprocess, sys, time
began = time.perf_counter()
made = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
out = made.stdout.read().decode()
_, code, used = os.wait4(made.pid, 0)
print(code, time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss, out)
"""


def draw(folder: Path, files: int) -> None:
    """Make small files with the names of photos, `PER_FOLDER` in each folder."""
    for number in range(files):
        within = folder / f"{number // PER_FOLDER:04d}"
        if number % PER_FOLDER == 0:
            within.mkdir(parents=True)
        (within / f"IMG_{number:06d}.jpg").write_bytes(b"%d" % number)


def enter(library: Library, photos: Path) -> None:
    """Enter every file as an index run with the stand-in leaves it."""
    with library.catalogue.writing() as connection:
        space = spaces.register(connection, FakeEncoder().space)
        root = Root(1, str(photos), True)
        connection.execute(insert(schema.roots), {"id": 1, "path": root.path, "walked": True})
        stable = FileSystems.read().of(root.path)
        number = 0
        for folder in sorted(photos.iterdir()):
            seen = [(path, path.stat()) for path in sorted(folder.iterdir())]
            numbers = range(number + 1, number + 1 + len(seen))
            number += len(seen)
            connection.execute(insert(schema.items), [_item(one) for one in numbers])
            connection.execute(
                insert(schema.files),
                [
                    {
                        "root_id": 1,
                        "path": str(path),
                        "item_id": item,
                        "size": stat.st_size,
                        "mtime_ns": stat.st_mtime_ns,
                        "ctime_ns": stat.st_ctime_ns if stable.ctime else None,
                        "inode": str(stat.st_ino) if stable.inode else None,
                        "missing": False,
                    }
                    for item, (path, stat) in zip(numbers, seen, strict=True)
                ],
            )
            matrix = np.ones((len(seen), DIMENSION), np.float32) / np.sqrt(np.float32(DIMENSION))
            assert space.id is not None
            vectors.add(connection, space.id, "image", numbers, matrix)


def _item(number: int) -> dict[str, object]:
    return {
        "id": number,
        "hash": f"{number:064x}",
        "kind": "image",
        "bytes": 1,
        "format": "JPEG",
        "present": True,
        "reader_version": READER_VERSION,
        "metadata_version": METADATA_VERSION,
    }


def walk(folder: str) -> int:
    """Look at every file under a folder, and return how many there are."""
    found = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += walk(entry.path)
            else:
                entry.stat()
                found += 1
    return found


def second_run(library: Path, files: int) -> Row:
    """Run the command in a process of its own; seconds, and peak memory in MB."""
    words = [_COMMAND, "index", "--library", str(library), "--json"]
    measured = subprocess.run(
        [sys.executable, "-S", "-c", _MEASURE, *words], capture_output=True, text=True, check=True
    )
    code, wall, used, peak, told = measured.stdout.split(" ", 4)
    report = json.loads(told)
    assert code == "0" and report["unchanged"] == report["scanned"] == files, report
    return {
        "run_seconds": report["seconds"],
        "command_seconds": float(wall),
        "command_cpu_seconds": float(used),
        "command_peak_mb": int(peak) * 1024 / 1e6,
    }


def measure(files: int, repeat: int) -> list[Row]:
    """Measure the walk and the run in turn, over so many files."""
    rows = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        draw(folder / "photos", files)
        with Library.create(folder / "library") as library:
            enter(library, folder / "photos")
        second_run(folder / "library", files)  # warm; a first run also chooses an index
        for _ in range(repeat):
            began = time.perf_counter()
            assert walk(str(folder / "photos")) == files
            walked = time.perf_counter() - began
            row = second_run(folder / "library", files)
            rows.append({"files": files, "walk_seconds": walked, **row})
            print(
                f"{files:,} files: walk {walked:.2f} s, run {row['run_seconds']:.2f} s, command "
                f"{row['command_seconds']:.2f} s, {row['command_peak_mb']:.0f} MB"
            )
    for what in ("run", "command"):
        ratio = median(row[f"{what}_seconds"] / row["walk_seconds"] for row in rows)
        print(f"{files:,} files: the {what} takes {ratio:.2f} times the walk, the median")
    return rows


@click.command()
@click.option("--files", "counts", multiple=True, default=(10_000, 100_000), show_default=True)
@click.option("--repeat", default=5, show_default=True)
def main(counts: tuple[int, ...], repeat: int) -> None:
    """Print each repetition, and both ratios to the walk."""
    rows = [row for files in counts for row in measure(files, repeat)]
    keep("second_run", {"per_folder": PER_FOLDER, "repeat": repeat}, rows)


if __name__ == "__main__":
    main()
