"""What a second reading costs beside the network's own forward pass over the same pairs.

A BLIP of full size with random weights, saved in the published layout, reads images that were
prepared beforehand: once through our scorer, once through the network's own class in batches of
the same size, in turn, several times.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers.models.blip.configuration_blip import BlipConfig
from transformers.models.blip.modeling_blip import (
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
)

from indexer.models import load_reader
from indexer.models.mini.scenes.words import bert_tokenizer, ids
from indexer.models.networks.pretrained import quiet
from indexer.models.protocols import PairScorer, Pixels

SIZE = 384  # pixels, of the published BLIP-base
QUERIES = (
    "a big red circle to the left of a small blue star on a striped background",
    "three small yellow hearts on a plain background",
    "a big green ring on a dotted background",
)


def random_blip(
    folder: Path, size: int = SIZE, seed: int = 0, role: str = "pair-scorer", **vision: int
) -> Path:
    """Save a BLIP-base of seeded random weights for a role and return its directory.

    `vision` makes its image tower another one than the published.
    """
    torch.manual_seed(seed)
    kind: Any = {
        "pair-scorer": BlipForImageTextRetrieval,
        "captioner": BlipForConditionalGeneration,
    }[role]
    config = BlipConfig(
        # The published deviation of 1e-10 is zero in half precision.
        vision_config={"image_size": size, "initializer_range": 0.02, **vision},
        text_config={"num_attention_heads": 12, "vocab_size": len(ids()), "bos_token_id": 5},
    )
    with quiet():
        # Halves on disk, as published checkpoints often are; they run in full precision on a CPU.
        network = kind(config).half()
        network.save_pretrained(folder)
    bert_tokenizer(40).save_pretrained(folder)
    square = {"height": size, "width": size}
    images = {"image_processor_type": "BlipImageProcessor", "size": square}
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    return folder


def compared(folder: Path, pairs: int, rounds: int, device: str) -> list[dict[str, float]]:
    """Time both ways in turn; also three queries at once through ours, for their extra cost."""
    scorer = load_reader(str(folder), "pair-scorer", device=device)
    side = scorer.image_spec.size
    pixels = np.random.default_rng(0).integers(0, 256, (pairs, side, side, 3), np.uint8)
    own = _own_pass(scorer, pixels)
    texts = list(QUERIES[:1])
    ways: dict[str, Callable[[], object]] = {
        "own_seconds": own,
        "ours_seconds": lambda: scorer.score(pixels, texts),
        "three_queries_seconds": lambda: scorer.score(pixels, list(QUERIES)),
    }
    scorer.score(pixels[:2], texts)  # what is made once, at the first call, is no one's cost
    return [{name: _timed(run) for name, run in ways.items()} for _ in range(rounds)]


def _own_pass(scorer: PairScorer, pixels: Pixels) -> Callable[[], object]:
    """Return the network's own forward over every pair, its inputs already on the device."""
    network, placement = scorer._network, scorer._placement  # type: ignore[attr-defined]
    tokens = scorer._tokenizer(list(QUERIES[:1]), return_tensors="pt")  # type: ignore[attr-defined]
    tokens = tokens.to(placement.device)
    batches = [
        scorer._pixel_values(pixels, torch.arange(at, min(at + placement.batch, len(pixels))))  # type: ignore[attr-defined]
        for at in range(0, len(pixels), placement.batch)
    ]

    def run() -> object:
        scores = []
        with torch.inference_mode():
            for planes in batches:
                scores.append(
                    network(
                        input_ids=tokens.input_ids.expand(len(planes), -1),
                        attention_mask=tokens.attention_mask.expand(len(planes), -1),
                        pixel_values=planes,
                        use_itm_head=True,
                    ).itm_score
                )
        return torch.cat(scores).cpu()

    return run


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
