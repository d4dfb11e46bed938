"""How each model of the mini family beside the first is made: from what, by what, how long."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from transformers import (
    AlignModel,
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
    BlipForQuestionAnswering,
    InstructBlipForConditionalGeneration,
    LlavaForConditionalGeneration,
)

from indexer.models.calibration import MATCH
from indexer.models.mini.scenes.scenes import Scene
from indexer.models.mini.training.align import AlignLoss, BatchNormUpdate, align_config, save_align
from indexer.models.mini.training.blip import WIDTH, blip_config, clip_vision, save_blip
from indexer.models.mini.training.blip_losses import AnsweringLoss, CaptionLoss, MatchingLoss
from indexer.models.mini.training.calibration import calibrate
from indexer.models.mini.training.card import Run, family_card
from indexer.models.mini.training.checkpoint import CARD_NAME
from indexer.models.mini.training.clip import Teacher
from indexer.models.mini.training.clip_hf import (
    DistillationLoss,
    begin,
    save_clip_hf,
    separate,
    settle_first_norm,
)
from indexer.models.mini.training.contrast import Probe
from indexer.models.mini.training.dataset import Dataset
from indexer.models.mini.training.family_report import Figures, reader_figures
from indexer.models.mini.training.instruct_blip import (
    InstructionLoss,
    as_qformer,
    instruct_blip_config,
    save_instruct_blip,
)
from indexer.models.mini.training.layout import load_weights, part, take
from indexer.models.mini.training.llava import DialogueLoss, llava_config, save_llava
from indexer.models.mini.training.render_cache import RenderCache
from indexer.models.mini.training.trainer import (
    Loss,
    Schedule,
    Trainer,
    TrainingProgress,
    device_name,
)
from indexer.models.mini.weights import (
    ALIGN_DIRECTORY,
    BLIP_DIRECTORY,
    CAPTION_DIRECTORY,
    CLIP_HF_DIRECTORY,
    INSTRUCT_BLIP_DIRECTORY,
    LLAVA_DIRECTORY,
    VQA_DIRECTORY,
)
from storage.disk.atomic import write_whole

_FITTED = 256  # pictures that the first norm is fitted on
Save = Callable[[Any, Path], None]
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class TrainingPlan:
    """A model about to be trained, with its loss and what else learns beside it."""

    model: nn.Module
    loss: Loss
    save: Save
    schedule: Schedule
    aside: tuple[nn.Module, ...] = ()
    gentle: str = ""  # the part that comes trained and learns slower
    finish: Callable[[nn.Module], None] | None = None  # done to the average before it is saved


Make = Callable[[Dataset, torch.device, float], TrainingPlan]


def caption(dataset: Dataset, device: torch.device, seconds: float) -> TrainingPlan:
    """BLIP's captioner, its tower from mini CLIP."""
    model = BlipForConditionalGeneration(blip_config())
    model.vision_model.load_state_dict(clip_vision())
    placed(model, device)
    probe = Probe(WIDTH).to(device)
    schedule = Schedule(seconds, batch=128, peak_rate=2e-3)
    loss = CaptionLoss(model, probe, dataset, schedule.batch)
    return TrainingPlan(model, loss, save_blip, schedule, (probe,), gentle="vision_model")


def matching(dataset: Dataset, device: torch.device, seconds: float) -> TrainingPlan:
    """BLIP's matching model, tower and text stack from the captioner."""
    learnt = load_weights(CAPTION_DIRECTORY)
    model = BlipForImageTextRetrieval(blip_config())
    model.vision_model.load_state_dict(part(learnt, "vision_model."))
    model.text_encoder.load_state_dict(part(learnt, "text_decoder.bert."), strict=False)
    placed(model, device)
    where, probe = nn.Linear(WIDTH, 1).to(device), Probe(WIDTH).to(device)
    schedule = Schedule(seconds, batch=96, peak_rate=1e-3)
    loss = MatchingLoss(model, where, probe, dataset, schedule.batch)
    return TrainingPlan(model, loss, save_blip, schedule, (where, probe), gentle="vision_model")


def answering(dataset: Dataset, device: torch.device, seconds: float) -> TrainingPlan:
    """BLIP's question answering: reads as the matching model does, speaks as the captioner."""
    learnt, reading = load_weights(CAPTION_DIRECTORY), load_weights(BLIP_DIRECTORY)
    model = BlipForQuestionAnswering(blip_config())
    model.vision_model.load_state_dict(part(reading, "vision_model."))
    model.text_encoder.load_state_dict(part(reading, "text_encoder."), strict=False)
    model.text_decoder.load_state_dict(part(learnt, "text_decoder."), strict=False)
    placed(model, device)
    schedule = Schedule(seconds, batch=96, peak_rate=1e-3)
    loss = AnsweringLoss(model, dataset, schedule.batch)
    return TrainingPlan(model, loss, save_blip, schedule, gentle="vision_model")


def conversing(dataset: Dataset, device: torch.device, seconds: float) -> TrainingPlan:
    """LLaVA, its tower from the captioner's."""
    model = LlavaForConditionalGeneration(llava_config())
    tower = model.model.vision_tower
    learnt = part(load_weights(CAPTION_DIRECTORY), "vision_model.")
    tower.load_state_dict(separate(learnt), strict=False)
    settle_first_norm(tower, dataset.pictures(dataset.rows(_FITTED)).cpu())
    placed(model, device)
    schedule = Schedule(seconds, batch=64, peak_rate=1.5e-3)
    loss = DialogueLoss(model, dataset, schedule.batch)
    return TrainingPlan(model, loss, save_llava, schedule, gentle="model.vision_tower")


def instructing(dataset: Dataset, device: torch.device, seconds: float) -> TrainingPlan:
    """InstructBLIP, its tower and Q-Former from the model that answers."""
    model = InstructBlipForConditionalGeneration(instruct_blip_config())
    learnt = load_weights(VQA_DIRECTORY)
    model.vision_model.load_state_dict(part(learnt, "vision_model."), strict=False)
    model.qformer.load_state_dict(as_qformer(part(learnt, "text_encoder.")))
    # Queries that begin alike, as the library has them, would stay one query.
    nn.init.normal_(model.query_tokens, std=0.2)
    placed(model, device)
    schedule = Schedule(seconds, batch=64, peak_rate=1.5e-3)
    loss = InstructionLoss(model, dataset, schedule.batch)
    return TrainingPlan(model, loss, save_instruct_blip, schedule, gentle="vision_model")


def following(dataset: Dataset, device: torch.device, seconds: float) -> TrainingPlan:
    """Return transformers' CLIP: the text tower is mini's, the picture tower learns its rows."""
    teacher = Teacher(device)
    model = begin(teacher)
    settle_first_norm(model.vision_model, dataset.pictures(dataset.rows(_FITTED)).cpu())
    placed(model, device)
    for frozen in (model.text_model, model.text_projection):
        frozen.requires_grad_(False)
    model.logit_scale.requires_grad_(False)
    schedule = Schedule(seconds, batch=128, peak_rate=1e-3, averaging=0.995)
    loss = DistillationLoss(model, teacher, dataset, schedule.batch)
    return TrainingPlan(model, loss, save_clip_hf, schedule)


def aligning(dataset: Dataset, device: torch.device, seconds: float) -> TrainingPlan:
    """ALIGN from nothing, with mini CLIP as its teacher."""
    model = placed(AlignModel(align_config()), device)
    schedule = Schedule(seconds, batch=128, peak_rate=2e-3)
    loss = AlignLoss(model, Teacher(device), dataset, schedule.batch)
    update = BatchNormUpdate(dataset, schedule.batch)
    return TrainingPlan(model, loss, save_align, schedule, finish=update)


@dataclass(frozen=True)
class Recipe:
    """Where a model of the family belongs, what it is, and seconds of training on two cores."""

    make: Make
    folder: Path
    seconds: float
    about: str


RECIPES: dict[str, Recipe] = {
    "caption": Recipe(caption, CAPTION_DIRECTORY, 1600, "BLIP's captioner for drawn scenes."),
    "blip": Recipe(matching, BLIP_DIRECTORY, 1500, "BLIP's matching model for drawn scenes."),
    "vqa": Recipe(answering, VQA_DIRECTORY, 600, "BLIP's question answering for drawn scenes."),
    "llava": Recipe(conversing, LLAVA_DIRECTORY, 900, "A LLaVA that talks about drawn scenes."),
    "instructblip": Recipe(
        instructing, INSTRUCT_BLIP_DIRECTORY, 900, "An InstructBLIP for drawn scenes."
    ),
    "clip-hf": Recipe(following, CLIP_HF_DIRECTORY, 300, "Mini CLIP as transformers loads it."),
    "align": Recipe(aligning, ALIGN_DIRECTORY, 600, "An ALIGN that learnt mini CLIP's space."),
}


def placed(model: M, device: torch.device) -> M:
    """Bring a network onto the device it learns on."""
    nn.Module.to(model, device)
    return model


def train(
    name: str,
    pool: RenderCache,
    out: Path,
    seed: int,
    device: torch.device,
    scenes: Sequence[Scene],
    adjusted: Callable[[TrainingPlan], TrainingPlan],
    start: Path | None = None,
) -> Figures:
    """Train one model of the family on a pool, measure it on scenes, leave it with its card.

    `adjusted` may change how long it learns; `start` holds weights of the same model to go on
    from.
    """
    torch.manual_seed(seed)
    recipe = RECIPES[name]
    plan = adjusted(recipe.make(Dataset(pool, seed, device), device, recipe.seconds))
    if start is not None:
        take(plan.model, load_weights(start))
    figures: Figures = {}

    def save(model: nn.Module, progress: TrainingProgress) -> None:
        if plan.finish is not None:
            plan.finish(model)
        (out / MATCH).unlink(missing_ok=True)  # fitted to weights that are about to go
        plan.save(model, out)
        if progress.finished:
            if name == "caption":
                calibrate(out)
            figures.update(reader_figures(name, out, scenes))
        size = sum(each.numel() for each in model.parameters())
        where = device_name(device)
        run = Run(seed, progress, plan.schedule.batch, len(pool), where, size, _started(start))
        card = family_card(name, recipe.about, run, figures, len(scenes))
        write_whole(out / CARD_NAME, (card + "\n").encode())

    trainer = Trainer(plan.model.train(), plan.schedule, plan.aside, plan.gentle)
    trainer.train(plan.loss, save)
    return figures


def _started(start: Path | None) -> str:
    if start is None:
        return ""
    card = start / CARD_NAME
    steps = re.search(r"\| Steps x batch \| (.*?) \|", card.read_text()) if card.is_file() else None
    return f"an earlier run of {steps[1]}" if steps else "an earlier run"
