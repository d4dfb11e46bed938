"""Training the first of the family: a CLIP as open_clip builds it, from nothing."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import open_clip  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn

from indexer.models.mini.scenes.phrases import vocabulary
from indexer.models.mini.scenes.scenes import Scene
from indexer.models.mini.scenes.words import words
from indexer.models.mini.training.batches import Batches
from indexer.models.mini.training.card import Run, clip_card
from indexer.models.mini.training.checkpoint import (
    CARD_NAME,
    build_clip,
    clip_config,
    save_clip,
    save_tokenizer,
)
from indexer.models.mini.training.contrast import Probe, batch_loss
from indexer.models.mini.training.dataset import Ids
from indexer.models.mini.training.render_cache import RenderCache
from indexer.models.mini.training.report import Report, measure
from indexer.models.mini.training.tokenizer import Spelling, load_tokenizer
from indexer.models.mini.training.trainer import Schedule, Trainer, TrainingProgress, device_name
from indexer.models.mini.weights import CLIP_DIRECTORY
from storage.disk.atomic import write_whole

log = logging.getLogger("sightline.mini")

PHOTO_SIZE = 384
SCHEDULE = Schedule(seconds=2400.0, batch=128, peak_rate=1.2e-3)
_MAX_SCALE = math.log(100)


class Contrasting:
    """Mini CLIP's loss on batches that grow more alike, with a probe that teaches early on."""

    def __init__(self, model: open_clip.CLIP, probe: Probe, batches: Batches, size: int) -> None:
        self._model, self._probe = model, probe
        self._batches, self._size = batches, size

    def __call__(self, progress: float) -> Tensor:
        """Return the loss of one batch."""
        with torch.no_grad():
            self._model.logit_scale.clamp_(0, _MAX_SCALE)
        # Few near-alike scenes at first, when strangers teach more; the probe weighs strongly
        # while it teaches, weakly once contrast decides.
        batch = self._batches.draw(self._size, min(0.25 + progress, 0.75))
        return batch_loss(self._model, self._probe, batch, 4.0 - 3.0 * progress)


def train_clip(
    schedule: Schedule,
    seed: int,
    pool: RenderCache,
    out: Path,
    device: torch.device,
    scenes: Sequence[Scene],
) -> list[Report]:
    """Train the mini CLIP on a pool, measure it on scenes, leave it with its card in `out`."""
    torch.manual_seed(seed)
    model = build_clip().to(device)
    probe = Probe(clip_config()["model_cfg"]["embed_dim"]).to(device)
    # Older weights in the directory stay until there are better ones than fresh.
    save_tokenizer(out)
    batches = Batches(pool, load_tokenizer(out), vocabulary(), seed, device)
    loss = Contrasting(model, probe, batches, schedule.batch)
    reports: list[Report] = []

    def save(average: nn.Module, progress: TrainingProgress) -> None:
        save_clip(average.state_dict(), out)
        # Measured from the file, so that what float16 costs is in the figures.
        sizes = (64, PHOTO_SIZE) if progress.finished else (64,)
        reports[:] = [measure(out, scenes, size) for size in sizes]
        run = Run(
            seed=seed,
            progress=progress,
            batch=schedule.batch,
            pool=len(pool),
            device=device_name(device),
            parameters=sum(each.numel() for each in model.parameters()),
        )
        write_whole(out / CARD_NAME, (clip_card(run, reports) + "\n").encode())
        for report in reports:
            log.info("step %d: %s", progress.steps, report)

    Trainer(model, schedule, aside=(probe,)).train(loss, save)
    return reports


class Teacher:
    """The shipped mini CLIP, frozen."""

    def __init__(self, device: torch.device, directory: Path = CLIP_DIRECTORY) -> None:
        network, _ = open_clip.create_model_from_pretrained(f"local-dir:{directory}")
        self.network = network.float().to(device).eval().requires_grad_(False)
        self._spelling = Spelling(load_tokenizer(directory), words())
        self._device = device

    def pictures(self, images: Tensor) -> Tensor:
        """Encode (n, 3, 64, 64) normalised pictures as (n, 128) unit rows."""
        with torch.no_grad(), torch.autocast(images.device.type, dtype=torch.bfloat16):
            rows: Tensor = self.network.encode_image(images, normalize=True)
        return rows.float()

    def texts(self, said: Ids) -> Tensor:
        """Encode (n, 30) word numbers as (n, 128) unit rows."""
        with torch.no_grad(), torch.autocast(self._device.type, dtype=torch.bfloat16):
            batch = torch.from_numpy(self._spelling.tokens(said)).to(self._device)
            rows: Tensor = self.network.encode_text(batch, normalize=True)
        return rows.float()
