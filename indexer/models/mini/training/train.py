"""Train the mini models: `python -m indexer.models.mini.training.train clip`, then the others."""

import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from indexer.models.mini.scenes.scenes import held_out
from indexer.models.mini.scenes.words import words
from indexer.models.mini.training.clip import SCHEDULE, train_clip
from indexer.models.mini.training.recipes import RECIPES, TrainingPlan, train
from indexer.models.mini.training.render_cache import FAMILY, RenderCache, build_cache
from indexer.models.mini.weights import CLIP_DIRECTORY

log = logging.getLogger("sightline.mini")

# glibc returns each step's large buffers to the kernel and asks for them again; keeping them
# makes training on a CPU several times faster, but only if set before the process starts.
MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
}
_DRAWERS = 2
_STAMP = "drawn"  # of the file of a pool: what its scenes depend on


@click.group()
def main() -> None:
    """Train the mini models that ship with sightline, each on what those before it know.

    The order is clip, caption, blip, vqa, llava, instructblip, clip-hf, align.
    """
    if any(os.environ.get(name) != value for name, value in MALLOC.items()):
        command = [sys.executable, "-m", "indexer.models.mini.training.train", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **MALLOC})
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    log.setLevel(logging.INFO)
    torch.set_num_threads(2)


def drawn(families: int, seed: int, kept: Path | None) -> RenderCache:
    """Draw a pool of scenes, or read the one that an earlier call kept in that file.

    Raises UsageError for a file whose scenes are not those that would be drawn.
    """
    stamp = json.dumps({"seed": seed, "families": families, "words": words()})
    if kept is not None and kept.is_file():
        return _read(kept, stamp)
    pool = build_cache(seed, families, words(), _DRAWERS)
    log.info("drew %d scenes in families of %d", len(pool), FAMILY)
    if kept is not None:
        arrays: dict[str, Any] = {**vars(pool), _STAMP: np.array(stamp)}
        np.savez(kept, **arrays)
    return pool


def _read(kept: Path, stamp: str) -> RenderCache:
    with np.load(kept) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    told = json.loads(str(found.pop(_STAMP, "{}")))
    for name, wanted in json.loads(stamp).items():
        if told.get(name) != wanted:
            what = f"with other {name}" if name in told else f"without a record of its {name}"
            raise click.UsageError(
                f"the pool in {kept} was drawn {what}: name another file, or remove it"
            )
    return RenderCache(**found)


def _command(name: str, about: str, out: Path, seconds: float) -> click.Command:
    def run(**given: Any) -> None:
        _train(name, given)

    folder = click.Path(file_okay=False, path_type=Path)
    options: list[click.Parameter] = [
        click.Option(["--seconds"], type=float, default=seconds, help="Stop after this long."),
        click.Option(["--steps"], type=int, default=0, help="Stop after this many steps instead."),
        click.Option(["--seed"], type=int, default=0, help="Seed of scenes, weights, batches."),
        click.Option(
            ["--families"], type=int, default=30_000, help="Families of four scenes to draw."
        ),
        click.Option(
            ["--pool"],
            type=click.Path(dir_okay=False, path_type=Path),
            help="Keep the drawn scenes in this .npz file, or take them from there.",
        ),
        click.Option(["--device"], default="auto", help="cpu, cuda, or auto for the best."),
        click.Option(["--out"], type=folder, default=out, help="Directory to fill."),
    ]
    if name in RECIPES:
        options.append(
            click.Option(["--start"], type=folder, help="Go on from the weights of this directory.")
        )
    return click.Command(name, params=options, callback=run, help=about)


def _train(name: str, given: dict[str, Any]) -> None:
    best = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(best if given["device"] == "auto" else given["device"])
    seed = given["seed"]
    pool = drawn(given["families"], seed, given["pool"])
    if name == "clip":
        schedule = replace(SCHEDULE, seconds=given["seconds"], steps=given["steps"])
        train_clip(schedule, seed, pool, given["out"], device, held_out())
        return

    def adjusted(plan: TrainingPlan) -> TrainingPlan:
        length = {"seconds": given["seconds"], "steps": given["steps"]}
        return replace(plan, schedule=replace(plan.schedule, **length))

    train(name, pool, given["out"], seed, device, held_out(), adjusted, given["start"])


main.add_command(
    _command("clip", "Train mini itself, a CLIP of open_clip.", CLIP_DIRECTORY, SCHEDULE.seconds)
)
for _name, _recipe in RECIPES.items():
    main.add_command(_command(_name, _recipe.about, _recipe.folder, _recipe.seconds))


if __name__ == "__main__":
    main()
