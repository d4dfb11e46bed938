"""BLIP: one image tower and one BERT, with a head for each of four tasks.

Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from transformers.models.blip.modeling_blip import (
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
    BlipForQuestionAnswering,
)

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.cross_encoder import CrossEncoder
from indexer.models.networks.generation import GenerativeModel
from indexer.models.networks.transformers_encoder import TransformersEncoder
from indexer.models.protocols import Pixels, Scores
from indexer.models.runtime.inference import inference


class BlipEncoder(TransformersEncoder):
    """The contrastive projections (ITC): a vision transformer and a BERT that reads alone."""

    kind = BlipForImageTextRetrieval

    def _dimension(self, config: Any) -> int:
        return int(config.image_text_hidden_size)

    def image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Encode (m, 3, s, s) float32 → (m, dim)."""
        states = self._network.vision_model(pixel_values).last_hidden_state
        return cast(torch.Tensor, self._network.vision_proj(states[:, 0]))

    def text_features(self, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Encode (m, l) int64 tokens, of which the mask says which count → (m, dim)."""
        states = self._network.text_encoder(tokens, attention_mask=mask).last_hidden_state
        return cast(torch.Tensor, self._network.text_proj(states[:, 0]))


class BlipScorer(CrossEncoder):
    """The matching head (ITM) on a text encoder that attends to an image: a probability."""

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
        return self._finite(self._score_matrix(pixels, self._sentences(texts)))

    def _score_pairs(
        self, features: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        return self._logits(features, tokens, mask).float().softmax(1)[:, 1]

    def _logits(
        self, features: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """Return (m, 2): no match, match.

        The network's own forward would build the images' mask on the CPU.
        """
        encoded = self._network.text_encoder(
            input_ids=tokens,
            attention_mask=mask,
            encoder_hidden_states=features,
            encoder_attention_mask=features.new_ones(features.shape[:2], dtype=torch.long),
        )
        head: torch.Tensor = self._network.itm_head(encoded.last_hidden_state[:, 0])
        return head


class _BlipDecoder(GenerativeModel):
    """A text decoder whose own prompt is a start token, in front of what it generates."""

    def _decode(self, pixels: Pixels, prompts: Sequence[Sequence[int]] | None = None) -> list[str]:
        """Generate about each image, after its prompt where there are some."""
        text = self._network.config.text_config
        most = min(self.max_new_tokens, text.max_position_embeddings - 1)
        settings = self._greedy(self._network.text_decoder, most)

        def generate(rows: torch.Tensor) -> torch.Tensor:
            inputs = self._inputs([prompts[row] for row in rows.tolist()]) if prompts else {}
            generated: torch.Tensor = self._network.generate(
                pixel_values=self._pixel_values(pixels, rows),
                generation_config=settings,
                **inputs,
            )
            return generated[:, 1:]  # behind the start token, which is no word of every tokenizer

        lengths = [len(prompt) for prompt in prompts or [()] * len(pixels)]
        return self._generate_text(lengths, most, generate)

    def _inputs(self, prompts: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        tokens = torch.tensor(prompts, device=self._device)
        return {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


class BlipCaptioner(_BlipDecoder):
    """BLIP's text decoder attending to an image."""

    kind = BlipForConditionalGeneration
    max_new_tokens = 40

    @inference
    def describe(self, pixels: Pixels) -> list[str]:
        """Describe each image: (n, size, size, 3) uint8 → n sentences, an empty one allowed.

        Raises InvalidArgument for pixels of another shape or type.
        """
        return self._decode(self._checked(pixels))


class BlipAnswerer(_BlipDecoder):
    """BLIP's text encoder reading a question beside an image, its text decoder answering."""

    kind = BlipForQuestionAnswering
    max_new_tokens = 20

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self.context = self._longest(self._network.config.text_config)

    @inference
    def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
        """Answer one question about each image: n images and n questions → n answers.

        A question longer than the model's context is cut there. Raises InvalidArgument for
        pixels of another shape or type, an empty question, and another number of questions.
        """
        pixels = self._checked(pixels)
        asked = self._asked(pixels, questions)
        prompts = [
            self._tokenizer(question, truncation=True, max_length=self.context).input_ids
            for question in asked
        ]
        return self._decode(pixels, prompts)
