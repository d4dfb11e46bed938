"""How often does a caption find its scene? Held-out scenes, through the product's own search.

    uv run python -m benchmarks.retrieval

Draws the 1,000 held-out scenes of `mini` as PNG files, indexes them with the real ingest line,
asks for each by its full caption with the real search, and prints text→image Recall@1 and @5 by
kind of scene. Beside it stands the same with vectors that never were fp16.
"""

import tempfile
from pathlib import Path

import click
import numpy as np

from benchmarks.metrics import Ranks, ranks, recall_at
from benchmarks.rows import keep
from indexer import IndexConfig
from indexer.images.preprocess import prepare
from indexer.ingest import Indexer
from indexer.models import load
from indexer.models.mini.scenes.drawing import draw
from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import KINDS, Scene, held_out
from indexer.models.protocols import DualEncoder
from search import Engine, Query, Term
from storage import Library

DEPTH = 10


def searched(scenes: list[Scene], folder: Path, encoder: DualEncoder) -> Ranks:
    """Find the place of each scene in the answers to its caption; DEPTH where it is not there."""
    with Library.create(folder / "library") as library:
        Indexer(library, encoder, IndexConfig(paths=(str(folder / "scenes"),))).run()
        engine = Engine(library, lambda: encoder)
        places = [_place(engine, scene, number) for number, scene in enumerate(scenes)]
    return np.array(places, np.int64)


def _place(engine: Engine, scene: Scene, number: int) -> int:
    hits = engine.search(Query((Term("text", captions(scene)[0]),), k=DEPTH))
    names = [Path(path).stem for hit in hits for path in hit.item.paths[:1]]
    return names.index(f"{number:04}") if f"{number:04}" in names else DEPTH


def compared(scenes: list[Scene], size: int, encoder: DualEncoder) -> Ranks:
    """Do the same in fp32 by one matrix product, for the cost of storing vectors in fp16."""
    squares = [prepare(draw(scene, size), encoder.image_spec) for scene in scenes]
    chunks = [np.stack(squares[at : at + 100]) for at in range(0, len(squares), 100)]
    images = np.vstack([encoder.encode_images(chunk) for chunk in chunks])
    texts = encoder.encode_texts([captions(scene)[0] for scene in scenes])
    return ranks(texts @ images.T)


@click.command()
@click.option("--model", default="mini", show_default=True)
@click.option("--count", default=1000, show_default=True, help="Held-out scenes.")
@click.option("--sizes", default="64,256", show_default=True, help="Pixels they are drawn at.")
def main(model: str, count: int, sizes: str) -> None:
    """Print Recall@1 and @5 of captions finding their scenes."""
    scenes = held_out(count)
    encoder = load(model)
    rows = []
    for size in map(int, sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "scenes").mkdir()
            for number, scene in enumerate(scenes):
                draw(scene, size).save(folder / "scenes" / f"{number:04}.png")
            places = searched(scenes, folder, encoder)
        plain = compared(scenes, size, encoder)
        kinds = np.array([scene.kind for scene in scenes])
        row = {
            "drawn_at": size,
            "r1": recall_at(places, 1),
            "r5": recall_at(places, 5),
            "r1_fp32": recall_at(plain, 1),
            "r5_fp32": recall_at(plain, 5),
            **{f"r1_{kind}": recall_at(places[kinds == kind], 1) for kind in KINDS},
        }
        rows.append(row)
        print(
            f"{count} held-out scenes at {size} px: text→image R@1 {row['r1']:.3f}, "
            f"R@5 {row['r5']:.3f} (fp32 vectors: {row['r1_fp32']:.3f}, {row['r5_fp32']:.3f}); "
            "R@1 by kind: " + ", ".join(f"{kind} {row[f'r1_{kind}']:.3f}" for kind in KINDS)
        )
    keep("retrieval", {"model": model, "revision": encoder.space.revision, "count": count}, rows)


if __name__ == "__main__":
    main()
