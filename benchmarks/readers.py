"""How much faster do BLIP's second reading and its captions run compiled, and how near are they?

    uv run python -m benchmarks.readers

A BLIP-base of random weights reads 50 ready images: once as its own class in fp32, as it ran until
exports were, and once as the loader runs it now; in turn, several times, models loaded before. Its
captions end nowhere, since its weights are random: each has as many tokens as a caption may have.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Literal, cast

import click
import numpy as np

from benchmarks.reading_cost import QUERIES, random_blip
from benchmarks.rows import keep
from indexer.models import load_reader
from indexer.models.compiled.loader import ModelLoader
from indexer.models.protocols import Pixels

IMAGES = 50
WANTED = {"pair-scorer": 3.0, "captioner": 1.5}
MATCH = 0.01  # the most that a probability may differ
Row = dict[str, object]
ReadingRole = Literal["pair-scorer", "captioner"]


@click.command()
@click.option("--repeat", default=3, show_default=True)
@click.option("--images", default=IMAGES, show_default=True)
def main(repeat: int, images: int) -> None:
    """Print both times, their ratio, and how far the results are apart."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        roles: tuple[ReadingRole, ...] = ("pair-scorer", "captioner")
        for role in roles:
            folder = random_blip(Path(place) / role, role=role)
            rows += compared(folder, role, images, repeat, Path(place) / "cache")
    keep("readers", {"images": images, "size": 384}, rows)


def compared(folder: Path, role: ReadingRole, images: int, repeat: int, cache: Path) -> list[Row]:
    """Time both ways in turn and print what was found."""
    own: Any = cast(Any, load_reader)(str(folder), role, device="cpu")
    steps: list[str] = []
    began = time.perf_counter()
    loader = ModelLoader("cpu", cache, notify=print, watch=lambda _, step: steps.append(step))
    compiled: Any = cast(Any, loader.load_reader)(str(folder), role)
    prepared = time.perf_counter() - began
    side = own.image_spec.size
    pixels = np.random.default_rng(0).integers(0, 256, (images, side, side, 3), np.uint8)
    ways = {"own": use(own, role, pixels), "compiled": use(compiled, role, pixels)}
    use(compiled, role, pixels[:2])()  # what is made at the first call is no one's cost
    rows: list[Row] = []
    for _ in range(repeat):
        seconds, results = {}, {}
        for name, run in ways.items():
            began = time.perf_counter()
            results[name] = run()
            seconds[name] = time.perf_counter() - began
        row: Row = {"role": role, "prepared_seconds": prepared}
        row |= {f"{name}_seconds": each for name, each in seconds.items()}
        row["ratio"] = seconds["own"] / seconds["compiled"]
        if role == "pair-scorer":
            row["most_apart"] = float(np.abs(results["own"] - results["compiled"]).max())
        rows.append(row)
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    print(
        f"{role}: {median(cast(float, row['ratio']) for row in rows):.2f} times as fast "
        f"(at least {WANTED[role]}), prepared in {prepared:.0f} s"
    )
    return rows


def use(model: Any, role: ReadingRole, pixels: Pixels) -> Callable[[], Any]:
    """Return what a model does with the images in its role."""
    if role == "captioner":
        return lambda: model.describe(pixels)
    return lambda: model.score(pixels, list(QUERIES[:1]))


if __name__ == "__main__":
    main()
