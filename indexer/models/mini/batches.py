"""Batches out of a pool: whole families beside strangers, each picture with one true caption."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from open_clip.tokenizer import SimpleTokenizer  # type: ignore[import-untyped]
from torch import Tensor

from indexer.models.mini.pool import FAMILY, MAX_WORDS, UNSAID, Pool

MEAN = 0.5
STD = 0.25
_FULL_SHARE = 0.7
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
        self, pool: Pool, tokenizer: SimpleTokenizer, words: tuple[str, ...], seed: int
    ) -> None:
        self._pool = pool
        self._rng = np.random.default_rng(seed)
        ids = [0, *(tokenizer.encode(word)[0] for word in words)]
        self._ids = np.array(ids, np.int64)  # (words + 1,) int64, word number to token
        self._start, self._end = tokenizer.sot_token_id, tokenizer.eot_token_id

    def draw(self, size: int, family_share: float, device: torch.device) -> Batch:
        """Draw a batch of which about that share comes as whole families."""
        rows = self._rows(size, family_share)
        slots = self._slots(rows)
        keys = self._pool.keys[rows]  # (n, 36) int64
        chosen = keys[np.arange(size), slots]
        also_true = (keys[:, :, None] == chosen).any(1)  # (n, n) bool
        np.fill_diagonal(also_true, False)
        seen = self._pool.answers[rows]
        said = np.where((slots < self._pool.full[rows])[:, None], seen, UNSAID)
        return Batch(
            images=jittered(self._pool.pictures[rows], device),
            tokens=torch.from_numpy(self._tokens(rows, slots)).to(device),
            also_true=torch.from_numpy(also_true).to(device),
            seen=torch.from_numpy(seen).to(device),
            said=torch.from_numpy(said).to(device),
        )

    def _rows(self, size: int, family_share: float) -> npt.NDArray[np.int64]:
        families = round(size * family_share / FAMILY)
        heads = self._rng.integers(len(self._pool) // FAMILY, size=families) * FAMILY
        kin = (heads[:, None] + np.arange(FAMILY)).reshape(-1)
        strangers = self._rng.integers(len(self._pool), size=size - len(kin))
        return np.concatenate([kin, strangers])

    def _slots(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        full, total = self._pool.full[rows], self._pool.total[rows]
        dice, within = self._rng.random(len(rows)), self._rng.random(len(rows))
        slots = np.zeros(len(rows), np.int64)
        other = dice >= _FULL_SHARE
        slots[other] = (1 + within * (full - 1)).astype(np.int64)[other]
        short = dice >= _FULL_SHARE + _OTHER_FULL_SHARE
        slots[short] = (full + within * (total - full)).astype(np.int64)[short]
        return slots

    def _tokens(
        self, rows: npt.NDArray[np.int64], slots: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        words = self._pool.words[rows, slots]  # (n, 30) int16
        tokens = np.zeros((len(rows), MAX_WORDS + 2), np.int64)
        tokens[:, 0] = self._start
        tokens[:, 1:-1] = self._ids[words]
        tokens[np.arange(len(rows)), 1 + (words > 0).sum(1)] = self._end
        return tokens


def jittered(pictures: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """Give (n, 64, 64, 3) pictures as (n, 3, 64, 64) float32 normalised, a little changed."""
    # Mild, so that a drawn scene stays the same scene: light, contrast and grain.
    images = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255
    each = (len(images), 1, 1, 1)
    contrast = 1 + 0.1 * (2 * torch.rand(each, device=device) - 1)
    light = 0.05 * (2 * torch.rand(each, device=device) - 1)
    grain = torch.rand(each, device=device) * 0.02
    images = (images - 0.5) * contrast + 0.5 + light + grain * torch.randn_like(images)
    return ((images.clamp(0, 1) - MEAN) / STD).contiguous()
