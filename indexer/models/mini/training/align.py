"""Mini ALIGN: a small EfficientNet and a small BERT that learn the space of mini CLIP."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AlignConfig, AlignModel, EfficientNetImageProcessor
from transformers.models.align.processing_align import AlignProcessor

from indexer.models.mini.scenes.words import PAD_ID, START_ID, bert_tokenizer, ids
from indexer.models.mini.training.blip import HEADS, WIDTH
from indexer.models.mini.training.clip import Teacher
from indexer.models.mini.training.contrast import contrastive_loss
from indexer.models.mini.training.dataset import MEAN, STD, Dataset
from indexer.models.mini.training.layout import save_model
from indexer.models.mini.training.render_cache import IMAGE_SIZE

MOST_TOKENS = 40
_SCALE = 30.0
_SETTLING = 30  # batches


def align_config() -> AlignConfig:
    """Describe the model: four stages of convolutions down to 4 × 4, three layers of text."""
    return AlignConfig(
        vision_config={
            "image_size": IMAGE_SIZE,
            "width_coefficient": 1.0,
            "depth_coefficient": 1.0,
            "in_channels": [32, 16, 32, 64],
            "out_channels": [16, 32, 64, WIDTH],
            "kernel_sizes": [3, 3, 5, 5],
            "strides": [1, 2, 2, 2],
            "num_block_repeats": [1, 2, 2, 2],
            "expand_ratios": [1, 4, 4, 4],
            "hidden_dim": WIDTH,  # of the last stage: the pooled row is the embedding itself
            "drop_connect_rate": 0.0,
            "batch_norm_momentum": 0.05,  # torch's sense: the weight of the newest batch
        },
        text_config={
            "vocab_size": len(ids()),
            "hidden_size": WIDTH,
            "intermediate_size": 4 * WIDTH,
            "num_hidden_layers": 3,
            "num_attention_heads": HEADS,
            "max_position_embeddings": MOST_TOKENS,
            "pad_token_id": PAD_ID,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        projection_dim=WIDTH,
        temperature_init_value=1 / _SCALE,
    )


def save_align(model: AlignModel, directory: Path) -> None:
    """Write the model in the published layout, replacing an older one."""
    pictures = EfficientNetImageProcessor(
        size={"height": IMAGE_SIZE, "width": IMAGE_SIZE},
        do_center_crop=False,
        resample=3,
        image_mean=[MEAN] * 3,
        image_std=[STD] * 3,
        include_top=False,
        rescale_factor=1 / 255,
        rescale_offset=False,
    )
    build: Any = AlignProcessor  # the library leaves its constructor untyped
    save_model(model, build(pictures, bert_tokenizer(MOST_TOKENS)), directory)


class BatchNormUpdate:
    """Measures the batch norms' statistics anew, for weights that are an average of many steps."""

    def __init__(self, dataset: Dataset, batch: int) -> None:
        self._dataset, self._batch = dataset, batch

    def __call__(self, model: nn.Module) -> None:
        """Show the model some batches; only what its norms know of them changes."""
        assert isinstance(model, AlignModel)
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.reset_running_stats()
                norm.momentum = None  # the plain mean of what follows
        model.train()
        with torch.no_grad():
            for _ in range(_SETTLING):
                rows = self._dataset.rows(self._batch)
                model.get_image_features(pixel_values=self._dataset.pictures(rows))


class AlignLoss:
    """ALIGN's contrastive loss, with mini CLIP's rows of the same pictures and words as targets."""

    def __init__(self, model: AlignModel, teacher: Teacher, dataset: Dataset, batch: int) -> None:
        self._model, self._teacher = model, teacher
        self._dataset, self._batch = dataset, batch

    def __call__(self, progress: float) -> Tensor:
        """Return the contrastive loss and twice how far rows lie from the teacher's."""
        rows = self._dataset.rows(self._batch, min(0.25 + progress, 0.75))
        words, slots = self._dataset.captions(rows, 0.5, 0.2)
        said = self._dataset.sentences(words, START_ID)
        pictures = self._dataset.pictures(rows)
        model = self._model
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            seen = model.get_image_features(pixel_values=pictures).pooler_output
            read = model.get_text_features(said.tokens, said.mask).pooler_output
        seen, read = F.normalize(seen.float(), dim=-1), F.normalize(read.float(), dim=-1)
        scale = torch.tensor(_SCALE, device=seen.device)
        loss = contrastive_loss(seen, read, scale, self._dataset.also_true(rows, slots))
        taught = self._teacher.pictures(pictures), self._teacher.texts(words)
        apart = 2 - (seen * taught[0]).sum(1) - (read * taught[1]).sum(1)
        return loss + 4 * apart.mean()
