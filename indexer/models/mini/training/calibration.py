"""Fitting the curve that turns the captioner's likelihoods into a probability of matching."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from indexer.models import registry
from indexer.models.calibration import MATCH
from indexer.models.mini.scenes.counterfactuals import twins
from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import Scene
from indexer.models.mini.training.family_report import pictures
from indexer.models.mini.training.render_cache import training_families
from indexer.models.networks.likelihood import LikelihoodScorer
from storage.disk.atomic import write_whole

_SEED = 424_242  # of scenes that no training run draws
_DECIMALS = 6
_STEPS = 2000


def calibrate(directory: Path, families: int = 400) -> None:
    """Fit likelihood, prior and offset on fresh scenes, and write them beside the weights.

    Each scene's captions are true; those of its twins and of a stranger are false. None of the
    scenes has the content of a held-out one.
    """
    (directory / MATCH).unlink(missing_ok=True)
    scenes = [family[0] for family in training_families(_SEED, families)]
    scorer = LikelihoodScorer.load(registry.fetch(str(directory)), "cpu")
    likelihoods, priors, true = _measured(scorer, scenes)
    write_whole(directory / MATCH, (json.dumps(fit(likelihoods, priors, true)) + "\n").encode())


def fit(
    likelihoods: Sequence[float], priors: Sequence[float], true: Sequence[bool]
) -> dict[str, float]:
    """Fit a logistic curve in likelihood and prior, the two kinds of pairs weighing alike."""
    x = torch.tensor(np.array([likelihoods, priors]).T)  # (n, 2) float64
    y = torch.tensor(np.array(true, np.float64))
    mean, spread = x.mean(0), x.std(0)
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    offset = torch.zeros((), dtype=torch.float64, requires_grad=True)
    heavier = (1 - y).sum() / y.sum()
    optimizer = torch.optim.Adam([weights, offset], lr=0.05)
    for _ in range(_STEPS):
        logits = ((x - mean) / spread) @ weights + offset
        loss = F.binary_cross_entropy_with_logits(logits, y, pos_weight=heavier)
        # A little weight decay: pairs that can be told apart entirely have no steepest curve.
        loss = loss + 1e-3 * (weights**2).sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    slopes = (weights / spread).detach()
    shift = offset.detach() - (slopes * mean).sum()
    return {
        "likelihood": round(float(slopes[0]), _DECIMALS),
        "prior": round(float(slopes[1]), _DECIMALS),
        "offset": round(float(shift), _DECIMALS),
    }


def _measured(
    scorer: LikelihoodScorer, scenes: Sequence[Scene]
) -> tuple[list[float], list[float], list[bool]]:
    rng = random.Random(_SEED)
    likelihoods: list[float] = []
    priors: list[float] = []
    true: list[bool] = []
    for scene, pixels in zip(scenes, pictures(scenes), strict=True):
        stranger = rng.choice([other for other in scenes if other.content != scene.content])
        said = captions(scene)
        holds = [said[0], rng.choice(said), rng.choice(said)]
        false = [each.caption for each in twins(scene, rng)] + [captions(stranger)[0]]
        measured, prior = scorer.measure(pixels[None], holds + false)
        likelihoods += measured[0].tolist()
        priors += prior.tolist()
        true += [True] * len(holds) + [False] * len(false)
    return likelihoods, priors, true
