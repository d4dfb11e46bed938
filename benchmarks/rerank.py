"""What does a second reading gain, and can it say that nothing matches?

    uv run python -m benchmarks.rerank

Draws the 1,000 held-out scenes, indexes them with the real line in `mini`'s space, and asks for
each by its full caption through the real search, which has the top 20 read again by BLIP's
matching head (`mini-blip`) and by the captioner's likelihood (`mini-caption`), side by side.
Printed: Recall@1 of the first stage, of each reader alone and joined with it; how often each tells
a caption from its twin; how well the highest score among the top 20 tells queries that have a
image from queries that are false of all; and what reading 50 images costs with a BLIP-base.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import numpy as np

from benchmarks.hard_negatives import KINDS, told_apart
from benchmarks.metrics import area_under_curve
from benchmarks.reading_cost import compared, random_blip
from benchmarks.rows import keep
from benchmarks.scene_images import absent, asked, indexed
from indexer.models import load, load_reader
from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import KINDS as SCENE_KINDS
from indexer.models.mini.scenes.scenes import Scene, held_out
from indexer.models.protocols import DualEncoder, PairScorer
from search import Engine, Query, Term
from search.hits import Hit
from search.query import Rerank
from storage import Library

Row = Mapping[str, object]
RANKINGS = ("first", "alone", "combined", "lift")
LEAST_LIFT = -2.0  # below every difference of two cosines: drops nothing, tells all


@dataclass(frozen=True)
class Asked:
    """One query: its scene's place in each ranking, and the best of each score among the hits."""

    places: dict[str, int]
    best: dict[str, float]


def ask(engine: Engine, caption: str, own: str, depth: int) -> Asked:
    """Search once, with everything that is compared told of every hit."""
    query = Query(
        (Term("text", caption),), k=depth, rerank=Rerank(depth), min_lift=LEAST_LIFT, words=False
    )
    hits = engine.search(query)
    scores = {"first": [hit.score for hit in hits], "lift": [hit.lift or 0.0 for hit in hits]}
    scores["alone"] = [_said(hit) for hit in hits]
    names = [Path(hit.item.paths[0]).stem for hit in hits]
    at = names.index(own) if own in names else None
    places = {name: _place(values, at, depth) for name, values in scores.items()}
    places["combined"] = depth if at is None else at  # as the product ranks
    return Asked(places, {name: max(values) for name, values in scores.items()})


def _said(hit: Hit) -> float:
    said = hit.match if hit.match is not None else hit.likelihood
    assert said is not None, f"{hit.item.paths} was not read a second time"
    return said


def _place(scores: Sequence[float], at: int | None, missing: int) -> int:
    # A tie counts against us.
    return missing if at is None else sum(one >= scores[at] for one in scores) - 1


def searched(
    library: Library, encoder: DualEncoder, scorer: PairScorer, scenes: Sequence[Scene], depth: int
) -> list[Asked]:
    """Ask for each scene by its full caption; those of the library are its first in number."""
    engine = Engine(library, lambda: encoder, scorer=lambda: scorer)
    return [
        ask(engine, captions(scene)[0], f"{number:04}", depth)
        for number, scene in enumerate(scenes)
    ]


def recalls(answers: Sequence[Asked], scenes: Sequence[Scene], reader: str) -> dict[str, object]:
    """Print and return Recall@1 of each ranking and the share of first-stage errors removed."""
    right = {name: np.array([each.places[name] == 0 for each in answers]) for name in RANKINGS}
    row: dict[str, object] = {f"r1_{name}": float(each.mean()) for name, each in right.items()}
    wrong = int(np.count_nonzero(~right["first"]))
    for name in ("alone", "combined"):
        removed = 1 - np.count_nonzero(~right[name]) / wrong if wrong else 0.0
        row[f"errors_removed_{name}"] = float(removed)
    kinds = np.array([scene.kind for scene in scenes])
    for kind in SCENE_KINDS:
        row[f"r1_combined_{kind}"] = float(right["combined"][kinds == kind].mean())
    print(
        f"{reader}: R@1 first stage {row['r1_first']:.3f}, alone {row['r1_alone']:.3f}, "
        f"combined {row['r1_combined']:.3f}; first-stage errors removed: alone "
        f"{row['errors_removed_alone']:.0%}, combined {row['errors_removed_combined']:.0%}; "
        f"by lift {row['r1_lift']:.3f}"
    )
    return row | {"places": {n: [each.places[n] for each in answers] for n in RANKINGS}}


def verdict(present: Sequence[Asked], missing: Sequence[Asked], reader: str) -> dict[str, object]:
    """Print and return how well each score's highest value tells present from absent."""
    names = {"first": "raw cosine", "lift": "lift", "alone": reader}
    row: dict[str, object] = {}
    for name in names:
        there = np.array([each.best[name] for each in present])
        not_there = np.array([each.best[name] for each in missing])
        row[f"auc_{name}"] = area_under_curve(there, not_there)
        row[f"best_{name}"] = {"present": there.tolist(), "absent": not_there.tolist()}
    print(
        f"{len(present)} present and {len(missing)} absent queries, area under the curve: "
        + ", ".join(f"{said} {row[f'auc_{name}']:.4f}" for name, said in names.items())
    )
    return row


def pairs(readers: dict[str, PairScorer], encoder: DualEncoder, scenes: Sequence[Scene]) -> object:
    """Print and return the share of twins told apart, by kind of change."""
    won = {
        name: told_apart(scenes, reader.score, reader.image_spec)
        for name, reader in readers.items()
    }
    won["first stage"] = told_apart(
        scenes,
        lambda pixels, texts: encoder.encode_images(pixels) @ encoder.encode_texts(texts).T,
        encoder.image_spec,
    )
    print("told from its twin:" + "".join(f"{name:>16}" for name in won) + "     pairs")
    for kind in KINDS:
        shares = "".join(f"{np.mean(each[kind]):16.3f}" for each in won.values())
        print(f"  {kind:17}{shares}{len(won['first stage'][kind]):10}")
    return [
        {"reader": name, "kind": kind, "pairs": len(each), "won": sum(each)}
        for name, kinds in won.items()
        for kind, each in kinds.items()
    ]


def cost(count: int, rounds: int, device: str) -> object:
    """Print and return what reading costs beside the network's own forward pass."""
    with tempfile.TemporaryDirectory() as folder:
        times = compared(random_blip(Path(folder) / "blip"), count, rounds, device)
    middle = {name: median(each[name] for each in times) for name in times[0]}
    print(
        f"reading {count} images with a BLIP-base of random weights: "
        f"{middle['ours_seconds']:.2f} s, its own forward passes {middle['own_seconds']:.2f} s, "
        f"ratio {middle['ours_seconds'] / middle['own_seconds']:.3f} "
        f"(three queries at once {middle['three_queries_seconds']:.2f} s; medians of {rounds})"
    )
    return times


def quality(
    model: str, readers: dict[str, PairScorer], count: int, depth: int, size: int, away: int
) -> list[Row]:
    """Measure recall, the verdict and the twins; returns raw rows."""
    scenes, encoder = held_out(count), load(model)
    missing = absent(scenes, away)
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        indexed(scenes, Path(folder), encoder, size) as library,
    ):
        for name, reader in readers.items():
            answers = searched(library, encoder, reader, scenes, depth)
            rows.append({"reader": name, **recalls(answers, scenes, name)})
            there = [answers[number] for number in asked(scenes, min(away, count))]
            others = searched(library, encoder, reader, missing, depth)
            rows.append({"reader": name, **verdict(there, others, name)})
    rows.append({"twins": pairs(readers, encoder, scenes)})
    return rows


@click.command()
@click.option("--model", default="mini", show_default=True, help="Of the first stage.")
@click.option(
    "--reader",
    "names",
    multiple=True,
    default=("mini-blip", "mini-caption"),
    show_default=True,
    help="Pair scorers.",
)
@click.option(
    "--count", default=1000, show_default=True, help="Held-out scenes; 0 measures the cost alone."
)
@click.option(
    "--away", default=500, show_default=True, help="Queries of each sort, for the verdict."
)
@click.option("--depth", default=20, show_default=True, help="Images read again.")
@click.option("--size", default=64, show_default=True, help="Pixels the scenes are drawn at.")
@click.option("--pairs", "many", default=50, show_default=True, help="For the cost; 0 leaves it.")
@click.option("--rounds", default=3, show_default=True, help="Of the cost.")
@click.option("--device", default="auto", show_default=True)
def main(
    model: str,
    names: tuple[str, ...],
    count: int,
    away: int,
    depth: int,
    size: int,
    many: int,
    rounds: int,
    device: str,
) -> None:
    """Print recall, the twins, the verdict and the cost of a second reading."""
    readers = {name: load_reader(name, "pair-scorer", device=device) for name in names}
    rows = quality(model, readers, count, depth, size, away) if count else []
    revisions = {name: reader.revision for name, reader in readers.items()}
    if many:
        rows.append({"cost": cost(many, rounds, device)})
    parameters = {"model": model, "readers": revisions, "count": count, "depth": depth}
    keep("rerank", {**parameters, "size": size, "away": away, "pairs": many}, rows)


if __name__ == "__main__":
    main()
