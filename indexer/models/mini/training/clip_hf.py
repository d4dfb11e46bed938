"""Mini CLIP under transformers' CLIP classes: the text tower converted, the other retrained.

transformers' CLIP has a norm before its first block, mini's tower has none, so the picture tower
cannot be converted exactly: it starts from mini's weights and learns to give mini's rows again.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer
from transformers.models.clip.processing_clip import CLIPProcessor

from indexer.models.mini.training.blip import HEADS, PATCH, WIDTH, clip_vision
from indexer.models.mini.training.clip import Teacher
from indexer.models.mini.training.dataset import MEAN, STD, Dataset
from indexer.models.mini.training.layout import save_model
from indexer.models.mini.training.render_cache import IMAGE_SIZE
from indexer.models.mini.training.tokenizer import CONTEXT_LENGTH, load_tokenizer
from indexer.models.mini.weights import CLIP_DIRECTORY

_START, _END = "<|startoftext|>", "<|endoftext|>"


def clip_config() -> CLIPConfig:
    """Describe mini CLIP as transformers does."""
    tokenizer = load_tokenizer(CLIP_DIRECTORY)
    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "projection_dim": WIDTH,
        "num_attention_heads": HEADS,
        "hidden_act": "gelu",
    }
    return CLIPConfig(
        vision_config={
            **tower,
            "num_hidden_layers": 6,
            "image_size": IMAGE_SIZE,
            "patch_size": PATCH,
        },
        text_config={
            **tower,
            "num_hidden_layers": 4,
            "vocab_size": tokenizer.vocab_size,
            "max_position_embeddings": CONTEXT_LENGTH,
            "bos_token_id": tokenizer.sot_token_id,
            "eos_token_id": tokenizer.eot_token_id,
            "pad_token_id": tokenizer.eot_token_id,
        },
        projection_dim=WIDTH,
    )


def begin(teacher: Teacher) -> CLIPModel:
    """Build the model from the teacher's weights, exact but for the first norm."""
    model = CLIPModel(clip_config())
    weights = {name: each.detach().float() for name, each in teacher.network.state_dict().items()}
    model.text_model.load_state_dict(_text(weights), strict=False)
    model.vision_model.load_state_dict(separate(clip_vision()), strict=False)
    with torch.no_grad():
        model.text_projection.weight.copy_(weights["text_projection"].T)
        model.visual_projection.weight.copy_(weights["visual.proj"].T)
        model.logit_scale.copy_(weights["logit_scale"])
    return model


def settle_first_norm(tower: Any, pictures: Tensor) -> None:
    """Set CLIP's norm before the first block to change as little as it can.

    `pictures` are (n, 3, 64, 64) as the tower takes them. Weights that were learnt without the
    norm then begin near to what they knew: scale and offset of each channel are the least
    squares fit of the norm's input from its normalised form.
    """
    with torch.no_grad():
        before = tower.embeddings(pictures).flatten(0, 1)  # (n × places, width)
        normal = F.layer_norm(before, before.shape[1:])
        mean, middle = before.mean(0), normal.mean(0)
        spread = ((normal - middle) ** 2).mean(0)
        scale = ((normal - middle) * (before - mean)).mean(0) / spread
        tower.pre_layrnorm.weight.copy_(scale)
        tower.pre_layrnorm.bias.copy_(mean - scale * middle)


def separate(tower: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put a BLIP tower under the names of transformers' CLIP, which keeps q, k and v apart."""
    made: dict[str, Tensor] = {}
    for name, tensor in tower.items():
        if ".self_attn.qkv." in name:
            for letter, piece in zip("qkv", tensor.chunk(3), strict=True):
                made[name.replace(".qkv.", f".{letter}_proj.")] = piece
        elif ".self_attn.projection." in name:
            made[name.replace(".projection.", ".out_proj.")] = tensor
        elif name == "embeddings.class_embedding":
            made[name] = tensor.flatten()
        elif name == "embeddings.position_embedding":
            made["embeddings.position_embedding.weight"] = tensor[0]
        elif name != "embeddings.patch_embedding.bias":
            made[name] = tensor
    return made


def _text(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    made = {
        "embeddings.token_embedding.weight": weights["token_embedding.weight"],
        "embeddings.position_embedding.weight": weights["positional_embedding"],
        "final_layer_norm.weight": weights["ln_final.weight"],
        "final_layer_norm.bias": weights["ln_final.bias"],
    }
    for name, tensor in weights.items():
        if not name.startswith("transformer.resblocks."):
            continue
        number, _, part = name.removeprefix("transformer.resblocks.").partition(".")
        layer = f"encoder.layers.{number}."
        if part.startswith("attn.in_proj_"):
            kind = part.removeprefix("attn.in_proj_")
            for letter, piece in zip("qkv", tensor.chunk(3), strict=True):
                made[f"{layer}self_attn.{letter}_proj.{kind}"] = piece
            continue
        for ours, theirs in (
            ("ln_1", "layer_norm1"),
            ("ln_2", "layer_norm2"),
            ("attn.out_proj", "self_attn.out_proj"),
            ("mlp.c_fc", "mlp.fc1"),
            ("mlp.c_proj", "mlp.fc2"),
        ):
            part = part.replace(ours, theirs)
        made[layer + part] = tensor
    return made


def save_clip_hf(model: CLIPModel, directory: Path) -> None:
    """Write the model in the published layout, replacing an older one."""
    build: Any = CLIPProcessor  # the library leaves its constructor untyped
    save_model(model, build(clip_image_processor(), _tokenizer()), directory)


def clip_image_processor() -> CLIPImageProcessor:
    """Return how pictures are prepared for the tower of mini CLIP."""
    return CLIPImageProcessor(
        size={"shortest_edge": IMAGE_SIZE},
        crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
    )


def _tokenizer() -> CLIPTokenizer:
    ours = load_tokenizer(CLIP_DIRECTORY)
    special = {ours.sot_token_id: _START, ours.eot_token_id: _END}
    vocabulary = {special.get(number, token): number for token, number in ours.encoder.items()}
    merges = sorted(ours.bpe_ranks, key=ours.bpe_ranks.__getitem__)
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        bos_token=_START,
        eos_token=_END,
        unk_token=_END,
        pad_token=_END,
        model_max_length=CONTEXT_LENGTH,
    )


class DistillationLoss:
    """How far the picture tower's rows lie from the teacher's: one less the mean cosine."""

    def __init__(self, model: CLIPModel, teacher: Teacher, dataset: Dataset, batch: int) -> None:
        self._model, self._teacher = model, teacher
        self._dataset, self._batch = dataset, batch

    def __call__(self, progress: float) -> Tensor:
        """Return the loss of one batch."""
        pictures = self._dataset.pictures(self._dataset.rows(self._batch))
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            seen = self._model.get_image_features(pixel_values=pictures).pooler_output
        rows = F.normalize(seen.float(), dim=-1)
        return 10 * (1 - (rows * self._teacher.pictures(pictures)).sum(1)).mean()
