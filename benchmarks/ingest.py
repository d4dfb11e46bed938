"""How many images a second are indexed: beside rclip, and beside what the two stages allow?

    SIGHTLINE_DATA=… uv run python -m benchmarks.ingest
    SIGHTLINE_DATA=… uv run python -m benchmarks.ingest --flat

Whole commands over a fresh library, in turn, with the same ViT-B/32-256 of random weights for both
programs: 120 JPEGs of 12 megapixels, and 334 small photos. "With start-up" is the wall time of the
command; "without" is the program's own `seconds` (from the first file to the last row, its model
loaded), and for rclip, which prints none, what the command takes longer than one with nothing new.

In the same run the read workers decode without an encoder and the encoder encodes ready squares
without workers. As both share the cores, no more than 1 / (1/decode + 1/encode) can be reached.
The stored vectors are compared with those of the library's torch class in fp32, of photos decoded
in full, and so are rclip's: if those are others, the two programs did not do the same work (photos
with a colour profile are left out of that: it does not apply profiles). Memory is sampled in a run
of its own. `--flat` compares the memory of 1,000 and of 10,000 photos.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from PIL import Image

import sightline
from benchmarks.ingest_rates import Row, print_rates, rates
from benchmarks.peers.rclip import ARCHITECTURE, Rclip, stored_vectors
from benchmarks.process_tree import run
from benchmarks.rows import data_folder, keep
from benchmarks.sightline_command import SightlineCommand
from benchmarks.work_folder import (
    kept_tower,
    large_photos,
    many_photos,
    small_photos,
    work_option,
)
from indexer import IndexConfig
from indexer.cpu import usable_cores
from indexer.images.limits import Limits
from indexer.models import fetch
from indexer.models.networks.open_clip import OpenClipEncoder
from indexer.models.protocols import DualEncoder, ImageSpec, Pixels
from indexer.reader import FileContent, ImageContent, ReadTask
from indexer.workers import ReadPool
from storage import Library
from storage.records import Matrix
from storage.tables import vectors

# What is wanted: cosines of each photo and on average, GiB, and the share that memory may grow.
AGREEMENT, MEAN_AGREEMENT, MEMORY, FLAT = 0.99, 0.998, 1.6, 0.1


@dataclass(frozen=True, slots=True)
class PhotoSet:
    """Photos of one folder, and how many times rclip's rate is wanted for them."""

    name: str
    photos: list[Path]
    wanted: float

    @property
    def folder(self) -> Path:
        """Return the folder that is indexed."""
        return self.photos[0].parent


class Ingest:
    """The two programs with the same weights, and the stages of ours."""

    def __init__(self, work: Path) -> None:
        self.work, self.tower = work, kept_tower(work, ARCHITECTURE)
        self.rclip = Rclip.prepare(work, self.tower)
        self.question = small_photos()[0]
        # Libraries as the timed ones begin: empty, or calibrated on photos of another set.
        self.begun: dict[str, Path] = {"auto": work / "begun-auto", "int8": work / "begun-int8"}
        for precision, library in self.begun.items():
            shutil.rmtree(library, ignore_errors=True)
            command = SightlineCommand(library, work)
            run(command.index(other_photos(), self.tower, precision))
        self.encoders = {
            precision: sightline.open(library, "cpu", cache_folder=command.cache).models.encoder()
            for precision, library in self.begun.items()
        }

    def ours(self, folder: Path) -> SightlineCommand:
        """Return our commands with a library in this folder."""
        return SightlineCommand(folder / "library", self.work)

    def repetition(self, photos: PhotoSet, folder: Path) -> dict[str, Row]:
        """Measure the stages, ours in each precision, and rclip: everything new, nothing new."""
        decoding, squares = decoded(photos.photos, self.encoders["auto"].image_spec)
        theirs = self.rclip.library(folder / "rclip")
        peer = self.rclip.index(theirs, photos.folder, self.question)
        _, peer_first = run(peer)
        _, peer_again = run(peer)
        shared = {
            "set": photos.name,
            "photos": len(photos.photos),
            "decode_seconds": decoding,
            "rclip_seconds": peer_first.wall_seconds - peer_again.wall_seconds,
            **peer_first.row("rclip"),
            **peer_again.row("rclip_again"),
        }
        rows: dict[str, Row] = {}
        for precision, begun in self.begun.items():
            mine = self.ours(folder / precision)
            shutil.copytree(begun, mine.library)
            printed, first = run(mine.index(photos.folder))
            report = json.loads(printed.splitlines()[-1])
            assert report["new"] + report["copied"] == len(photos.photos), report
            _, again = run(mine.index(photos.folder))
            rows[precision] = {
                **shared,
                "precision": precision,
                "encode_seconds": encoded(self.encoders[precision], squares),
                "sightline_seconds": report["seconds"],
                **first.row("sightline"),
                **again.row("sightline_again"),
            }
        return rows

    def agreement(self, photos: PhotoSet, folder: Path) -> Row:
        """Compare the vectors of both programs with those of the torch class; cosines."""
        encoder = OpenClipEncoder.load(fetch(str(self.tower)), "cpu")
        _, squares = decoded(photos.photos, encoder.image_spec, full_decode=True)
        exact = encoder.encode_images(squares)
        found = {
            "sightline": library_vectors(folder / "auto" / "library", photos.photos),
            "sightline in int8": library_vectors(folder / "int8" / "library", photos.photos),
            "rclip": stored_vectors(folder / "rclip", photos.photos),
        }
        plain = np.array([not _has_profile(photo) for photo in photos.photos])
        row: Row = {"set": photos.name, "rclip_photos": int(plain.sum())}
        for program, matrix in found.items():
            cosines = cosine(matrix, exact)[plain if program == "rclip" else ...]
            row |= {
                f"{program}_min": cosines.min().item(),
                f"{program}_mean": cosines.mean().item(),
            }
        # With random weights different photos are near each other: the figure beside which to read.
        apart = exact @ exact.T
        row["between_photos"] = float(np.median(apart[~np.eye(len(apart), dtype=bool)]))
        return row

    def memory(self, photos: Path) -> int:
        """Return the peak memory of the process tree of an index run; PSS in bytes."""
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            command = self.ours(Path(folder)).index(photos, self.tower)
            printed, usage = run(command, sample=True)
        report = json.loads(printed.splitlines()[-1])
        assert report["new"] == len(list(photos.iterdir())), report
        return usage.peak_pss_bytes


def other_photos() -> Path:
    """Return the folder of photos that begin the libraries, and calibrate the one in int8."""
    return data_folder() / "flickr8k"


def decoded(
    photos: Sequence[Path], spec: ImageSpec, full_decode: bool = False
) -> tuple[float, Pixels]:
    """Read photos by all workers and no encoder; seconds, and (n, size, size, 3) uint8."""
    limits = Limits()
    tasks = [ReadTask(str(each), "image", spec, limits, full_decode=full_decode) for each in photos]
    with ReadPool(usable_cores(), limits) as pool:
        for waiting in [pool.schedule(task) for task in tasks[: usable_cores()]]:
            waiting.result()  # each worker has started
        began = time.perf_counter()
        contents = [waiting.result() for waiting in [pool.schedule(task) for task in tasks]]
        seconds = time.perf_counter() - began
    return seconds, np.stack([_pixels(content) for content in contents])


def _pixels(content: FileContent) -> Pixels:
    assert isinstance(content.content, ImageContent)
    return content.content.pixels


def _has_profile(photo: Path) -> bool:
    with Image.open(photo) as image:
        return "icc_profile" in image.info


def encoded(encoder: DualEncoder, squares: Pixels) -> float:
    """Encode ready squares in the batches of an index run; seconds."""
    batch = IndexConfig().batch_size
    encoder.encode_images(squares[:batch])  # warm
    began = time.perf_counter()
    for start in range(0, len(squares), batch):
        encoder.encode_images(squares[start : start + batch])
    return time.perf_counter() - began


def library_vectors(library: Path, photos: Sequence[Path]) -> Matrix:
    """Read the stored vectors of files; (n, dim) float32."""
    with Library.open(library) as opened, opened.catalogue.reading() as connection:
        space = opened.space()
        assert space is not None and space.id is not None
        items = [opened.find(str(photo)).id for photo in photos]
        found = [vectors.of_item(connection, space.id, item) for item in items]
    return np.stack([vector for vector in found if vector is not None])


def cosine(one: Matrix, other: Matrix) -> Matrix:
    """Return the cosine of each row with the other's; (n,)."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    found: Matrix = (one * other).sum(axis=1) / lengths
    return found


def print_agreement(row: Row) -> None:
    """Print the cosines of the vectors to those of the reference; stop if rclip's are others."""
    for program in ("sightline", "sightline in int8", "rclip"):
        least, mean = float(str(row[f"{program}_min"])), float(str(row[f"{program}_mean"]))
        print(
            f"  cosine of {program}'s vectors to fp32 and full decode: min {least:.5f} (at least "
            f"{AGREEMENT}), mean {mean:.5f} (at least {MEAN_AGREEMENT})"
        )
    print(f"  median cosine between different photos {float(str(row['between_photos'])):.4f}")
    if float(str(row["rclip_min"])) < AGREEMENT:
        raise SystemExit("rclip's vectors are others: the programs did not do the same work")


def compare(ingest: Ingest, repeat: int) -> None:
    """Compare both programs on both sets."""
    sets = (
        PhotoSet("12 megapixels", large_photos(ingest.work), 4.0),
        PhotoSet("small", small_photos(), 2.4),
    )
    rows: list[Row] = []
    for photos in sets:
        measured: dict[str, list[Row]] = {precision: [] for precision in ingest.begun}
        for number in range(repeat):
            with tempfile.TemporaryDirectory(dir=ingest.work) as folder:
                for precision, row in ingest.repetition(photos, Path(folder)).items():
                    told = ", ".join(f"{name} {value:.2f}" for name, value in rates(row).items())
                    print(f"{precision}: {told}", flush=True)
                    measured[precision].append(row)
                if number == repeat - 1:
                    agreement = ingest.agreement(photos, Path(folder))
        for precision, found in measured.items():
            print_rates(f"{photos.name}, precision {precision}", found, photos.wanted)
            rows += found
        print_agreement(agreement)
        rows.append(agreement)
    peak = ingest.memory(sets[0].folder)
    print(f"12 megapixels: peak memory {peak / 2**30:.2f} GiB (below {MEMORY})")
    rows.append({"set": sets[0].name, "peak_pss_bytes": peak})
    parameters = {"arch": ARCHITECTURE, "repeat": repeat, "peer": ingest.rclip.versions()}
    keep("ingest", parameters, rows)


def compare_memory(ingest: Ingest) -> None:
    """Compare the peak memory of runs over 1,000 and over 10,000 photos."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=ingest.work) as folder:
        for count in (1_000, 10_000):
            photos = many_photos(Path(folder) / str(count), count)
            rows.append({"photos": count, "peak_pss_bytes": ingest.memory(photos)})
            print(f"{count:,} photos: peak memory {rows[-1]['peak_pss_bytes']:,} bytes")
    less, more = (float(str(row["peak_pss_bytes"])) for row in rows)
    print(f"ten times the photos take {more / less:.3f} of the memory (within {FLAT} of 1)")
    keep("ingest", {"arch": ARCHITECTURE, "flat": True}, rows)


@click.command()
@click.option("--repeat", default=3, show_default=True)
@click.option("--flat", is_flag=True, help="Only compare the memory of 1,000 and 10,000 photos.")
@work_option
def main(repeat: int, flat: bool, work: Path) -> None:
    """Print the rates, their ratios, the agreement of the vectors and the peak memory."""
    work.mkdir(parents=True, exist_ok=True)
    ingest = Ingest(work)
    if flat:
        compare_memory(ingest)
    else:
        compare(ingest, repeat)


if __name__ == "__main__":
    main()
