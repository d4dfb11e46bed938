"""The loss: a picture beside its caption, apart from others, its content readable in both."""

import open_clip  # type: ignore[import-untyped]
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from indexer.models.mini.training.batches import Batch
from indexer.models.mini.training.render_cache import QUESTIONS, UNSAID

_PROBE_SCALE = 8.0


class Probe(nn.Module):
    """Reads a scene's content from an embedding of either kind; thrown away after training.

    One linear layer serves pictures and captions, so both must put the same fact in the same
    place. It gives relations and counts a dense signal that the contrastive loss lacks.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self._read = nn.Linear(dim, sum(QUESTIONS))

    def forward(self, embeddings: Tensor, answers: Tensor) -> Tensor:
        """Return the mean cross entropy of (n, 11) answers read from (n, dim) unit rows."""
        logits = self._read(embeddings * _PROBE_SCALE).split(QUESTIONS, dim=1)
        losses = [
            F.cross_entropy(each, answers[:, at], ignore_index=UNSAID, reduction="sum")
            for at, each in enumerate(logits)
        ]
        return torch.stack(losses).sum() / (answers != UNSAID).sum().clamp(min=1)


def contrastive_loss(images: Tensor, texts: Tensor, scale: Tensor, also_true: Tensor) -> Tensor:
    """Return CLIP's symmetric loss over (n, dim) unit rows, leaving out pairs that are true too."""
    logits = scale * images @ texts.T  # (n, n) float32, pictures by captions
    logits = logits.masked_fill(also_true, float("-inf"))
    targets = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def batch_loss(model: open_clip.CLIP, probe: Probe, batch: Batch, probe_weight: float) -> Tensor:
    """Return the whole loss of one batch as a scalar."""
    device = batch.images.device.type
    with torch.autocast(device, dtype=torch.bfloat16):
        images = model.encode_image(batch.images)
        texts = model.encode_text(batch.tokens)
    images = F.normalize(images.float(), dim=-1)
    texts = F.normalize(texts.float(), dim=-1)
    scale = model.logit_scale.exp()
    loss = contrastive_loss(images, texts, scale, batch.also_true)
    read: Tensor = probe(images, batch.seen) + probe(texts, batch.said)
    return loss + probe_weight * read
