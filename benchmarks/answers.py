"""How often are the mini models' answers right, and do the captions name what is there?

    SIGHTLINE_DATA=… uv run python -m benchmarks.answers

Asks the answerers everything that is asked of the held-out scenes, each question once, and prints
the share of right answers by subject. Has the captioners describe the scenes and prints the share
of captions that name just the right colours and shapes. Where the data folder is at hand, asks
the questions of `easy-vqa`, which others made, as well.
"""

import os
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.answering import normalised
from benchmarks.datasets import asked
from benchmarks.published_metrics import squares as read_squares
from benchmarks.rows import keep
from benchmarks.scene_images import squares
from indexer.models import load_reader
from indexer.models.mini.scenes.questions import SUBJECTS, Question, plural, questions
from indexer.models.mini.scenes.scenes import COLOURS, SHAPES, Scene, held_out
from indexer.models.protocols import Answerer, Captioner, Pixels

ANSWERERS = ("mini-vqa", "mini-instructblip", "mini-llava")
CAPTIONERS = ("mini-caption",)
BATCH = 64
EASY = "easy-vqa"
Pair = tuple[str, str]  # colour, shape
_SINGULAR = {plural(shape): shape for shape in SHAPES} | {shape: shape for shape in SHAPES}
_PAIR = re.compile(rf"\b({'|'.join(COLOURS)}) ({'|'.join(_SINGULAR)})\b")


@dataclass(frozen=True)
class Put:
    """A question put to an image, what it is about and the right answer."""

    image: int
    subject: str
    text: str
    answer: str


def of_scenes(scenes: Sequence[Scene], seed: int = 0) -> list[Put]:
    """Ask of each scene everything it allows."""
    rng = random.Random(seed)
    return [
        _put(number, question)
        for number, scene in enumerate(scenes)
        for question in questions(scene, rng)
    ]


def _put(number: int, question: Question) -> Put:
    return Put(number, question.subject, question.text, question.answer)


def answered(answerer: Answerer, pixels: Pixels, put: Sequence[Put]) -> list[str]:
    """Answer every question: n answers in order."""
    said: list[str] = []
    for at in range(0, len(put), BATCH):
        part = put[at : at + BATCH]
        which = np.array([one.image for one in part])
        said += answerer.answer(pixels[which], [one.text for one in part])
    return said


def by_subject(put: Sequence[Put], said: Sequence[str]) -> dict[str, list[int]]:
    """Count right answers and questions by subject, and together.

    An answer is right where it is the true one in the form that VQA compares: "two" is "2".
    """
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one, answer in zip(put, said, strict=True):
        right = normalised(answer) == normalised(one.answer)
        for key in (one.subject, "all"):
            counts[key][0] += right
            counts[key][1] += 1
    return dict(counts)


def named(caption: str) -> set[Pair]:
    """Find the colours with their shapes that a caption speaks of."""
    return {(colour, _SINGULAR[shape]) for colour, shape in _PAIR.findall(caption.lower())}


def names_rightly(scenes: Sequence[Scene], captions: Sequence[str]) -> list[bool]:
    """Return of each caption whether it names just the colours and shapes of its scene."""
    return [
        named(caption) == {(thing.look.colour, thing.look.shape) for thing in scene.objects}
        for scene, caption in zip(scenes, captions, strict=True)
    ]


def described(captioner: Captioner, pixels: Pixels) -> list[str]:
    """Describe every image."""
    return [
        text
        for at in range(0, len(pixels), BATCH)
        for text in captioner.describe(pixels[at : at + BATCH])
    ]


def easy(folder: Path, answerer: Answerer) -> dict[str, list[int]]:
    """Put the questions of easy-vqa, of colours, of shapes and of what is there."""
    rows = asked(folder)
    images = list(dict.fromkeys(row.image for row in rows))
    numbers = {image: number for number, image in enumerate(images)}
    put = [
        Put(numbers[row.image], _about(row.answers[0]), row.question, row.answers[0])
        for row in rows
    ]
    return by_subject(put, answered(answerer, read_squares(images, answerer.image_spec), put))


def _about(answer: str) -> str:
    if answer in ("yes", "no"):
        return "presence"
    return "shape" if answer in SHAPES else "colour"


def _told(model: str, where: str, counts: Mapping[str, Sequence[int]]) -> Mapping[str, object]:
    kinds = [kind for kind in (*SUBJECTS, "all") if kind in counts]
    shares = ", ".join(f"{kind} {counts[kind][0] / counts[kind][1]:.3f}" for kind in kinds)
    print(f"{model}, {counts['all'][1]:,} questions of {where}: {shares}")
    return {"model": model, "set": where, **{kind: list(counts[kind]) for kind in kinds}}


def told_of(
    models: Sequence[str], scenes: Sequence[Scene], size: int, data: str | None
) -> list[Mapping[str, object]]:
    """Put all questions to each answerer, print and return counts of right answers."""
    rows = []
    put = of_scenes(scenes)
    for model in models:
        answerer = load_reader(model, "answerer")
        said = answered(answerer, squares(scenes, answerer.image_spec, size), put)
        rows.append(_told(model, "held-out scenes", by_subject(put, said)))
        if data:
            rows.append(_told(model, EASY, easy(Path(data) / EASY, answerer)))
    return rows


@click.command()
@click.option("--answerer", "answerers", multiple=True, default=ANSWERERS, show_default=True)
@click.option("--captioner", "captioners", multiple=True, default=CAPTIONERS, show_default=True)
@click.option("--count", default=1000, show_default=True, help="Held-out scenes.")
@click.option("--size", default=64, show_default=True, help="Pixels they are drawn at.")
def main(answerers: tuple[str, ...], captioners: tuple[str, ...], count: int, size: int) -> None:
    """Print how often answers are right, and how often captions name what is there."""
    data = os.environ.get("SIGHTLINE_DATA")
    if not data:
        print(f"{EASY} is left out: SIGHTLINE_DATA names no folder of real files")
    scenes = held_out(count)
    rows = told_of(answerers, scenes, size, data)
    for model in captioners:
        captioner = load_reader(model, "captioner")
        captions = described(captioner, squares(scenes, captioner.image_spec, size))
        right = names_rightly(scenes, captions)
        print(
            f"{model}: {np.mean(right):.3f} of {count} captions name just the right colours "
            f"and shapes; the first says {captions[0]!r}"
        )
        rows.append({"model": model, "captions": captions, "right": right})
    keep("answers", {"count": count, "size": size}, rows)


if __name__ == "__main__":
    main()
