"""What a saved mini CLIP is worth, measured on the held-out scenes from its own files."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import open_clip  # type: ignore[import-untyped]
import torch
from torch import Tensor

from indexer.models.mini.scenes.counterfactuals import CHANGES, negatives
from indexer.models.mini.scenes.drawing import draw
from indexer.models.mini.scenes.phrases import captions
from indexer.models.mini.scenes.scenes import KINDS, Scene
from indexer.models.mini.training.tokenizer import load_tokenizer

_CHUNK = 250


@dataclass(frozen=True)
class Report:
    """Recall within the held-out scenes, and how often a true caption beats a false one."""

    scenes: int
    drawn_at: int
    text_to_image: dict[int, float]
    image_to_text: dict[int, float]
    by_kind: dict[str, float]
    pairs: dict[str, float]


def measure(directory: Path, scenes: Sequence[Scene], size: int = 64) -> Report:
    """Measure the model in `directory` on scenes drawn at `size` pixels, by exact cosine."""
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{directory}")
    tokenizer = load_tokenizer(directory)
    model.eval()
    texts = _encode_texts(model, tokenizer([captions(scene)[0] for scene in scenes]))
    chunks = []
    with torch.inference_mode():
        for at in range(0, len(scenes), _CHUNK):
            pictures = [preprocess(draw(scene, size)) for scene in scenes[at : at + _CHUNK]]
            chunks.append(model.encode_image(torch.stack(pictures), normalize=True))
    images = torch.cat(chunks)
    scores = (texts @ images.T).float().numpy()  # (n, n) float32, captions by pictures
    ranks = _ranks(scores)
    return Report(
        scenes=len(scenes),
        drawn_at=size,
        text_to_image={k: float((ranks < k).mean()) for k in (1, 5)},
        image_to_text={k: float((_ranks(scores.T) < k).mean()) for k in (1, 5)},
        by_kind=_by_kind(scenes, ranks),
        pairs=_pairs(model, tokenizer, scenes, images, texts),
    )


def _encode_texts(model: open_clip.CLIP, tokens: Tensor) -> Tensor:
    with torch.inference_mode():
        parts = [
            model.encode_text(tokens[at : at + _CHUNK], normalize=True)
            for at in range(0, len(tokens), _CHUNK)
        ]
    return torch.cat(parts)


def _ranks(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    # A tie counts against us: the rank is the number of others that score as high.
    own = np.diagonal(scores)[:, None]
    ranks: npt.NDArray[np.int64] = np.count_nonzero(scores >= own, axis=1) - 1
    return ranks


def _by_kind(scenes: Sequence[Scene], ranks: npt.NDArray[np.int64]) -> dict[str, float]:
    kinds = np.array([scene.kind for scene in scenes])
    return {kind: float((ranks[kinds == kind] < 1).mean()) for kind in KINDS if kind in kinds}


def _pairs(
    model: open_clip.CLIP,
    tokenizer: open_clip.SimpleTokenizer,
    scenes: Sequence[Scene],
    images: Tensor,
    texts: Tensor,
) -> dict[str, float]:
    rng = random.Random(0)
    rows, kinds, false = [], [], []
    for row, scene in enumerate(scenes):
        for negative in negatives(scene, rng):
            rows.append(row)
            kinds.append(negative.kind)
            false.append(negative.caption)
    wrong = _encode_texts(model, tokenizer(false))
    won = ((images[rows] * (texts[rows] - wrong)).sum(1) > 0).numpy()
    named = np.array(kinds)
    return {kind: float(won[named == kind].mean()) for kind in CHANGES if kind in kinds}
