"""Models that answer in words: greedy generation, in batches that need no padding."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar

import torch
from transformers.generation.configuration_utils import GenerationConfig

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks import image_tower
from indexer.models.networks.pretrained import quiet
from indexer.models.networks.prompts import Prompts
from indexer.models.networks.traceable import Traceable
from indexer.models.networks.transformers_model import TransformersModel
from indexer.models.protocols import Pixels
from indexer.models.runtime.inference import inference
from storage.errors import BrokenModel, InvalidArgument

# A forward pass over row numbers of one group: (m,) int64 → (m, length) token ids.
Generate = Callable[[torch.Tensor], torch.Tensor]
_BEFORE_A_MARK = re.compile(r"\s+([,.;:!?])")
_BEFORE_AN_ENDING = re.compile(r"\s*'\s*(s|t|m|d|ll|re|ve)\b")
_TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


class GenerativeModel(TransformersModel):
    """A model whose network, or a part of it, generates text.

    Only prompts of one length share a batch: BLIP's question answering attends to padding, and
    no model's answer should depend on what else was asked.
    """

    max_new_tokens: ClassVar[int]  # of one description or answer
    tower: ClassVar[str] = "vision_model"  # where the image tower is in the network

    def traceables(self) -> dict[str, Traceable]:
        """Return the image tower, "tower", for a compiler: (m, 3, s, s) float32 → states."""
        side, layer = self.image_spec.size, self._tower_layer()
        return {"tower": image_tower.traceable(self._network, self.tower, side, layer)}

    def replace_tower(self, run: image_tower.Run) -> None:
        """Compute the image tower by a run-time from now on; its weights go."""
        image_tower.replace(self._network, self.tower, run, self._tower_layer())

    def _tower_layer(self) -> int | None:
        """Return which of the tower's layers is read, None for its output.

        Raises NotTraceable where there are several.
        """
        return None

    def _greedy(self, decoder: Any, max_new_tokens: int) -> GenerationConfig:
        """Return settings for the likeliest token at each step, at most so many of them.

        They replace the decoder's own, which may ask for sampling or beams.
        """
        known = {name: getattr(decoder.generation_config, name) for name in _TOKEN_IDS}
        if known["eos_token_id"] is None:
            known["eos_token_id"] = self._tokenizer.eos_token_id
        if known["pad_token_id"] is None:
            known["pad_token_id"] = self._pad()
        settings: Any = GenerationConfig
        decoder.generation_config = settings(**known)
        chosen: GenerationConfig = settings(
            do_sample=False, num_beams=1, max_new_tokens=max_new_tokens, **known
        )
        return chosen

    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(self._tokenizer.eos_token_id if pad is None else pad)

    def _generate_text(
        self, lengths: Sequence[Hashable], width: int, generate: Generate
    ) -> list[str]:
        """Generate for prompts of those lengths and return the texts, tidied, in order."""
        if not lengths:
            return []
        generated = self._tokens(lengths, width, generate)
        texts = self._tokenizer.batch_decode(generated, skip_special_tokens=True)
        return [tidy(text) for text in texts]

    def _tokens(self, lengths: Sequence[Hashable], width: int, generate: Generate) -> torch.Tensor:
        """Generate for prompts of those lengths: (n, width) int64 on the CPU, padded at the end."""
        pad = self._pad()

        def widened(rows: torch.Tensor) -> torch.Tensor:
            with quiet():  # BLIP's own call names two settings twice, which the library deplores
                generated = generate(rows)
            missing = width - generated.shape[1]
            return torch.nn.functional.pad(generated, (0, missing), value=pad)

        every = torch.full((len(lengths), width), pad)
        for group in group_by_length(lengths):
            rows = torch.tensor(group)
            every[rows] = self._in_batches(rows, widened)
        return every

    def _asked(self, pixels: Pixels, questions: Sequence[str], image: str = "") -> list[str]:
        """Check questions, one for each image; `image` is a token that none may hold."""
        if isinstance(questions, str):
            raise InvalidArgument("an answerer takes a list of questions, not one string")
        if len(questions) != len(pixels):
            raise InvalidArgument(
                f"{len(questions)} questions about {len(pixels)} images: an answerer takes one "
                f"question about each image"
            )
        return [clean_prompt(question, "a question", image) for question in questions]


class InstructionFollower(GenerativeModel, ABC):
    """A model that describes an image, or answers about it, as an instruction asks it to."""

    usual: ClassVar[Prompts]  # where the checkpoint's folder says nothing else
    _image: str  # the token that stands for an image, which no question may hold

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        self._prompts = Prompts.read(checkpoint.folder, self.usual)

    @inference
    def describe(self, pixels: Pixels) -> list[str]:
        """Describe each image: (n, size, size, 3) uint8 → n sentences, an empty one allowed.

        Raises InvalidArgument for pixels of another shape or type.
        """
        pixels = self._checked(pixels)
        return self._follow(pixels, [self._prompts.describe] * len(pixels))

    @inference
    def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
        """Answer one question about each image: n images and n questions → n answers.

        Raises InvalidArgument for pixels of another shape or type, an empty question or one
        too long, and another number of questions.
        """
        pixels = self._checked(pixels)
        asked = self._asked(pixels, questions, self._image)
        return self._follow(pixels, [self._prompts.asking(question) for question in asked])

    @abstractmethod
    def _follow(self, pixels: Pixels, instructions: Sequence[str]) -> list[str]:
        """Generate what each instruction asks about its image."""


def clean_prompt(text: str, what: str, image: str = "") -> str:
    """Return a person's words without space around them; raises InvalidArgument."""
    if not text.strip():
        raise InvalidArgument(f"{what} is empty: say something about the image")
    if image and image in text:
        raise InvalidArgument(f"{what} may not hold {image}, which stands for an image")
    return text.strip()


def group_by_length(lengths: Sequence[Hashable]) -> list[list[int]]:
    """Group the numbers of prompts that are of one length."""
    groups: dict[Hashable, list[int]] = {}
    for number, length in enumerate(lengths):
        groups.setdefault(length, []).append(number)
    return list(groups.values())


def tidy(text: str) -> str:
    """Close the gaps that tokenizers of whole words leave: "red , it ' s" → "red, it's"."""
    text = _BEFORE_AN_ENDING.sub(r"'\1", " ".join(text.split()))
    return _BEFORE_A_MARK.sub(r"\1", text)


def strip_prompt(prompts: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
    """Return what was generated, (m, length), without the prompts if it begins with them.

    A language model that only decodes repeats them; one with an encoder does not.
    """
    before = prompts.shape[1]
    if generated.shape[1] >= before and torch.equal(generated[:, :before], prompts):
        return generated[:, before:]
    return generated


def token_budget(config: Any, used: int, wanted: int, what: str) -> int:
    """Return how many tokens, at most those wanted, may follow `used` ones in a language model.

    Raises InvalidArgument where none may; relative positions, as T5's, have no limit.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None:
        return wanted
    if used >= positions:
        raise InvalidArgument(
            f"{what} takes {used} tokens with its images and the model holds {positions}: "
            f"make it shorter, or start anew"
        )
    return int(min(wanted, positions - used))


def token_id(config: Any, vocabulary: int, name: str) -> int:
    """Return the id of the token that stands for an image; raises BrokenModel without one."""
    number = config.image_token_index
    if number is None or not 0 <= number < vocabulary:
        raise BrokenModel(
            f"the configuration of {name} gives image_token_index as {number}, and the model "
            f"knows {vocabulary} tokens"
        )
    return int(number)
