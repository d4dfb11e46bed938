"""What does finding candidate pairs cost among a million images, and a thousand more?

    SIGHTLINE_DATA=… uv run --with imagededup python -m benchmarks.million --rows 1000000

Fills a library with made-up hashes and vectors and plants copies among them, then measures in a
process of its own: wall seconds, the most anonymous memory, and the planted pairs found. Random
hashes and random vectors are the worst case: no list of an inverted file fits them. The hashes of
copies differ by more bits than those of measured edits did (median 4, 99 of 100 within 30).

The method for crops is measured at three smaller sizes, on made-up features that have fewer chance
meetings than those of real photos (2,014 pairs of 914 distinct photos share three): what it costs
to compare those comes on top. Beside it stands imagededup's own search, on as many hashes as it
manages in the time it is given.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np
from PIL import Image
from sqlalchemy import insert

from benchmarks.planted_duplicates import sources
from benchmarks.rows import data_folder, keep
from indexer.images.fingerprint import local_features
from search.dedup.detect.candidates import by_features, by_hashes
from search.dedup.detect.kinds import Thresholds
from storage import Library, Space, schema
from storage.index import builds
from storage.index.knn_join import neighbours
from storage.tables import duplicate_pairs, fingerprints, spaces, vectors

DIMENSION, FEATURES = 512, 100
BLOCK = 5_000
PLANTED = 0.02  # of the images are copies of others
SPREAD = 11.6  # bits by which a copy's hash differs: half of a normal distribution
FLIPPED = 0.05  # of a feature's bits, to make of a photo's feature one of another photo's
ADDED = 1_000
Row = dict[str, object]


class Made:
    """Made-up images, the same ones whenever they are asked for; some are copies."""

    def __init__(self, rows: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.rows, self.seed = rows, seed
        copies = np.sort(rng.choice(np.arange(1, rows), int(PLANTED * rows), replace=False))
        self.sources = {int(copy): int(rng.integers(0, copy)) for copy in copies}

    @property
    def pairs(self) -> set[tuple[int, int]]:
        """Item numbers of what was planted, the lower first."""
        return {(source + 1, copy + 1) for copy, source in self.sources.items()}

    def hashes(self, number: int) -> np.ndarray:
        """Return (8, 32) uint8: those of a copy hold its source's base in some form, nearly."""
        rng = np.random.default_rng((self.seed, 1, number))
        made = rng.integers(0, 256, (8, 32), np.uint8)
        if number in self.sources:
            flips = np.zeros(256, np.uint8)
            many = min(40, round(abs(rng.normal(0, SPREAD))))
            flips[rng.choice(256, many, replace=False)] = 1
            base = self.hashes(self._origin(number))[0]
            made[rng.integers(0, 8)] = base ^ np.packbits(flips)
        return made

    def vector(self, number: int) -> np.ndarray:
        """Return a unit (512,): a copy's has a cosine of 0.95 to 0.99 with its source's."""
        rng = np.random.default_rng((self.seed, 2, number))
        drawn = rng.standard_normal(DIMENSION)
        drawn /= np.linalg.norm(drawn)
        if number not in self.sources:
            return drawn
        source, cosine = self.vector(self._origin(number)), rng.uniform(0.95, 0.99)
        aside = drawn - (drawn @ source) * source
        return np.asarray(cosine * source + np.sqrt(1 - cosine**2) * aside / np.linalg.norm(aside))

    def _origin(self, number: int) -> int:
        return self.sources[number]

    def enter(self, library: Library, start: int, end: int, with_vectors: bool = True) -> None:
        """Store the images of these numbers."""
        for first in range(start, end, BLOCK):
            numbers = range(first, min(first + BLOCK, end))
            with library.catalogue.writing() as connection:
                connection.execute(insert(schema.items), [_item(number) for number in numbers])
                if with_vectors:
                    prints = [(n + 1, self.hashes(n), 100) for n in numbers]
                    fingerprints.add_fingerprints(connection, prints)
                    matrix = np.stack([self.vector(n) for n in numbers]).astype(np.float32)
                    vectors.add(connection, 1, "image", [n + 1 for n in numbers], matrix)


def _item(number: int) -> Row:
    return {
        "id": number + 1,
        "hash": f"{number:064x}",
        "kind": "image",
        "bytes": 1,
        "format": "JPEG",
        "present": True,
    }


def make(folder: Path, made: Made, rows: int) -> None:
    """Make a library of the first so many images."""
    with Library.create(folder) as library:
        with library.catalogue.writing() as connection:
            spaces.register(connection, Space("random", "0", DIMENSION, "{}"))
        made.enter(library, 0, rows)


@contextmanager
def watched(row: Row) -> Iterator[Row]:
    """Note wall seconds and the most anonymous memory of this process, in MiB."""
    most, over = _anonymous(), threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.1):
            most = max(most, _anonymous())

    thread = threading.Thread(target=watch)
    thread.start()
    began = time.monotonic()
    try:
        yield row
    finally:
        row["seconds"] = time.monotonic() - began
        over.set()
        thread.join()
        row["anonymous_mib"] = max(most, _anonymous())


def _anonymous() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def found(library: Library, method: str, after: int = 0) -> set[tuple[int, int]]:
    """Return the pairs of a method, and remember how far it came."""
    pairs: set[tuple[int, int]] = set()
    limits, last = Thresholds(), after
    if method == "vectors":
        least = min(limits.cosine, limits.burst_cosine)
        for block in neighbours(
            library.catalogue, library.paths.index, 1, after, limits.neighbours, least
        ):
            pairs |= set(zip(block.first.tolist(), block.second.tolist(), strict=True))
        return pairs
    candidates = (
        by_hashes(library.catalogue, limits)
        if method == "hashes"
        else by_features(library.catalogue)
    )
    for met in candidates:
        pairs |= {(int(one), int(other)) for one, other in met.pairs}
        last = met.watermark
    with library.catalogue.writing() as connection:
        duplicate_pairs.set_watermark(connection, method, last)
    return pairs


def measure(folder: Path, made: Made, rows: int) -> list[Row]:
    """Measure a library of so many images, and then a thousand more."""
    results: list[Row] = []

    def take(name: str, method: str, expected: set[tuple[int, int]], after: int = 0) -> None:
        with watched({"what": name}) as row:
            pairs = found(library, method, after)
        row |= {"pairs": len(pairs), "planted": len(expected)}
        row["recall"] = len(pairs & expected) / max(len(expected), 1)
        results.append(row)

    with Library.open(folder) as library:
        here = {pair for pair in made.pairs if pair[1] <= rows}
        new = {pair for pair in made.pairs if rows < pair[1] <= rows + ADDED}
        take("hashes", "hashes", here)
        with watched({"what": "index of vectors"}) as row:
            build = builds.make(library.catalogue, library.paths.index, 1, "image")
        assert build is not None
        results.append(row | {"kind": build.index_kind})
        take("vectors", "vectors", here)
        made.enter(library, rows, rows + ADDED)
        take("hashes of 1,000 more", "hashes", new)
        take("vectors of 1,000 more", "vectors", new, after=rows)
    return results


def crops(folder: Path, sizes: list[int], seed: int) -> list[Row]:
    """Measure the search for shared features at growing sizes."""
    pool = np.concatenate([_codes(photo) for photo in sources(data_folder())[:300]])
    results: list[Row] = []
    for size in sizes:
        made = Made(size, seed)
        with Library.create(folder / str(size)) as library:
            made.enter(library, 0, size, with_vectors=False)
            for first in range(0, size, BLOCK):
                numbers = range(first, min(first + BLOCK, size))
                blank = np.zeros((FEATURES, 4), np.float16)
                with library.catalogue.writing() as connection:
                    rows = [(n + 1, _features(made, pool, n), blank) for n in numbers]
                    fingerprints.add_features(connection, rows)
            with watched({"what": f"features of {size:,}"}) as row:
                pairs = found(library, "features")
        row |= {"size": size, "pairs": len(pairs), "planted": len(made.pairs)}
        results.append(row | {"recall": len(pairs & made.pairs) / len(made.pairs)})
    return results


def _codes(photo: Path) -> np.ndarray:
    with Image.open(photo) as image:
        return np.asarray(local_features(image.convert("RGB")).codes)


def _features(made: Made, pool: np.ndarray, number: int) -> np.ndarray:
    """Return an image's (100, 16) codes; a copy shares forty of its source's, a few bits apart."""
    rng = np.random.default_rng((made.seed, 3, number))
    codes = _noisy(pool[rng.integers(0, len(pool), FEATURES)], FLIPPED, rng)
    if number in made.sources:
        origin = np.random.default_rng((made.seed, 3, made.sources[number]))
        theirs = _noisy(pool[origin.integers(0, len(pool), FEATURES)], FLIPPED, origin)
        codes[:40] = _noisy(theirs[:40], 0.06, rng)
    return codes


def _noisy(codes: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    flips = np.packbits(rng.random((len(codes), 128)) < share, axis=1)
    return np.asarray(codes ^ flips)


def peer(seconds: float, seed: int) -> list[Row]:
    """Run imagededup on growing sets of hashes, until one takes longer than it is given."""
    from imagededup.methods import PHash

    results: list[Row] = []
    size = 1_000
    while not results or float(str(results[-1]["seconds"])) * 4 < seconds:
        drawn = np.random.default_rng(seed).bytes(8 * size)
        known = {f"{n}.jpg": drawn[8 * n : 8 * n + 8].hex() for n in range(size)}
        with watched({"what": f"imagededup phash, {size:,}", "size": size}) as row:
            PHash(verbose=False).find_duplicates(encoding_map=known, max_distance_threshold=10)
        results.append(row)
        size *= 2
    return results


def told(rows: list[Row]) -> None:
    """Print rows as a table."""
    for row in rows:
        print(
            f"{row['what']!s:28}{float(str(row['seconds'])):10.1f} s"
            f"{float(str(row['anonymous_mib'])):9.0f} MiB"
            + (f"   recall {float(str(row['recall'])):.4f}" if "recall" in row else "")
            + (f"   {int(str(row['pairs'])):,} pairs" if "pairs" in row else "")
        )


def extrapolated(rows: list[Row], what: str) -> None:
    """Print what a million would take where the cost grows with the square of the number."""
    last = rows[-1]
    seconds = float(str(last["seconds"])) * (1_000_000 / int(str(last["size"]))) ** 2
    print(f"{what}: {seconds / 3600:,.1f} hours for a million, by the square of the number")


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--crops", "most", default=50_000, show_default=True, help="Images with features.")
@click.option("--peer-seconds", default=120.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--measure", "library", hidden=True, type=click.Path(path_type=Path))
def main(rows: int, most: int, peer_seconds: float, seed: int, library: Path | None) -> None:
    """Fill, measure in a fresh process, and print."""
    made = Made(rows + ADDED, seed)
    if library is not None:
        json.dump(measure(library, made, rows), sys.stdout)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / "library", made, rows)
        again = [sys.executable, "-m", "benchmarks.million", "--rows", str(rows)]
        again += ["--seed", str(seed), "--measure", str(Path(folder) / "library")]
        results: list[Row] = json.loads(
            subprocess.run(again, check=True, stdout=subprocess.PIPE).stdout
        )
        told(results)
        steps = [float(str(row["seconds"])) for row in results]
        share = (steps[3] + steps[4]) / sum(steps[:3])
        print(f"{rows:,}: {sum(steps[:3]) / 60:.1f} minutes; 1,000 more: {share:.2%} of that")
        if most:
            some = crops(Path(folder), [most // 4, most // 2, most], seed)
            told(some)
            extrapolated(some, "crops")
            results += some
    if find_spec("imagededup"):
        others = peer(peer_seconds, seed)
        told(others)
        extrapolated(others, "imagededup")
        results += others
    else:
        print("imagededup is not installed: uv run --with imagededup …")
    keep("million", {"rows": rows, "crops": most, "seed": seed}, results)


if __name__ == "__main__":
    main()
