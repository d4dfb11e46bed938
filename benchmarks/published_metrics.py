"""The field's three measures, on photo sets in their published format.

    SIGHTLINE_DATA=… uv run python -m benchmarks.published_metrics
    uv run python -m benchmarks.published_metrics --folder coco2014 --model clip-l14 \\
        --captioner none

Recall@1, 5 and 10 of captions and images finding each other (Karpathy's convention), BLEU and
CIDEr-D of captions, and the accuracy of answers by the VQA formula. With the `mini` family on
photos this checks the pipeline and nothing else; what the papers report stands beside it.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import click
import numpy as np

from benchmarks.answering import accuracy
from benchmarks.captioning import bleu, cider, words
from benchmarks.datasets import Asked, Captioned, asked, captioned
from benchmarks.metrics import both_ways
from benchmarks.rows import data_folder, keep
from indexer.images.decode import open_image
from indexer.images.preprocess import prepare, sides_needed
from indexer.models import load, load_reader
from indexer.models.info.published import papers
from indexer.models.protocols import Answerer, Captioner, DualEncoder, ImageSpec, Pixels
from indexer.models.registry import is_mini

NONE = "none"  # leaves a measure out
BATCH = 64
SETS = ("flickr8k", "coco-mini")  # of the data folder, where no folder is named
PIPELINE_CHECK = "pipeline check: mini knows drawn shapes only"
_T = TypeVar("_T")


def squares(images: Iterable[Path], spec: ImageSpec) -> Pixels:
    """Read and prepare images as indexing does: (n, size, size, 3) uint8."""
    smallest = sides_needed(spec)
    return np.stack(
        [prepare(open_image(path.read_bytes(), smallest=smallest).image, spec) for path in images]
    )


def retrieval(encoder: DualEncoder, rows: Sequence[Captioned]) -> dict[str, float]:
    """Return Recall@1, 5 and 10 both ways of captions and images by exact cosine."""
    images = np.vstack(
        [
            encoder.encode_images(squares((row.image for row in part), encoder.image_spec))
            for part in _parts(rows)
        ]
    )
    texts = [caption for row in rows for caption in row.captions]
    vectors = np.vstack([encoder.encode_texts(part) for part in _parts(texts)])
    image_of = np.repeat(np.arange(len(rows)), [len(row.captions) for row in rows])
    return both_ways(vectors @ images.T, image_of)


def captions(captioner: Captioner, rows: Sequence[Captioned]) -> dict[str, float]:
    """Return BLEU-1 to BLEU-4 and CIDEr-D, as papers print them, of captions against people's."""
    said = [
        words(text)
        for part in _parts(rows)
        for text in captioner.describe(squares((row.image for row in part), captioner.image_spec))
    ]
    written = [[words(text) for text in row.captions] for row in rows]
    scores = {f"bleu{size}": 100 * score for size, score in enumerate(bleu(said, written), 1)}
    return {**scores, "cider": 100 * float(np.mean(cider(said, written)))}


def answers(answerer: Answerer, rows: Sequence[Asked]) -> dict[str, float]:
    """Return the accuracy of answers by the VQA formula, per cent, and of each kind of question."""
    scores: dict[str, list[float]] = {}
    for part in _parts(rows):
        pixels = squares((row.image for row in part), answerer.image_spec)
        for row, said in zip(
            part, answerer.answer(pixels, [row.question for row in part]), strict=True
        ):
            scores.setdefault(row.kind, []).append(accuracy(said, row.answers))
    together = [score for kind in scores.values() for score in kind]
    kinds = {kind: 100 * float(np.mean(each)) for kind, each in scores.items() if len(scores) > 1}
    return {"accuracy": 100 * float(np.mean(together)), **kinds}


def _parts(rows: Sequence[_T]) -> list[Sequence[_T]]:
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def _told(measure: str, model: str, folder: Path, scores: dict[str, float], many: int) -> None:
    label = f"  [{PIPELINE_CHECK}]" if is_mini(model) else ""
    print(f"\n{measure}: {model} on {folder.name}, {many}{label}")
    scale = 100 if measure == "retrieval" else 1
    print("  " + ", ".join(f"{name} {value * scale:.1f}" for name, value in scores.items()))


def _references() -> None:
    print("\npublished, for reference; other images, and models of another size:")
    for model, figures in papers().items():
        for figure in figures:
            print(f"  {model:26} {figure.measure:32} {figure.value:6.1f}  {figure.setting}")
    print("  sources:")
    for source in dict.fromkeys(figure.source for each in papers().values() for figure in each):
        print(f"    {source}")


def measured(folder: Path, models: dict[str, str], limit: int) -> list[dict[str, object]]:
    """Run what the folder allows with the models named, print it, and return raw rows."""
    described, questions = captioned(folder)[:limit], asked(folder)[:limit]
    runs: dict[str, tuple[int, Callable[[str], dict[str, float]]]] = {
        "retrieval": (len(described), lambda name: retrieval(load(name), described)),
        "captions": (
            len(described),
            lambda name: captions(load_reader(name, "captioner"), described),
        ),
        "answers": (len(questions), lambda name: answers(load_reader(name, "answerer"), questions)),
    }
    rows: list[dict[str, object]] = []
    for measure, (many, run) in runs.items():
        model = models[measure]
        if model == NONE:
            continue
        if not many:
            print(f"\n{measure}: {folder.name} has nothing for it")
            continue
        scores = run(model)
        _told(measure, model, folder, scores, many)
        rows.append(
            {"set": folder.name, "measure": measure, "model": model, "rows": many, **scores}
        )
    return rows


@click.command()
@click.option("--folder", "folders", multiple=True, type=click.Path(exists=True, path_type=Path))
@click.option("--model", default="mini", show_default=True, help="For retrieval, or none.")
@click.option("--captioner", default="mini-caption", show_default=True, help="Or none.")
@click.option("--answerer", default="mini-vqa", show_default=True, help="Or none.")
@click.option("--limit", default=100_000, show_default=True, help="Images, and questions.")
def main(folders: tuple[Path, ...], model: str, captioner: str, answerer: str, limit: int) -> None:
    """Print the measures of each folder, with the published figures beside them."""
    models = {"retrieval": model, "captions": captioner, "answers": answerer}
    chosen = folders or tuple(data_folder() / name for name in SETS)
    rows = [row for folder in chosen for row in measured(folder, models, limit)]
    _references()
    keep("field", {"models": models, "limit": limit}, rows)


if __name__ == "__main__":
    main()
