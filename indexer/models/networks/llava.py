"""LLaVA: a language model that reads an image as words of its own, and holds a dialogue.

Liu et al., "Visual Instruction Tuning", NeurIPS 2023, and "Improved Baselines with Visual
Instruction Tuning", CVPR 2024.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration

from indexer.models.families import image_tower
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.chat_template import ChatTemplate
from indexer.models.networks.generation import (
    InstructionFollower,
    strip_prompt,
    token_budget,
    token_id,
)
from indexer.models.networks.prompts import Prompts
from indexer.models.networks.traceable import NotTraceable
from indexer.models.protocols import Pixels, Turn
from indexer.models.runtime.inference import inference
from storage.errors import BrokenModel, InvalidArgument


class Llava(InstructionFollower):
    """An image tower, a projector and a language model, which sees an image as places."""

    kind = LlavaForConditionalGeneration
    usual = Prompts(describe="Describe the image in one short sentence.")
    max_batch = 16  # an image is 576 words of the prompt
    max_new_tokens = 60
    max_reply_tokens = 256  # of one reply in a dialogue
    tower = "model.vision_tower"

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self._places = places(self._network.config)
        vocabulary = self._network.get_input_embeddings().num_embeddings
        self._image_id = token_id(self._network.config, vocabulary, self.name)
        image = self._tokenizer.convert_ids_to_tokens(self._image_id)
        if not image:
            raise BrokenModel(
                f"the tokenizer of {self.name} has no token {self._image_id}, which stands for a "
                f"image in its configuration"
            )
        self._image = image
        self._template = ChatTemplate(self._prompts, self._tokenizer, checkpoint.folder, image)

    @inference
    def chat(self, pixels: Pixels, turns: Sequence[Turn]) -> str:
        """Return the next reply about all the images: (n, size, size, 3) uint8, n at least 1.

        Raises InvalidArgument without an image, for turns that are not a person's and the
        model's by turns, and for a dialogue longer than the model holds.
        """
        pixels = self._checked(pixels)
        if not len(pixels):
            raise InvalidArgument("a dialogue needs at least one image to speak about")
        prompt = self._tokenised(len(pixels), turns)
        self._budget(len(prompt), self.max_reply_tokens)

        def generate(_: torch.Tensor) -> torch.Tensor:
            pixel_values = self._pixel_values(pixels, torch.arange(len(pixels)))
            return self._generate(
                pixel_values, torch.tensor([prompt], device=self._device), self.max_reply_tokens
            )

        return self._generate_text([len(prompt)], self.max_reply_tokens, generate)[0]

    def _tower_layer(self) -> int:
        layer = self._network.config.vision_feature_layer
        if not isinstance(layer, int):
            raise NotTraceable("it reads several layers of its image tower")
        return layer

    def _follow(self, pixels: Pixels, instructions: Sequence[str]) -> list[str]:
        prompts = [self._tokenised(1, [Turn("person", each)]) for each in instructions]
        lengths = [len(prompt) for prompt in prompts]
        self._budget(max(lengths, default=0), self.max_new_tokens)  # before any work

        def generate(rows: torch.Tensor) -> torch.Tensor:
            tokens = torch.tensor([prompts[row] for row in rows.tolist()], device=self._device)
            return self._generate(self._pixel_values(pixels, rows), tokens, self.max_new_tokens)

        return self._generate_text(lengths, self.max_new_tokens, generate)

    def _tokenised(self, images: int, turns: Sequence[Turn]) -> list[int]:
        """Write a dialogue out as tokens, each image as as many as its features are."""
        text = self._template.render(images, turns)
        start = self._tokenizer.bos_token
        opened = bool(start) and text.startswith(start)
        tokens: list[int] = self._tokenizer(
            text.replace(self._image, self._image * self._places), add_special_tokens=not opened
        ).input_ids
        if tokens.count(self._image_id) != images * self._places:
            raise BrokenModel(
                f"the tokenizer of {self.name} does not take {self._image} for one token: mark "
                f"it as special in tokenizer.json"
            )
        return tokens

    def _budget(self, used: int, wanted: int) -> int:
        return token_budget(self._network.config.text_config, used, wanted, "the dialogue")

    def _generate(
        self, pixel_values: torch.Tensor, tokens: torch.Tensor, wanted: int
    ) -> torch.Tensor:
        """Generate for prompts (m, length) with images (k, 3, s, s) in their order → new ids."""
        settings = self._greedy(self._network, self._budget(tokens.shape[1], wanted))
        generated = self._network.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            pixel_values=pixel_values,
            generation_config=settings,
        )
        return strip_prompt(tokens, generated)


def places(config: Any) -> int:
    """Return how many tokens of the prompt an image takes: one for each of its features."""
    vision = config.vision_config
    patches = int(vision.image_size // vision.patch_size) ** 2
    own = image_tower(vision.model_type).class_tokens
    dropped = 1 if config.vision_feature_select_strategy == "default" else 0
    return patches + own - dropped
