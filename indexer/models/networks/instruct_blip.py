"""InstructBLIP: a language model that hears an image through queries that know the question.

Dai et al., "InstructBLIP: Towards General-purpose Vision-Language Models with Instruction
Tuning", NeurIPS 2023. The language model may be decoder-only (Vicuna, OPT) or T5.
"""

from collections.abc import Sequence

import torch
from transformers.models.instructblip.modeling_instructblip import (
    InstructBlipForConditionalGeneration,
)

from indexer.models.families import QFORMER_TOKENIZER
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.generation import (
    InstructionFollower,
    strip_prompt,
    token_budget,
    token_id,
)
from indexer.models.networks.pretrained import check_tokenizer, tokenizer
from indexer.models.networks.prompts import Prompts
from indexer.models.protocols import Pixels


class InstructBlip(InstructionFollower):
    """An image tower, a Q-Former that reads the instruction, and a language model."""

    kind = InstructBlipForConditionalGeneration
    usual = Prompts(describe="Write a short description for the image.")
    max_batch = 32  # each image brings its own cache of keys
    max_new_tokens = 60

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self._qformer_tokenizer = tokenizer(checkpoint, QFORMER_TOKENIZER)
        config = self._network.config
        known = config.qformer_config.vocab_size
        check_tokenizer(self._qformer_tokenizer, known, self.name, "Q-Former")
        vocabulary = self._network.get_input_embeddings().num_embeddings
        image = token_id(config, vocabulary, self.name)
        self._places = [image] * config.num_query_tokens
        self._image = self._tokenizer.convert_ids_to_tokens(image) or ""

    def _follow(self, pixels: Pixels, instructions: Sequence[str]) -> list[str]:
        prompts, instructed = self._prompt_ids(instructions), self._qformer_ids(instructions)
        self._budget(max(map(len, prompts), default=0))  # before any work

        def generate(rows: torch.Tensor) -> torch.Tensor:
            numbers = rows.tolist()
            return self._generate(
                self._pixel_values(pixels, rows),
                torch.tensor([prompts[row] for row in numbers], device=self._device),
                torch.tensor([instructed[row] for row in numbers], device=self._device),
            )

        # The words of the language model and of the Q-Former differ, and so do their numbers.
        lengths = list(zip(map(len, prompts), map(len, instructed), strict=True))
        return self._generate_text(lengths, self.max_new_tokens + 1, generate)

    def _budget(self, used: int) -> int:
        return token_budget(
            self._network.language_model.config, used, self.max_new_tokens, "the question"
        )

    def _prompt_ids(self, instructions: Sequence[str]) -> list[list[int]]:
        """Return what the language model gets: places for the queries, then the words."""
        return [[*self._places, *self._tokenizer(each).input_ids] for each in instructions]

    def _qformer_ids(self, instructions: Sequence[str]) -> list[list[int]]:
        longest = self._network.config.qformer_config.max_position_embeddings
        return [
            self._qformer_tokenizer(each, truncation=True, max_length=longest).input_ids
            for each in instructions
        ]

    def _generate(
        self, pixel_values: torch.Tensor, tokens: torch.Tensor, instructed: torch.Tensor
    ) -> torch.Tensor:
        """Generate for m images; tokens (m, length) and instructed (m, other) → new ids."""
        most = self._budget(tokens.shape[1])
        generated: torch.Tensor = self._network.generate(
            pixel_values=pixel_values,
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            qformer_input_ids=instructed,
            qformer_attention_mask=torch.ones_like(instructed),
            generation_config=self._greedy(self._network.language_model, most),
        )
        return strip_prompt(tokens, generated)
