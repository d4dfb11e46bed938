"""InstructBLIP: a language model that hears a picture through queries that know the question.

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
from indexer.models.networks.generation import InstructionFollower, after, room, token_id
from indexer.models.networks.pretrained import check_words, tokenizer
from indexer.models.networks.prompts import Prompts
from indexer.models.protocols import Pixels

MOST_TOKENS = 60  # of one description or answer


class InstructBlip(InstructionFollower):
    """A picture tower, a Q-Former that reads the instruction, and a language model."""

    kind = InstructBlipForConditionalGeneration
    usual = Prompts(describe="Write a short description for the image.")
    most = 32  # each picture brings its own cache of keys

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self._hearing = tokenizer(checkpoint, QFORMER_TOKENIZER)
        config = self._network.config
        check_words(self._hearing, config.qformer_config.vocab_size, self.name, "Q-Former")
        vocabulary = self._network.get_input_embeddings().num_embeddings
        image = token_id(config, vocabulary, self.name)
        self._places = [image] * config.num_query_tokens
        self._image = self._tokenizer.convert_ids_to_tokens(image) or ""

    def _follow(self, pixels: Pixels, instructions: Sequence[str]) -> list[str]:
        said, heard = self._told(instructions), self._heard(instructions)
        self._most(max(map(len, said), default=0))  # before any work

        def generate(rows: torch.Tensor) -> torch.Tensor:
            numbers = rows.tolist()
            return self._generate(
                self._planes(pixels, rows),
                torch.tensor([said[row] for row in numbers], device=self._device),
                torch.tensor([heard[row] for row in numbers], device=self._device),
            )

        # The words of the language model and of the Q-Former differ, and so do their numbers.
        lengths = list(zip(map(len, said), map(len, heard), strict=True))
        return self._speak(lengths, MOST_TOKENS + 1, generate)

    def _most(self, used: int) -> int:
        return room(self._network.language_model.config, used, MOST_TOKENS, "the question")

    def _told(self, instructions: Sequence[str]) -> list[list[int]]:
        """Return what the language model gets: places for the queries, then the words."""
        return [[*self._places, *self._tokenizer(each).input_ids] for each in instructions]

    def _heard(self, instructions: Sequence[str]) -> list[list[int]]:
        longest = self._network.config.qformer_config.max_position_embeddings
        return [
            self._hearing(each, truncation=True, max_length=longest).input_ids
            for each in instructions
        ]

    def _generate(
        self, planes: torch.Tensor, tokens: torch.Tensor, heard: torch.Tensor
    ) -> torch.Tensor:
        """Generate for m pictures; tokens (m, length) and heard (m, other length) → new ids."""
        most = self._most(tokens.shape[1])
        said: torch.Tensor = self._network.generate(
            pixel_values=planes,
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            qformer_input_ids=heard,
            qformer_attention_mask=torch.ones_like(heard),
            generation_config=self._greedy(self._network.language_model, most),
        )
        return after(tokens, said)
