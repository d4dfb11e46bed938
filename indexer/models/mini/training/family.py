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

from indexer.models.mini.scenes.scenes import Scene
from indexer.models.mini.training.align import Aligning, Settling, align_config, save_align
from indexer.models.mini.training.blip import WIDTH, blip_config, clip_vision, save_blip
from indexer.models.mini.training.blip_losses import Answering, Matching, Saying
from indexer.models.mini.training.calibration import calibrate
from indexer.models.mini.training.card import Run, family_card
from indexer.models.mini.training.checkpoint import CARD_NAME, replace_file
from indexer.models.mini.training.clip import Teacher
from indexer.models.mini.training.clip_hf import (
    Following,
    begin,
    save_clip_hf,
    separate,
    settle_first_norm,
)
from indexer.models.mini.training.contrast import Probe
from indexer.models.mini.training.family_report import Figures, reader_figures
from indexer.models.mini.training.instruct_blip import (
    Instructing,
    as_qformer,
    instruct_blip_config,
    save_instruct_blip,
)
from indexer.models.mini.training.layout import load_weights, part, take
from indexer.models.mini.training.lessons import Lessons
from indexer.models.mini.training.llava import Conversing, llava_config, save_llava
from indexer.models.mini.training.pool import Pool
from indexer.models.mini.training.trainer import Effort, Loss, Schedule, Trainer, device_name
from indexer.models.mini.weights import (
    ALIGN_DIRECTORY,
    BLIP_DIRECTORY,
    CAPTION_DIRECTORY,
    CLIP_HF_DIRECTORY,
    INSTRUCT_BLIP_DIRECTORY,
    LLAVA_DIRECTORY,
    VQA_DIRECTORY,
)
from indexer.models.networks.likelihood import MATCH

_FITTED = 256  # pictures that the first norm is fitted on
Save = Callable[[Any, Path], None]
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Course:
    """A model about to be trained, with its loss and what else learns beside it."""

    model: nn.Module
    loss: Loss
    save: Save
    schedule: Schedule
    aside: tuple[nn.Module, ...] = ()
    gentle: str = ""  # the part that comes trained and learns slower
    finish: Callable[[nn.Module], None] | None = None  # done to the average before it is saved


Make = Callable[[Lessons, torch.device, float], Course]


def caption(lessons: Lessons, device: torch.device, seconds: float) -> Course:
    """BLIP's captioner, its tower from mini CLIP."""
    model = BlipForConditionalGeneration(blip_config())
    model.vision_model.load_state_dict(clip_vision())
    placed(model, device)
    probe = Probe(WIDTH).to(device)
    schedule = Schedule(seconds, batch=128, peak_rate=2e-3)
    loss = Saying(model, probe, lessons, schedule.batch)
    return Course(model, loss, save_blip, schedule, (probe,), gentle="vision_model")


def matching(lessons: Lessons, device: torch.device, seconds: float) -> Course:
    """BLIP's matching model, tower and text stack from the captioner."""
    learnt = load_weights(CAPTION_DIRECTORY)
    model = BlipForImageTextRetrieval(blip_config())
    model.vision_model.load_state_dict(part(learnt, "vision_model."))
    model.text_encoder.load_state_dict(part(learnt, "text_decoder.bert."), strict=False)
    placed(model, device)
    where, probe = nn.Linear(WIDTH, 1).to(device), Probe(WIDTH).to(device)
    schedule = Schedule(seconds, batch=96, peak_rate=1e-3)
    loss = Matching(model, where, probe, lessons, schedule.batch)
    return Course(model, loss, save_blip, schedule, (where, probe), gentle="vision_model")


def answering(lessons: Lessons, device: torch.device, seconds: float) -> Course:
    """BLIP's question answering: reads as the matching model does, speaks as the captioner."""
    learnt, reading = load_weights(CAPTION_DIRECTORY), load_weights(BLIP_DIRECTORY)
    model = BlipForQuestionAnswering(blip_config())
    model.vision_model.load_state_dict(part(reading, "vision_model."))
    model.text_encoder.load_state_dict(part(reading, "text_encoder."), strict=False)
    model.text_decoder.load_state_dict(part(learnt, "text_decoder."), strict=False)
    placed(model, device)
    schedule = Schedule(seconds, batch=96, peak_rate=1e-3)
    loss = Answering(model, lessons, schedule.batch)
    return Course(model, loss, save_blip, schedule, gentle="vision_model")


def conversing(lessons: Lessons, device: torch.device, seconds: float) -> Course:
    """LLaVA, its tower from the captioner's."""
    model = LlavaForConditionalGeneration(llava_config())
    tower = model.model.vision_tower
    learnt = part(load_weights(CAPTION_DIRECTORY), "vision_model.")
    tower.load_state_dict(separate(learnt), strict=False)
    settle_first_norm(tower, lessons.pictures(lessons.rows(_FITTED)).cpu())
    placed(model, device)
    schedule = Schedule(seconds, batch=64, peak_rate=1.5e-3)
    loss = Conversing(model, lessons, schedule.batch)
    return Course(model, loss, save_llava, schedule, gentle="model.vision_tower")


def instructing(lessons: Lessons, device: torch.device, seconds: float) -> Course:
    """InstructBLIP, its tower and Q-Former from the model that answers."""
    model = InstructBlipForConditionalGeneration(instruct_blip_config())
    learnt = load_weights(VQA_DIRECTORY)
    model.vision_model.load_state_dict(part(learnt, "vision_model."), strict=False)
    model.qformer.load_state_dict(as_qformer(part(learnt, "text_encoder.")))
    # Queries that begin alike, as the library has them, would stay one query.
    nn.init.normal_(model.query_tokens, std=0.2)
    placed(model, device)
    schedule = Schedule(seconds, batch=64, peak_rate=1.5e-3)
    loss = Instructing(model, lessons, schedule.batch)
    return Course(model, loss, save_instruct_blip, schedule, gentle="vision_model")


def following(lessons: Lessons, device: torch.device, seconds: float) -> Course:
    """Return transformers' CLIP: the text tower is mini's, the picture tower learns its rows."""
    teacher = Teacher(device)
    model = begin(teacher)
    settle_first_norm(model.vision_model, lessons.pictures(lessons.rows(_FITTED)).cpu())
    placed(model, device)
    for frozen in (model.text_model, model.text_projection):
        frozen.requires_grad_(False)
    model.logit_scale.requires_grad_(False)
    schedule = Schedule(seconds, batch=128, peak_rate=1e-3, averaging=0.995)
    loss = Following(model, teacher, lessons, schedule.batch)
    return Course(model, loss, save_clip_hf, schedule)


def aligning(lessons: Lessons, device: torch.device, seconds: float) -> Course:
    """ALIGN from nothing, with mini CLIP as its teacher."""
    model = placed(AlignModel(align_config()), device)
    schedule = Schedule(seconds, batch=128, peak_rate=2e-3)
    loss = Aligning(model, Teacher(device), lessons, schedule.batch)
    settling = Settling(lessons, schedule.batch)
    return Course(model, loss, save_align, schedule, finish=settling)


@dataclass(frozen=True)
class Plan:
    """Where a model of the family belongs, what it is, and seconds of training on two cores."""

    make: Make
    folder: Path
    seconds: float
    about: str


COURSES: dict[str, Plan] = {
    "caption": Plan(caption, CAPTION_DIRECTORY, 1600, "BLIP's captioner for drawn scenes."),
    "blip": Plan(matching, BLIP_DIRECTORY, 1500, "BLIP's matching model for drawn scenes."),
    "vqa": Plan(answering, VQA_DIRECTORY, 600, "BLIP's question answering for drawn scenes."),
    "llava": Plan(conversing, LLAVA_DIRECTORY, 900, "A LLaVA that talks about drawn scenes."),
    "instructblip": Plan(
        instructing, INSTRUCT_BLIP_DIRECTORY, 900, "An InstructBLIP for drawn scenes."
    ),
    "clip-hf": Plan(following, CLIP_HF_DIRECTORY, 300, "Mini CLIP as transformers loads it."),
    "align": Plan(aligning, ALIGN_DIRECTORY, 600, "An ALIGN that learnt mini CLIP's space."),
}


def placed(model: M, device: torch.device) -> M:
    """Bring a network onto the device it learns on."""
    nn.Module.to(model, device)
    return model


def teach(
    name: str,
    pool: Pool,
    out: Path,
    seed: int,
    device: torch.device,
    scenes: Sequence[Scene],
    adjusted: Callable[[Course], Course],
    start: Path | None = None,
) -> Figures:
    """Train one model of the family on a pool, measure it on scenes, leave it with its card.

    `adjusted` may change how long it learns; `start` holds weights of the same model to go on
    from.
    """
    torch.manual_seed(seed)
    plan = COURSES[name]
    course = adjusted(plan.make(Lessons(pool, seed, device), device, plan.seconds))
    if start is not None:
        take(course.model, load_weights(start))
    figures: Figures = {}

    def save(model: nn.Module, effort: Effort) -> None:
        if course.finish is not None:
            course.finish(model)
        (out / MATCH).unlink(missing_ok=True)  # fitted to weights that are about to go
        course.save(model, out)
        if effort.finished:
            if name == "caption":
                calibrate(out)
            figures.update(reader_figures(name, out, scenes))
        size = sum(each.numel() for each in model.parameters())
        where = device_name(device)
        run = Run(seed, effort, course.schedule.batch, len(pool), where, size, _started(start))
        card = family_card(name, plan.about, run, figures, len(scenes))
        replace_file(out / CARD_NAME, (card + "\n").encode())

    trainer = Trainer(course.model.train(), course.schedule, course.aside, course.gentle)
    trainer.train(course.loss, save)
    return figures


def _started(start: Path | None) -> str:
    if start is None:
        return ""
    card = start / CARD_NAME
    steps = re.search(r"\| Steps x batch \| (.*?) \|", card.read_text()) if card.is_file() else None
    return f"an earlier run of {steps[1]}" if steps else "an earlier run"
