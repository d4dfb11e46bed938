"""Batches out of a pool: whole families beside strangers, each picture with one true caption."""

from dataclasses import dataclass

import torch
from open_clip.tokenizer import SimpleTokenizer  # type: ignore[import-untyped]
from torch import Tensor

from indexer.models.mini.training.dataset import Dataset
from indexer.models.mini.training.render_cache import UNSAID, RenderCache
from indexer.models.mini.training.tokenizer import Spelling

_FIRST_SHARE = 0.7
_OTHER_FULL_SHARE = 0.15


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    images (n, 3, 64, 64) float32 normalised; tokens (n, 32) int64; also_true (n, n) bool, caption
    j is true of picture i as well; seen and said (n, 11) int64, what picture and caption answer.
    """

    images: Tensor
    tokens: Tensor
    also_true: Tensor
    seen: Tensor
    said: Tensor


class Batches:
    """Draws batches from a pool, the same ones for the same seed."""

    def __init__(
        self,
        pool: RenderCache,
        tokenizer: SimpleTokenizer,
        words: tuple[str, ...],
        seed: int,
        device: torch.device,
    ) -> None:
        self._dataset = Dataset(pool, seed, device)
        self._spelling = Spelling(tokenizer, words)
        self._device = device

    def draw(self, size: int, family_share: float) -> Batch:
        """Draw a batch of which about that share comes as whole families."""
        rows = self._dataset.rows(size, family_share)
        words, slots = self._dataset.captions(rows, _FIRST_SHARE, _OTHER_FULL_SHARE)
        seen = self._dataset.content(rows)
        whole = torch.from_numpy(slots < self._dataset.full(rows)).to(self._device)
        return Batch(
            images=self._dataset.pictures(rows),
            tokens=torch.from_numpy(self._spelling.tokens(words)).to(self._device),
            also_true=self._dataset.also_true(rows, slots),
            seen=seen,
            said=seen.masked_fill(~whole[:, None], UNSAID),
        )
