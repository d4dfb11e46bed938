"""A mini CLIP on disk: weights, configuration, tokenizer and card, each replaced whole."""

import json
from pathlib import Path
from typing import Any

import open_clip  # type: ignore[import-untyped]
import torch
from safetensors.torch import save
from torch import Tensor

from indexer.models.mini.training.dataset import MEAN, STD
from indexer.models.mini.training.render_cache import IMAGE_SIZE
from indexer.models.mini.training.tokenizer import (
    BPE_NAME,
    CONTEXT_LENGTH,
    bpe_file,
    vocabulary_size,
)
from storage.disk.atomic import write_whole

CONFIG_NAME = "open_clip_config.json"
WEIGHTS_NAME = "open_clip_model.safetensors"
CARD_NAME = "README.md"


def clip_config() -> dict[str, Any]:
    """Describe the model to open_clip; the tokenizer's path is relative to the directory."""
    return {
        "model_cfg": {
            "embed_dim": 128,
            "vision_cfg": {
                "image_size": IMAGE_SIZE,
                "patch_size": 8,
                "width": 128,
                "head_width": 32,
                "layers": 6,
                "no_ln_pre": True,
            },
            "text_cfg": {
                "context_length": CONTEXT_LENGTH,
                "vocab_size": vocabulary_size(),
                "width": 128,
                "heads": 4,
                "layers": 4,
                "tokenizer_kwargs": {"bpe_path": BPE_NAME},
            },
        },
        "preprocess_cfg": {
            "size": [IMAGE_SIZE, IMAGE_SIZE],
            "mode": "RGB",
            "mean": [MEAN] * 3,
            "std": [STD] * 3,
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }


def build_clip() -> open_clip.CLIP:
    """Build the model with fresh weights from torch's seed."""
    return open_clip.CLIP(**clip_config()["model_cfg"])


def save_clip(state: dict[str, Tensor], directory: Path) -> None:
    """Write weights as fp16 with all that is needed to load them, replacing older ones."""
    save_tokenizer(directory)
    halves = {name: tensor.detach().cpu().to(torch.float16) for name, tensor in state.items()}
    write_whole(directory / CONFIG_NAME, (json.dumps(clip_config(), indent=2) + "\n").encode())
    write_whole(directory / WEIGHTS_NAME, save(halves, metadata={"format": "pt"}))


def save_tokenizer(directory: Path) -> None:
    """Write the tokenizer's merges, making the directory if there is none."""
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(directory / BPE_NAME, bpe_file())
