"""What the models of the mini family are worth, measured on held-out scenes by their readers."""

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.models import load, load_reader
from indexer.models.mini.scenes.counterfactuals import TWINS, twins
from indexer.models.mini.scenes.drawing import draw
from indexer.models.mini.scenes.phrases import captions, full_captions
from indexer.models.mini.scenes.questions import SUBJECTS, questions
from indexer.models.mini.scenes.scenes import COLOURS, SHAPES, Scene
from indexer.models.mini.training.render_cache import IMAGE_SIZE
from indexer.models.protocols import Answerer, Captioner, PairScorer, Pixels

Figures = dict[str, float]  # what was measured → a share, 0 to 1
_CHUNK = 250


def towers(directory: Path, scenes: Sequence[Scene]) -> Figures:
    """Search the scenes by their full captions; a tie counts as a miss."""
    encoder = load(str(directory))
    pixels = pictures(scenes)
    parts = [
        encoder.encode_images(pixels[at : at + _CHUNK]) for at in range(0, len(pixels), _CHUNK)
    ]
    texts = encoder.encode_texts([captions(scene)[0] for scene in scenes])
    scores = texts @ np.concatenate(parts).T  # (n, n) captions by pictures
    ranks = np.count_nonzero(scores >= np.diagonal(scores)[:, None], axis=1) - 1
    return {f"text to image R@{k}": float((ranks < k).mean()) for k in (1, 5)}


def pairs(scorer: PairScorer, scenes: Sequence[Scene]) -> Figures:
    """Return how often the true caption scores above one that is false in the named respect."""
    rng = random.Random(0)
    won: defaultdict[str, list[bool]] = defaultdict(list)
    for scene, pixels in zip(scenes, pictures(scenes), strict=True):
        false = twins(scene, rng)
        texts = [captions(scene)[0], *(each.caption for each in false)]
        (scores,) = scorer.score(pixels[None], texts)
        for each, score in zip(false, scores[1:], strict=True):
            won[each.kind].append(bool(scores[0] > score))
    return {f"told from false {kind}": float(np.mean(won[kind])) for kind in TWINS if won[kind]}


def told(captioner: Captioner, scenes: Sequence[Scene]) -> Figures:
    """Return how often a caption names the right colours and shapes, and is true as a whole."""
    said: list[str] = []
    pixels = pictures(scenes)
    for at in range(0, len(pixels), _CHUNK):
        said += captioner.describe(pixels[at : at + _CHUNK])
    named = [
        things_named(text) == {(thing.look.colour, thing.look.shape) for thing in scene.objects}
        for text, scene in zip(said, scenes, strict=True)
    ]
    true = [text in full_captions(scene) for text, scene in zip(said, scenes, strict=True)]
    return {
        "captions with the right colours and shapes": float(np.mean(named)),
        "captions true in every respect": float(np.mean(true)),
    }


def answered(answerer: Answerer, scenes: Sequence[Scene]) -> Figures:
    """Ask everything about each scene; the share of right answers, in all and by subject."""
    right: defaultdict[str, list[bool]] = defaultdict(list)
    pixels = pictures(scenes)
    asked = [questions(scene, random.Random(row)) for row, scene in enumerate(scenes)]
    rows = [row for row, each in enumerate(asked) for _ in each]
    every = [question for each in asked for question in each]
    for at in range(0, len(every), _CHUNK):
        part = every[at : at + _CHUNK]
        answers = answerer.answer(pixels[rows[at : at + _CHUNK]], [each.text for each in part])
        for question, answer in zip(part, answers, strict=True):
            right[question.subject].append(answer == question.answer)
    total = [each for subject in SUBJECTS for each in right[subject]]
    shares = {f"answers about {each}": float(np.mean(right[each])) for each in SUBJECTS}
    return {"answers": float(np.mean(total)), **shares}


def reader_figures(name: str, directory: Path, scenes: Sequence[Scene]) -> Figures:
    """Measure a model of the family, by the name of its recipe, in everything it does."""
    where = str(directory)
    if name in ("clip-hf", "align"):
        return towers(directory, scenes)
    if name == "blip":
        return towers(directory, scenes) | pairs(load_reader(where, "pair-scorer"), scenes)
    if name == "caption":
        figures = told(load_reader(where, "captioner"), scenes)
        return figures | pairs(load_reader(where, "pair-scorer"), scenes)
    figures = answered(load_reader(where, "answerer"), scenes)
    if name == "vqa":
        return figures
    return figures | told(load_reader(where, "captioner"), scenes)


def pictures(scenes: Sequence[Scene]) -> Pixels:
    """Draw the scenes as towers see them, (n, 64, 64, 3) uint8."""
    return np.stack([np.asarray(draw(scene, IMAGE_SIZE)) for scene in scenes])


def things_named(caption: str) -> set[tuple[str, str]]:
    """Find the coloured shapes that a caption names, one or several of a kind alike."""
    words = caption.replace(",", "").split()
    singular = {form: shape for shape in SHAPES for form in (shape, f"{shape}s", f"{shape}es")}
    return {
        (colour, singular[word])
        for colour, word in zip(words, words[1:], strict=False)
        if colour in COLOURS and word in singular
    }
