"""LLaVA: a language model that reads a picture as words of its own, and holds a dialogue.

Liu et al., "Visual Instruction Tuning", NeurIPS 2023, and "Improved Baselines with Visual
Instruction Tuning", CVPR 2024.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration

from indexer.models.families import image_tower
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.chat_template import Dialogue
from indexer.models.networks.generation import InstructionFollower, after, room, token_id
from indexer.models.networks.prompts import Prompts
from indexer.models.protocols import Pixels, Turn
from indexer.models.runtime.inference import inference
from storage.errors import BrokenModel, InvalidArgument

MOST_TOKENS = 60  # of one description or answer
LONGEST_REPLY = 256  # tokens of one reply in a dialogue


class Llava(InstructionFollower):
    """A picture tower, a projector and a language model, which sees a picture as places."""

    kind = LlavaForConditionalGeneration
    usual = Prompts(describe="Describe the image in one short sentence.")
    most = 16  # a picture is 576 words of the prompt

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self._places = places(self._network.config)
        vocabulary = self._network.get_input_embeddings().num_embeddings
        self._image_id = token_id(self._network.config, vocabulary, self.name)
        image = self._tokenizer.convert_ids_to_tokens(self._image_id)
        if not image:
            raise BrokenModel(
                f"the tokenizer of {self.name} has no token {self._image_id}, which stands for a "
                f"picture in its configuration"
            )
        self._image = image
        self._dialogue = Dialogue(self._prompts, self._tokenizer, checkpoint.folder, image)

    @inference
    def reply(self, pixels: Pixels, turns: Sequence[Turn]) -> str:
        """Return the next reply about all the pictures: (n, size, size, 3) uint8, n at least 1.

        Raises InvalidArgument without a picture, for turns that are not a person's and the
        model's by turns, and for a dialogue longer than the model holds.
        """
        pixels = self._checked(pixels)
        if not len(pixels):
            raise InvalidArgument("a dialogue needs at least one picture to speak about")
        prompt = self._tokenised(len(pixels), turns)
        self._most(len(prompt), LONGEST_REPLY)

        def generate(_: torch.Tensor) -> torch.Tensor:
            planes = self._planes(pixels, torch.arange(len(pixels)))
            return self._generate(
                planes, torch.tensor([prompt], device=self._device), LONGEST_REPLY
            )

        return self._speak([len(prompt)], LONGEST_REPLY, generate)[0]

    def _follow(self, pixels: Pixels, instructions: Sequence[str]) -> list[str]:
        prompts = [self._tokenised(1, [Turn("person", each)]) for each in instructions]
        lengths = [len(prompt) for prompt in prompts]
        self._most(max(lengths, default=0), MOST_TOKENS)  # before any work

        def generate(rows: torch.Tensor) -> torch.Tensor:
            tokens = torch.tensor([prompts[row] for row in rows.tolist()], device=self._device)
            return self._generate(self._planes(pixels, rows), tokens, MOST_TOKENS)

        return self._speak(lengths, MOST_TOKENS, generate)

    def _tokenised(self, pictures: int, turns: Sequence[Turn]) -> list[int]:
        """Write a dialogue out as tokens, each picture as as many as its features are."""
        text = self._dialogue.written(pictures, turns)
        start = self._tokenizer.bos_token
        opened = bool(start) and text.startswith(start)
        tokens: list[int] = self._tokenizer(
            text.replace(self._image, self._image * self._places), add_special_tokens=not opened
        ).input_ids
        if tokens.count(self._image_id) != pictures * self._places:
            raise BrokenModel(
                f"the tokenizer of {self.name} does not take {self._image} for one token: mark "
                f"it as special in tokenizer.json"
            )
        return tokens

    def _most(self, used: int, wanted: int) -> int:
        return room(self._network.config.text_config, used, wanted, "the dialogue")

    def _generate(self, planes: torch.Tensor, tokens: torch.Tensor, most: int) -> torch.Tensor:
        """Generate for prompts (m, length) with pictures (k, 3, s, s) in their order → new ids."""
        settings = self._greedy(self._network, self._most(tokens.shape[1], most))
        said = self._network.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            pixel_values=planes,
            generation_config=settings,
        )
        return after(tokens, said)


def places(config: Any) -> int:
    """Return how many tokens of the prompt a picture takes: one for each of its features."""
    vision = config.vision_config
    patches = int(vision.image_size // vision.patch_size) ** 2
    own = image_tower(vision.model_type).class_tokens
    dropped = 1 if config.vision_feature_select_strategy == "default" else 0
    return patches + own - dropped
