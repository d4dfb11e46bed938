"""Does every real file get a verdict, in how much memory, and what does a second run cost?

    SIGHTLINE_DATA=… uv run python -m benchmarks.real_files

Runs the command `sightline index` over folders of real files twice, watches the proportional
memory (PSS) of its whole process tree, adds up the counts, and compares the vectors of the nine
orientations of one photo.
"""

import json
import tempfile
from pathlib import Path

import click
import numpy as np

from benchmarks.process_tree import Command, run
from benchmarks.rows import data_folder, keep
from benchmarks.sightline_command import SIGHTLINE
from storage import Library
from storage.tables import vectors

FOLDERS = (
    "exif-orientation",
    "immich-public-domain",
    "pillow-tests",
    "exif-samples",
    "imagenet-sample",
    "coco-mini",
)


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
        command = Command((str(SIGHTLINE), *words, "--library", f"{folder}/library"))
        for number in ("first", "second"):
            printed, usage = run(command, sample=True)
            counts = json.loads(printed.splitlines()[-1])
            seconds, peak = usage.wall_seconds, usage.peak_pss_bytes
            verdicts = ("new", "copied", "moved", "unchanged", "skipped", "failed")
            assert counts["scanned"] == sum(counts[name] for name in verdicts), counts
            rows.append({"run": number, **counts, "wall_seconds": seconds, "peak_pss_bytes": peak})
            print(f"{number}: {counts}; {seconds:.1f} s in all, peak PSS {peak / 2**30:.2f} GiB")
        with Library.open(f"{folder}/library") as library:
            agree = orientations(library, data / "exif-orientation")
    print(f"least cosine among the nine orientations: {agree}")
    keep("real_files", {"model": model, "orientations": agree}, rows)


if __name__ == "__main__":
    main()
