"""BLIP's question answering: a few words about a picture.

Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022.
"""

from collections.abc import Sequence

import torch
from transformers.models.blip.modeling_blip import BlipForQuestionAnswering

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.generation import SpeakingReader
from indexer.models.protocols import Pixels
from indexer.models.runtime.inference import inference

MOST_TOKENS = 20  # of one answer


class BlipAnswerer(SpeakingReader):
    """BLIP's text encoder reading a question beside a picture, its text decoder answering."""

    kind = BlipForQuestionAnswering

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self.context = self._longest(self._network.config.text_config)

    @inference
    def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
        """Answer one question about each picture: n pictures and n questions → n answers.

        A question longer than the model's context is cut there. Raises InvalidArgument for
        pixels of another shape or type, an empty question, and another number of questions.
        """
        pixels = self._checked(pixels)
        asked = self._asked(pixels, questions)
        prompts = [
            self._tokenizer(question, truncation=True, max_length=self.context).input_ids
            for question in asked
        ]
        text = self._network.config.text_config
        most = min(MOST_TOKENS, text.max_position_embeddings - 1)
        settings = self._greedy(self._network.text_decoder, most)

        def generate(rows: torch.Tensor) -> torch.Tensor:
            tokens = torch.tensor([prompts[row] for row in rows.tolist()], device=self._device)
            said: torch.Tensor = self._network.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                pixel_values=self._planes(pixels, rows),
                generation_config=settings,
            )
            return said[:, 1:]  # behind the start token, which is no word of every tokenizer

        return self._speak([len(prompt) for prompt in prompts], most, generate)
