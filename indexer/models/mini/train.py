"""Trains the mini models: `python -m indexer.models.mini.train clip`."""

import logging
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from indexer.models.mini.batches import Batches
from indexer.models.mini.card import Run, clip_card
from indexer.models.mini.checkpoint import (
    CARD_NAME,
    build_clip,
    clip_config,
    replace_file,
    save_clip,
    save_tokenizer,
)
from indexer.models.mini.contrast import Probe, batch_loss
from indexer.models.mini.phrases import vocabulary
from indexer.models.mini.pool import FAMILY, Pool, build_pool
from indexer.models.mini.report import Report, measure
from indexer.models.mini.scenes import held_out
from indexer.models.mini.tokenizer import load_tokenizer
from indexer.models.mini.weights import CLIP_DIRECTORY

log = logging.getLogger("sightline.mini")

# glibc returns each step's large buffers to the kernel and asks for them again; keeping them
# makes training on a CPU several times faster, but only if set before the process starts.
MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
}
PHOTO_SIZE = 384
_MAX_SCALE = math.log(100)

_Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class Recipe:
    """All that decides a run besides its scenes; times in seconds, zero steps means by time."""

    seed: int = 0
    seconds: float = 2400.0
    steps: int = 0
    batch: int = 128
    families: int = 30_000
    peak_rate: float = 1.2e-3
    warm_steps: int = 150
    weight_decay: float = 0.05
    averaging: float = 0.998
    save_every: float = 240.0
    workers: int = 2

    def progress(self, step: int, elapsed: float) -> float:
        """Say how much of the run is done, from 0 to 1."""
        return min(step / self.steps if self.steps else elapsed / self.seconds, 1.0)

    def rate(self, step: int, progress: float) -> float:
        """Give the learning rate: a short warm-up, then a cosine down to a hundredth."""
        warm = min((step + 1) / self.warm_steps, 1.0)
        return self.peak_rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)

    def family_share(self, progress: float) -> float:
        """Say how much of a batch is near-alike: few at first, when strangers teach more."""
        return min(0.25 + progress, 0.75)

    def probe_weight(self, progress: float) -> float:
        """Weigh the probe: strongly while it teaches, weakly once contrast decides."""
        return 4.0 - 3.0 * progress


class ClipRun:
    """One training run of the mini CLIP and the directory it fills."""

    def __init__(self, recipe: Recipe, out: Path, device: torch.device) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe, self._out, self._device = recipe, out, device
        self._model = build_clip().to(device)
        self._probe = Probe(clip_config()["model_cfg"]["embed_dim"]).to(device)
        self._average = AveragedModel(self._model, multi_avg_fn=_averaging(recipe.averaging))
        self._optimizer = _optimizer([self._model, self._probe], recipe)
        self._held_out = held_out()

    def train(self, pool: Pool) -> Report:
        """Train to the end of the recipe, saving on the way; give the last report."""
        recipe = self._recipe
        # Older weights in the directory stay until there are better ones than fresh.
        save_tokenizer(self._out)
        batches = Batches(pool, load_tokenizer(self._out), vocabulary(), recipe.seed)
        start = saved = time.monotonic()
        paused, step, progress = 0.0, 0, 0.0
        while progress < 1.0:
            loss = self._step(batches, step, progress)
            step, now = step + 1, time.monotonic()
            progress = recipe.progress(step, now - start - paused)
            if step % 50 == 0:
                rate = step * recipe.batch / (now - start - paused)
                log.info("step %d, %.0f%%, loss %.3f, %.0f/s", step, progress * 100, loss, rate)
            if progress < 1.0 and now - saved > recipe.save_every:
                self._save(self._run(pool, step, now - start - paused))
                saved = time.monotonic()
                paused += saved - now
        run = self._run(pool, step, time.monotonic() - start - paused, finished=True)
        return self._save(run)

    def _step(self, batches: Batches, step: int, progress: float) -> float:
        recipe = self._recipe
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.rate(step, progress)
        batch = batches.draw(recipe.batch, recipe.family_share(progress), self._device)
        loss = batch_loss(self._model, self._probe, batch, recipe.probe_weight(progress))
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        with torch.no_grad():
            self._model.logit_scale.clamp_(0, _MAX_SCALE)
        self._average.update_parameters(self._model)
        return loss.item()

    def _run(self, pool: Pool, step: int, seconds: float, finished: bool = False) -> Run:
        return Run(
            seed=self._recipe.seed,
            steps=step,
            batch=self._recipe.batch,
            pool=len(pool),
            seconds=seconds,
            device=_device_name(self._device),
            parameters=sum(each.numel() for each in self._model.parameters()),
            finished=finished,
        )

    def _save(self, run: Run) -> Report:
        save_clip(self._average.module.state_dict(), self._out)
        # Measured from the file, so that what float16 costs is in the figures.
        sizes = (64, PHOTO_SIZE) if run.finished else (64,)
        reports = [measure(self._out, self._held_out, size) for size in sizes]
        replace_file(self._out / CARD_NAME, (clip_card(run, reports) + "\n").encode())
        for report in reports:
            log.info("step %d: %s", run.steps, report)
        return reports[0]


def train_clip(recipe: Recipe, out: Path, device: torch.device) -> Report:
    """Draw a pool, train the mini CLIP on it, and leave it with its card in `out`."""
    pool = build_pool(recipe.seed, recipe.families, vocabulary(), recipe.workers)
    log.info("drew %d scenes in families of %d", len(pool), FAMILY)
    return ClipRun(recipe, out, device).train(pool)


def _optimizer(modules: list[nn.Module], recipe: Recipe) -> torch.optim.AdamW:
    parameters = [each for module in modules for each in module.parameters()]
    groups: list[dict[str, Any]] = [
        {"params": [each for each in parameters if each.ndim > 1]},
        {"params": [each for each in parameters if each.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=recipe.weight_decay)


def _averaging(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    def update(average: _Tensors, current: _Tensors, updates: Tensor | int) -> None:
        # Early on the average is short, or a first checkpoint would be mostly fresh weights.
        count = float(updates)
        keep = min(decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(average, current, 1 - keep)

    return update


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


@click.group()
def main() -> None:
    """Train the mini models that ship with sightline."""
    if any(os.environ.get(name) != value for name, value in MALLOC.items()):
        command = [sys.executable, "-m", "indexer.models.mini.train", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **MALLOC})
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    log.setLevel(logging.INFO)


@main.command()
@click.option("--seconds", type=float, default=2400.0, help="Stop training after this long.")
@click.option("--steps", type=int, default=0, help="Stop after this many steps instead.")
@click.option("--seed", type=int, default=0, help="Seed of scenes, weights and batches.")
@click.option("--families", type=int, default=30_000, help="Families of four scenes to draw.")
@click.option("--device", default="auto", help="cpu, cuda, or auto for the best there is.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=CLIP_DIRECTORY,
    help="Directory to fill.",
)
def clip(seconds: float, steps: int, seed: int, families: int, device: str, out: Path) -> None:
    """Train the mini CLIP and write weights, configuration, tokenizer and card."""
    best = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(2)
    recipe = Recipe(seed=seed, seconds=seconds, steps=steps, families=families)
    train_clip(recipe, out, torch.device(best if device == "auto" else device))


if __name__ == "__main__":
    main()
