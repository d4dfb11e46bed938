"""How a mini model of transformers lies on disk: as the published ones do."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from storage.disk.atomic import write_whole

MODEL_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
PROMPT_FILE = "prompt.json"


def save_model(
    model: Any, processor: Any, directory: Path, prompts: dict[str, str] | None = None
) -> None:
    """Write fp16 weights, configuration, processor and tokenizer, replacing older ones.

    `prompts` are the words by which the model is asked, where it knows others than the published.
    """
    directory.mkdir(parents=True, exist_ok=True)
    processor.save_pretrained(directory)
    config = model.config
    config.architectures = [type(model).__name__]
    config.dtype = "float16"
    write_whole(directory / CONFIG_FILE, config.to_json_string(use_diff=True).encode())
    if prompts is not None:
        write_whole(directory / PROMPT_FILE, (json.dumps(prompts) + "\n").encode())
    tied = set(model.all_tied_weights_keys or {})  # stored once, under their other name
    halves = {
        name: tensor.detach().cpu().to(torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
        if name not in tied and not name.endswith("position_ids")
    }
    write_whole(directory / MODEL_FILE, save(halves, metadata={"format": "pt"}))


def load_weights(directory: Path) -> dict[str, Tensor]:
    """Read a mini model's tensors as float32."""
    return {name: each.float() for name, each in load_file(directory / MODEL_FILE).items()}


def take(model: Any, weights: dict[str, Tensor]) -> None:
    """Put saved weights into a model of the same kind; raises ValueError where any is foreign.

    Tied weights are saved once, and what can be computed is not saved.
    """
    told = model.load_state_dict(weights, strict=False)
    tied = set(model.all_tied_weights_keys or {})
    missing = [
        name for name in told.missing_keys if name not in tied and not name.endswith("position_ids")
    ]
    if missing or told.unexpected_keys:
        raise ValueError(
            f"weights of another model: {len(missing)} are missing, "
            f"{len(told.unexpected_keys)} do not belong to it"
        )


def part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors under a prefix, without it."""
    return {
        name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)
    }
