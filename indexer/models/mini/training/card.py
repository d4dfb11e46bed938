"""The card beside a mini model's weights: what it is, how it was made, what it scored."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from indexer.models.mini.training.report import Report
from indexer.models.mini.training.trainer import TrainingProgress

CLIP_PACKAGES = ("torch", "open_clip_torch", "safetensors", "pillow", "numpy")
_NAMES = {"clip-hf": "mini-clip"}  # where the model is not called as its recipe
FAMILY_PACKAGES = ("torch", "transformers", "safetensors", "pillow", "numpy")


@dataclass(frozen=True)
class Run:
    """What a training run was, and how far it has come; `start` names what it went on from."""

    seed: int
    progress: TrainingProgress
    batch: int
    pool: int
    device: str
    parameters: int
    start: str = ""


def clip_card(run: Run, reports: list[Report]) -> str:
    """Write mini CLIP's card in Markdown."""
    scores = [_scores(each) for each in reports]
    return "\n\n".join([_ABOUT, _facts(run, CLIP_PACKAGES), *scores, _LIMITS])


def family_card(
    recipe: str, about: str, run: Run, figures: Mapping[str, float], scenes: int
) -> str:
    """Write the card of another model of the family, in Markdown."""
    name = _NAMES.get(recipe, f"mini-{recipe}")
    head = f"---\nlicense: apache-2.0\nlibrary_name: transformers\n---\n\n# {name}"
    made = (
        f"{about} Trained by `python -m indexer.models.mini.training.train {recipe}` on scenes of "
        "plain shapes drawn by the same package, so that sightline runs, is tested and is shown "
        "off without a download."
    )
    rows = [(what, f"{share:.3f}") for what, share in figures.items()]
    table = f"## {scenes:,} held-out scenes\n\n" + _table(("measured", "share"), rows)
    limits = (
        "## Limits\n\nIt knows nothing of photographs and no word outside its vocabulary. It was "
        "trained and measured on one seed."
    )
    parts = [head, made, _facts(run, FAMILY_PACKAGES), table if rows else "", limits]
    return "\n\n".join(part for part in parts if part)


def _facts(run: Run, packages: tuple[str, ...]) -> str:
    names = ", ".join(f"{name} {version(name)}" for name in packages)
    steps, seconds = run.progress.steps, run.progress.seconds
    state = "finished" if run.progress.finished else "an interim checkpoint of a run still going"
    rows = {
        "Run": state,
        "Parameters": f"{run.parameters:,} (stored as float16)",
        "Seed": f"{run.seed}",
        **({"Went on from": run.start} if run.start else {}),
        "Steps x batch": f"{steps:,} x {run.batch} = {steps * run.batch:,} samples seen",
        "RenderCache": f"{run.pool:,} drawn scenes, none with the content of a held-out scene",
        "Training time": f"{seconds:,.0f} s",
        "Device": run.device,
        "Software": f"Python {platform.python_version()}, {names}",
        "Licence": "Apache-2.0",
    }
    return "## The run\n\n" + _table(("", ""), list(rows.items()))


def _scores(report: Report) -> str:
    recall = [
        ("text to image", *(f"{value:.3f}" for value in report.text_to_image.values())),
        ("image to text", *(f"{value:.3f}" for value in report.image_to_text.values())),
    ]
    kinds = [(kind, f"{value:.3f}") for kind, value in report.by_kind.items()]
    pairs = [(kind, f"{value:.3f}") for kind, value in report.pairs.items()]
    title = f"## {report.scenes:,} held-out scenes drawn at {report.drawn_at} pixels"
    note = "Query: the full caption. Exact cosine, ties counted as misses, from the stored file."
    return "\n\n".join(
        [
            f"{title}\n\n{note}",
            _table(("direction", "R@1", "R@5"), recall),
            _table(("kind of scene", "text to image R@1"), kinds),
            _table(("false in", "true caption scored above false one"), pairs),
        ]
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_ABOUT = """\
---
license: apache-2.0
library_name: open_clip
---

# mini: a CLIP for drawn scenes

A tiny CLIP trained from nothing by `python -m indexer.models.mini.training.train clip` on scenes of
plain shapes drawn by the same package. It lets sightline run, be tested and be shown off without a
download. It knows nine shapes, ten colours, two sizes, five backgrounds, counts up to four, and
left, right, above and below.

Loss: CLIP's symmetric contrastive loss with pairs that are true by accident left out, batches
made partly of scenes one change apart, plus a linear probe that reads the scene's content from
either embedding and is thrown away. The weights are an exponential moving average."""

_LIMITS = """\
## Limits

It knows nothing of photographs. Words outside its vocabulary fall back to bytes and mean nothing
to it. It was trained and measured on one seed."""
