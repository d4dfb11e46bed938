"""Parameters of each part of a network, counted from the headers of its weights."""

import math
from collections.abc import Iterable
from pathlib import Path

from indexer.models.files.safetensors import tensor_shapes

# What the first word of a tensor's name stands for; one that is not here stands for itself.
_PARTS = {
    "visual": "vision tower",
    "vision_model": "vision tower",
    "vision_tower": "vision tower",
    "text": "text tower",
    "text_model": "text tower",
    "transformer": "text tower",
    "token_embedding": "text tower",
    "positional_embedding": "text tower",
    "ln_final": "text tower",
    "text_encoder": "text encoder",
    "text_decoder": "text decoder",
    "language_model": "language model",
    "lm_head": "language model",
    "qformer": "Q-Former",
    "query_tokens": "Q-Former",
    "visual_projection": "projections",
    "text_projection": "projections",
    "vision_proj": "projections",
    "text_proj": "projections",
    "language_projection": "projector",
    "multi_modal_projector": "projector",
    "itm_head": "matching head",
    "logit_scale": "temperature",
    "logit_bias": "temperature",
    "temperature": "temperature",
}


def count_parts(files: Iterable[Path]) -> dict[str, int]:
    """Count the numbers in each part, largest first; raises BrokenModel for a damaged file."""
    counts: dict[str, int] = {}
    for path in files:
        for name, shape in tensor_shapes(path).items():
            first = name.removeprefix("model.").split(".", 1)[0]
            part = _PARTS.get(first, first.replace("_", " "))
            counts[part] = counts.get(part, 0) + math.prod(shape)
    return dict(sorted(counts.items(), key=lambda entry: -entry[1]))
