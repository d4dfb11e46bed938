"""Mini BLIPs: their shapes, how one starts from another's weights, and how they lie on disk."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import BlipConfig, BlipImageProcessor, BlipProcessor

from indexer.models.mini.scenes.words import DECODE_ID, END_ID, PAD_ID, bert_tokenizer, ids
from indexer.models.mini.training.checkpoint import WEIGHTS_NAME
from indexer.models.mini.training.dataset import MEAN, STD
from indexer.models.mini.training.layout import save_model
from indexer.models.mini.training.render_cache import IMAGE_SIZE
from indexer.models.mini.weights import CLIP_DIRECTORY

WIDTH, HEADS, PATCH = 128, 4, 8
TEXT_LAYERS = 3
MOST_TOKENS = 40


def vision_config() -> dict[str, Any]:
    """Describe the vision tower of mini CLIP, which every model of the family has."""
    return {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "projection_dim": WIDTH,
        "num_hidden_layers": 6,
        "num_attention_heads": HEADS,
        "image_size": IMAGE_SIZE,
        "patch_size": PATCH,
    }


def blip_config() -> BlipConfig:
    """Describe the mini BLIPs: the vision tower of mini CLIP, three layers of text."""
    return BlipConfig(
        vision_config={
            **vision_config(),
            "initializer_range": 0.02,  # the library's default of 1e-10 is for loading weights
        },
        text_config={
            "vocab_size": len(ids()),
            "hidden_size": WIDTH,
            "encoder_hidden_size": WIDTH,
            "intermediate_size": 4 * WIDTH,
            "projection_dim": WIDTH,
            "num_hidden_layers": TEXT_LAYERS,
            "num_attention_heads": HEADS,
            "max_position_embeddings": MOST_TOKENS,
            "bos_token_id": DECODE_ID,
            "eos_token_id": END_ID,
            "sep_token_id": END_ID,
            "pad_token_id": PAD_ID,
            # Also for the matching model: without it there is no cross-attention to pictures.
            "is_decoder": True,
        },
        projection_dim=WIDTH,
        image_text_hidden_size=WIDTH,
    )


def clip_vision(directory: Path = CLIP_DIRECTORY) -> dict[str, Tensor]:
    """Return mini CLIP's picture tower under the names that BLIP's vision model gives it."""
    weights = load_file(directory / WEIGHTS_NAME)
    tower = {
        name.removeprefix("visual."): tensor.float()
        for name, tensor in weights.items()
        if name.startswith("visual.")
    }
    renamed = {
        "embeddings.class_embedding": tower["class_embedding"].reshape(1, 1, -1),
        "embeddings.position_embedding": tower["positional_embedding"][None],
        "embeddings.patch_embedding.weight": tower["conv1.weight"],
        "embeddings.patch_embedding.bias": torch.zeros(WIDTH),
        "post_layernorm.weight": tower["ln_post.weight"],
        "post_layernorm.bias": tower["ln_post.bias"],
    }
    for name, tensor in tower.items():
        if name.startswith("transformer.resblocks."):
            renamed["encoder.layers." + _block_name(name)] = tensor
    return renamed


def _block_name(name: str) -> str:
    number, _, part = name.removeprefix("transformer.resblocks.").partition(".")
    for ours, theirs in (
        ("ln_1", "layer_norm1"),
        ("ln_2", "layer_norm2"),
        ("attn.in_proj_", "self_attn.qkv."),
        ("attn.out_proj", "self_attn.projection"),
        ("mlp.c_fc", "mlp.fc1"),
        ("mlp.c_proj", "mlp.fc2"),
    ):
        part = part.replace(ours, theirs)
    return f"{number}.{part}"


def picture_processor() -> BlipImageProcessor:
    """Return how a picture becomes what the tower sees, as a processor to be saved."""
    return BlipImageProcessor(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
    )


def save_blip(model: nn.Module, directory: Path) -> None:
    """Write the model in the published layout, replacing an older one."""
    build: Any = BlipProcessor  # the library leaves its constructor untyped
    save_model(model, build(picture_processor(), bert_tokenizer(MOST_TOKENS)), directory)
