"""BLIP's image-text matching: does this text belong to this picture, as a probability.

The head of Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022.
"""

from collections.abc import Sequence

import numpy as np
import torch
from transformers.models.blip.modeling_blip import BlipForImageTextRetrieval

from indexer.models.networks.cross_encoder import PairReader
from indexer.models.protocols import Pixels, Scores
from indexer.models.runtime.inference import inference


class BlipScorer(PairReader):
    """BLIP's text encoder attending to a picture, with the matching head on top."""

    kind = BlipForImageTextRetrieval
    calibrated = True
    # BLIP's own evaluation adds the cosine to the matched class's logit with weight 1
    # (github.com/salesforce/BLIP, train_retrieval.py), which here would only break ties: log-odds
    # are a difference of two logits, and cosines that differ in sense differ by hundredths.
    score_weight = 10.0

    @inference
    def score(self, pixels: Pixels, texts: Sequence[str]) -> Scores:
        """Score every pair: (n, size, size, 3) uint8 and t texts → (n, t) float32, 0 to 1.

        A text longer than the model's context is cut there. Raises InvalidArgument for pixels
        of another shape or type, BrokenModel where a score is not a number.
        """
        pixels = self._checked(pixels)
        if not len(pixels) or not len(texts):
            return np.zeros((len(pixels), len(texts)), np.float32)
        return self._finite(self._grid(pixels, self._sentences(texts)))

    def _judge(
        self, features: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        return self._logits(features, tokens, mask).float().softmax(1)[:, 1]

    def _logits(
        self, features: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Return (m, 2): no match, match.

        The network's own forward would build the pictures' mask on the CPU.
        """
        read = self._network.text_encoder(
            input_ids=tokens,
            attention_mask=mask,
            encoder_hidden_states=features,
            encoder_attention_mask=features.new_ones(features.shape[:2], dtype=torch.long),
        )
        head: torch.Tensor = self._network.itm_head(read.last_hidden_state[:, 0])
        return head
