"""How much of a tower's own speed is left when a folder of photos goes through the whole line?

    SIGHTLINE_DATA=… uv run python -m benchmarks.ingest

Indexes `imagenet-sample` with a ViT-B/32 of random weights and compares the rate with that of
the same loaded tower encoding the same pictures as ready tensors: same threads, same batch size,
model loading apart, the two in turn, median of the repetitions.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import click
import numpy as np

from benchmarks.random_towers import random_tower
from benchmarks.rows import data_folder, keep
from indexer import IndexConfig, Report
from indexer.images.decode import open_image
from indexer.images.preprocess import prepare
from indexer.ingest import Indexer
from indexer.models import load
from indexer.models.protocols import DualEncoder, Pixels
from storage import Library


def alone(encoder: DualEncoder, squares: Pixels, batch: int) -> float:
    """Time the tower over ready squares; seconds."""
    began = time.perf_counter()
    for at in range(0, len(squares), batch):
        encoder.encode_images(squares[at : at + batch])
    return time.perf_counter() - began


def through_the_line(encoder: DualEncoder, photos: Path, config: IndexConfig) -> Report:
    """Index the photos into a fresh library."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Library.create(Path(folder) / "library") as library,
    ):
        return Indexer(library, encoder, config).run()


@click.command()
@click.option("--arch", default="ViT-B-32", show_default=True)
@click.option("--repeat", default=5, show_default=True)
@click.option("--batch", default=32, show_default=True)
def main(arch: str, repeat: int, batch: int) -> None:
    """Print both rates and their ratio."""
    photos = data_folder() / "imagenet-sample"
    names = sorted(photos.glob("*.jp*g")) + sorted(photos.glob("*.JP*G"))
    with tempfile.TemporaryDirectory() as folder:
        encoder = load(str(random_tower(Path(folder) / "tower", arch)))
    squares = np.stack([prepare(open_image(name).image, encoder.image_spec) for name in names])
    config = IndexConfig(paths=(str(photos),), batch_size=batch)
    alone(encoder, squares[:batch], batch)  # warm
    rows = []
    for _ in range(repeat):
        tower = alone(encoder, squares, batch)
        report = through_the_line(encoder, photos, config)
        assert report.new + report.copied == len(names), report
        rows.append(
            {
                "pictures": len(names),
                "tower_seconds": tower,
                "line_seconds": report.seconds,
                "ratio": tower / report.seconds,
                **{f"{stage}_seconds": busy for stage, busy in report.stages.items()},
            }
        )
        print(
            f"tower alone {len(names) / tower:.1f}/s, whole line "
            f"{len(names) / report.seconds:.1f}/s, ratio {tower / report.seconds:.3f}"
        )
    print(f"median of {repeat}: ratio {median(float(row['ratio']) for row in rows):.3f}")
    keep("ingest", {"arch": arch, "batch": batch}, rows)


if __name__ == "__main__":
    main()
