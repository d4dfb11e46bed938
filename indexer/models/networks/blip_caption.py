"""BLIP's captioner: a sentence about a picture.

Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022.
"""

import torch
from transformers.models.blip.modeling_blip import BlipForConditionalGeneration

from indexer.models.networks.generation import SpeakingReader
from indexer.models.protocols import Pixels
from indexer.models.runtime.inference import inference

MOST_TOKENS = 40  # of one caption


class BlipCaptioner(SpeakingReader):
    """BLIP's text decoder attending to a picture."""

    kind = BlipForConditionalGeneration

    @inference
    def describe(self, pixels: Pixels) -> list[str]:
        """Describe each picture: (n, size, size, 3) uint8 → n sentences, an empty one allowed.

        Raises InvalidArgument for pixels of another shape or type.
        """
        pixels = self._checked(pixels)
        text = self._network.config.text_config
        most = min(MOST_TOKENS, text.max_position_embeddings - 1)
        settings = self._greedy(self._network.text_decoder, most)

        def generate(rows: torch.Tensor) -> torch.Tensor:
            said: torch.Tensor = self._network.generate(
                pixel_values=self._planes(pixels, rows), generation_config=settings
            )
            return said[:, 1:]  # behind the start token, which is no word of every tokenizer

        return self._speak([0] * len(pixels), most, generate)
