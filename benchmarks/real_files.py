"""Does every real file get a verdict, in how much memory, and what does a second run cost?

    SIGHTLINE_DATA=… uv run python -m benchmarks.real_files

Runs the command `sightline index` over folders of real files twice, watches the proportional
memory (PSS) of its whole process tree, adds up the counts, and compares the vectors of the nine
orientations of one photo.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import click
import numpy as np
import psutil

from benchmarks.rows import data_folder, keep
from storage import Library
from storage.tables import vectors

SIGHTLINE = Path(sys.executable).with_name("sightline")
FOLDERS = (
    "exif-orientation",
    "immich-public-domain",
    "pillow-tests",
    "exif-samples",
    "imagenet-sample",
    "coco-mini",
)


def tree_pss(process: psutil.Process) -> int:
    """Add up the proportional memory of a process and its descendants; bytes."""
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            total += member.memory_full_info().pss
        except psutil.Error:  # gone between being listed and being asked
            continue
    return total


def watched(command: list[str]) -> tuple[dict[str, float], float, int]:
    """Run a command that prints a JSON object; gives it, wall seconds and peak PSS in bytes."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        member = psutil.Process(process.pid)
        while not done.wait(0.05):
            try:
                peak = max(peak, tree_pss(member))
            except psutil.Error:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate()
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"the command ended with {process.returncode}")
    return json.loads(out.splitlines()[-1]), seconds, peak


def orientations(library: Library, folder: Path) -> dict[str, float]:
    """Return the least cosine between the vectors of each photo's nine orientations."""
    space = library.space()
    assert space is not None and space.id is not None
    found = {}
    with library.catalogue.reading() as connection:
        for shape in ("Landscape", "Portrait"):
            items = [library.find(str(path)) for path in sorted(folder.glob(f"{shape}_*.jpg"))]
            rows = [vectors.of_item(connection, space.id, item.id) for item in items]
            matrix = np.stack([row for row in rows if row is not None])
            assert len(matrix) == 9
            found[shape] = float((matrix @ matrix.T).min())
    return found


@click.command()
@click.option("--model", default="mini", show_default=True)
def main(model: str) -> None:
    """Print the counts, the time of both runs, the peak memory and the orientations."""
    data = data_folder()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        words = ["index", *(str(data / name) for name in FOLDERS), "--model", model, "--json"]
        command = [str(SIGHTLINE), *words, "--library", f"{folder}/library"]
        for run in ("first", "second"):
            counts, seconds, peak = watched(command)
            verdicts = ("new", "copied", "moved", "unchanged", "skipped", "failed")
            assert counts["scanned"] == sum(counts[name] for name in verdicts), counts
            rows.append({"run": run, **counts, "wall_seconds": seconds, "peak_pss_bytes": peak})
            print(f"{run}: {counts}; {seconds:.1f} s in all, peak PSS {peak / 2**30:.2f} GiB")
        with Library.open(f"{folder}/library") as library:
            agree = orientations(library, data / "exif-orientation")
    print(f"least cosine among the nine orientations: {agree}")
    keep("real_files", {"model": model, "orientations": agree}, rows)


if __name__ == "__main__":
    main()
