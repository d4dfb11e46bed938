"""What a reading or speaking model learns from a pool: pictures, sentences true and false."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from indexer.models.mini.scenes.words import END_ID, SPECIALS
from indexer.models.mini.training.render_cache import FAMILY, RenderCache

MEAN = 0.5
STD = 0.25

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sentences:
    """Sentences as tokens, ended and padded: tokens and mask (n, length) int64."""

    tokens: Tensor
    mask: Tensor


class Dataset:
    """Draws pictures and words from a pool, the same ones for the same seed."""

    def __init__(self, pool: RenderCache, seed: int, device: torch.device) -> None:
        self._pool, self._device = pool, device
        self._rng = np.random.default_rng(seed)

    def rows(self, size: int, family_share: float = 0.0) -> Ids:
        """Choose scenes, about that share of them as whole families of near-alike ones."""
        families = round(size * family_share / FAMILY)
        heads = self._rng.integers(len(self._pool) // FAMILY, size=families) * FAMILY
        kin = (heads[:, None] + np.arange(FAMILY)).reshape(-1)
        strangers = self._rng.integers(len(self._pool), size=size - len(kin))
        return np.concatenate([kin, strangers])

    def siblings(self, rows: Ids) -> Ids:
        """Return for each scene another one of its family."""
        step = self._rng.integers(1, FAMILY, size=len(rows))
        return rows // FAMILY * FAMILY + (rows % FAMILY + step) % FAMILY

    def pictures(self, rows: Ids) -> Tensor:
        """Return (n, 3, 64, 64) float32 normalised pictures with a little grain and light."""
        return jittered(self._pool.pictures[rows], self._device)

    def captions(self, rows: Ids, first: float, full: float) -> tuple[Ids, Ids]:
        """Choose a caption of each scene: its first, another full one, or a short one.

        `first` and `full` are shares; returns (n, 30) word numbers and (n,) slots.
        """
        whole, total = self._pool.full[rows], self._pool.total[rows]
        dice, within = self._rng.random(len(rows)), self._rng.random(len(rows))
        slots = np.zeros(len(rows), np.int64)
        other = dice >= first
        slots[other] = (1 + within * (whole - 1)).astype(np.int64)[other]
        short = dice >= first + full
        slots[short] = (whole + within * (total - whole)).astype(np.int64)[short]
        return self._pool.words[rows, slots].astype(np.int64), slots

    def caption(self, rows: Ids, slots: Ids) -> Ids:
        """Return the captions in those slots as (n, 30) word numbers."""
        return self._pool.words[rows, slots].astype(np.int64)

    def also_true(self, rows: Ids, slots: Ids) -> Tensor:
        """Return of which other pictures each caption is true: (n, n) bool, row by caption."""
        keys = self._pool.keys[rows]  # (n, 36)
        chosen = keys[np.arange(len(rows)), slots]
        holds = (keys[:, :, None] == chosen).any(1)
        np.fill_diagonal(holds, False)
        return torch.from_numpy(holds).to(self._device)

    def short_of_others(self, rows: Ids) -> tuple[Ids, npt.NDArray[np.bool_]]:
        """Return short captions of a sibling or a stranger, and whether they are true here too."""
        others = self.siblings(rows)
        strange = self._rng.random(len(rows)) < 0.5
        others[strange] = self.rows(int(strange.sum()))
        words, slots = self.captions(others, 0.0, 0.0)
        keys = self._pool.keys[others, slots]
        return words, (self._pool.keys[rows] == keys[:, None]).any(1)

    def full(self, rows: Ids) -> Ids:
        """Return how many full captions each scene has."""
        return self._pool.full[rows].astype(np.int64)

    def content(self, rows: Ids) -> Tensor:
        """Return what QUESTIONS ask of each scene, (n, 11) int64."""
        return self._tensor(self._pool.answers[rows])

    def asked(self, rows: Ids, each: int) -> tuple[Ids, Ids, Ids]:
        """Choose questions: (m,) positions in `rows`, (m, 16) and (m,) word numbers."""
        there = self._pool.replies[rows] > 0  # (n, 12)
        order = self._rng.random(there.shape) + ~there
        chosen = np.argsort(order, axis=1)[:, :each]
        at = np.repeat(np.arange(len(rows)), each)
        slots = chosen.reshape(-1)
        kept = there[at, slots]
        at, slots = at[kept], slots[kept]
        asked = self._pool.questions[rows[at], slots].astype(np.int64)
        return at, asked, self._pool.replies[rows[at], slots].astype(np.int64)

    def sentences(self, words: Ids, start: int) -> Sentences:
        """Put word numbers between a start token and the end, as short as the batch allows."""
        lengths = (words > 0).sum(1)
        tokens = np.zeros((len(words), lengths.max() + 2), np.int64)
        tokens[:, 0] = start
        inner = words[:, : lengths.max()]
        tokens[:, 1:-1] = np.where(inner > 0, inner + len(SPECIALS) - 1, 0)
        tokens[np.arange(len(words)), 1 + lengths] = END_ID
        mask = np.arange(tokens.shape[1])[None] < (lengths + 2)[:, None]
        return Sentences(self._tensor(tokens), self._tensor(mask.astype(np.int64)))

    def _tensor(self, array: npt.NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def token_ids(words: Ids) -> list[int]:
    """Turn word numbers into tokens, without what pads them."""
    return [int(word) + len(SPECIALS) - 1 for word in words if word]


def jittered(pictures: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return (n, 64, 64, 3) pictures as (n, 3, 64, 64) float32 normalised, a little changed."""
    # Mild, so that a drawn scene stays the same scene: light, contrast and grain.
    images = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255
    each = (len(images), 1, 1, 1)
    contrast = 1 + 0.1 * (2 * torch.rand(each, device=device) - 1)
    light = 0.05 * (2 * torch.rand(each, device=device) - 1)
    grain = torch.rand(each, device=device) * 0.02
    images = (images - 0.5) * contrast + 0.5 + light + grain * torch.randn_like(images)
    return ((images.clamp(0, 1) - MEAN) / STD).contiguous()
