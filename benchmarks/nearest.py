"""How long does the nearest-neighbour part of a query take in a large library?

    uv run python -m benchmarks.nearest --items 300000

Fills a library with random unit vectors and made-up metadata, builds its exact index, and times
the choice of allowed vectors and the search among them, with and without filters. The loading
of a model is apart: it does not depend on the size of the library.
"""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import click
import numpy as np
from sqlalchemy import insert

from benchmarks.rows import keep
from storage import Filters, Library, Space, schema
from storage.index import builds
from storage.records import Matrix
from storage.selection import select_vectors
from storage.tables import spaces, vectors
from storage.tables.roots import Roots

DIMENSION = 512
FOLDER = "/photos"
RANDOM = Space("random", "0", DIMENSION, "{}")
_BATCH = 5_000
QUESTIONS = {
    "no filter": Filters(),
    "one folder of a hundred": Filters(folder=f"{FOLDER}/07"),
    "one year of 25": Filters(after="2010", before="2011"),
    "15 years of 25": Filters(after="2010"),
}


def unit_rows(seed: int, count: int) -> Matrix:
    """Draw random directions: (count, DIMENSION) float32."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION), np.float32)
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def blocks(count: int) -> Iterator[tuple[range, Matrix]]:
    """Yield so many made-up images in blocks: their numbers, and their vectors as `unit_rows`."""
    for first in range(1, count + 1, _BATCH):
        numbers = range(first, min(first + _BATCH, count + 1))
        yield numbers, unit_rows(first, len(numbers))


def image_path(number: int, folder: str = FOLDER) -> str:
    """Return the path of a made-up image, in one of a hundred folders."""
    return f"{folder}/{number % 100:02}/{number}.jpg"


def fill(library: Library, count: int, space: Space = RANDOM, folder: str = FOLDER) -> int:
    """Enter made-up items: a hundred folders, 25 years, one in a thousand missing.

    Return the number of the space.
    """
    with library.catalogue.writing() as connection:
        space_id = spaces.register(connection, space).id
        root = Roots(connection).enter(folder, walked=True).id
    assert space_id is not None
    for numbers, matrix in blocks(count):
        with library.catalogue.writing() as connection:
            connection.execute(insert(schema.items), list(_items(numbers)))
            connection.execute(insert(schema.files), list(_files(numbers, root, folder)))
            vectors.add(connection, space_id, "image", numbers, matrix)
    return space_id


def _items(numbers: range) -> Iterator[dict[str, object]]:
    for number in numbers:
        yield {
            "id": number,
            "hash": hashlib.sha256(str(number).encode()).hexdigest(),
            "kind": "image",
            "bytes": number,
            "format": "JPEG",
            "taken_at": f"20{number % 25:02}-06-01T12:00:00",
            "present": number % 1000 != 0,
        }


def _files(numbers: range, root: int, folder: str) -> Iterator[dict[str, object]]:
    for number in numbers:
        yield {
            "root_id": root,
            "path": image_path(number, folder),
            "item_id": number,
            "size": number,
            "mtime_ns": 0,
            "missing": number % 1000 == 0,
        }


@click.command()
@click.option("--items", default=300_000, show_default=True)
@click.option("--repeat", default=9, show_default=True)
def main(items: int, repeat: int) -> None:
    """Print median milliseconds by kind of question."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder, Library.create(Path(folder) / "l") as library:
        fill(library, items)
        began = time.perf_counter()
        build = builds.make(library.catalogue, library.paths.index, 1, "image")
        seconds = time.perf_counter() - began
        assert build is not None
        size = library.status().bytes / items
        print(f"{items:,} items: {size:,.0f} bytes each, index built in {seconds:.1f} s")
        rows.append({"build_seconds": seconds, "bytes_an_item": size, "recall": build.recall})
        nearest = library.nearest(1, "image")
        with library.catalogue.reading() as connection:
            for name, filters in QUESTIONS.items():
                times = []
                for query in unit_rows(0, repeat):
                    began = time.perf_counter()
                    chosen = select_vectors(connection, 1, "image", filters)
                    nearest.search(connection, query, 10, chosen)
                    times.append(time.perf_counter() - began)
                rows.append({"question": name, "seconds": times})
                print(f"{name}: {median(times) * 1e3:.0f} ms")
    keep("nearest", {"items": items, "dimension": DIMENSION}, rows)


if __name__ == "__main__":
    main()
