"""A dual encoder on a network of the transformers library; its families say what they differ in."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.l2_normalize import unit_rows
from indexer.models.networks.pretrained import (
    check_pictures,
    check_words,
    count_tokens,
    network,
    normalise,
    picture_spec,
    quiet,
    squares,
    tokenizer,
)
from indexer.models.protocols import PictureSpec, Pixels
from indexer.models.runtime.device import in_batches
from indexer.models.runtime.inference import inference
from storage.errors import InvalidArgument
from storage.records import Matrix, Space


class TwoTowers(ABC):
    """A picture tower and a text tower with their projections, in fp32."""

    kind: ClassVar[Any]  # the class of transformers that the weights are of

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        self.pictures: PictureSpec = picture_spec(checkpoint)
        self._tokenizer: Any = tokenizer(checkpoint)
        # Vectors made on one device are compared with those of another: fp32 weights on all.
        loaded, self._placement = network(self.kind, checkpoint, device, exact=True)
        self._network: Any = loaded
        self._batch = self._placement.batch
        self.space = Space(
            checkpoint.name,
            checkpoint.revision,
            self._dimension(loaded.config),
            self.pictures.canonical(),
        )
        name = checkpoint.name
        check_pictures(self.pictures, loaded.config.vision_config.image_size, name)
        check_words(self._tokenizer, loaded.config.text_config.vocab_size, name, "text tower")

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "auto") -> Self:
        """Build the encoder of a checkpoint's folder.

        Raises BrokenModel, NotEnoughMemory, and what `place` raises for the device.
        """
        return cls(checkpoint, device)

    @inference
    def encode_pictures(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows.

        Raises InvalidArgument for another shape or type, EncodeFailure where the network
        returns a row that is not finite or has no length.
        """
        return self._run(squares(pixels, self.pictures), self._look)

    @inference
    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows.

        A text of more than `context` tokens is cut there, as in training.
        """
        if isinstance(texts, str):
            raise InvalidArgument("encode_texts takes a list of texts, not one string")
        if not texts:
            return self._run(torch.zeros(0), self._read)
        with quiet():
            words = self._tokenizer(
                list(texts),
                padding=True,
                truncation=True,
                max_length=self.context,
                return_tensors="pt",
            )
        both = torch.stack([words["input_ids"], words["attention_mask"]], 1)  # (n, 2, l) int64
        return self._run(both, self._read)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return count_tokens(self._tokenizer, text)

    @abstractmethod
    def _dimension(self, config: Any) -> int:
        """Return the width of the vectors."""

    @abstractmethod
    def _see(self, planes: torch.Tensor) -> torch.Tensor:
        """Encode (n, 3, s, s) float32 → (n, dim)."""

    @abstractmethod
    def _understand(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Encode (n, l) int64 tokens, of which the mask says which count → (n, dim)."""

    @property
    def context(self) -> int:
        """How many tokens the tokenizer and the text tower both take."""
        longest = self._network.config.text_config.max_position_embeddings
        return int(min(self._tokenizer.model_max_length, longest))

    def _look(self, part: torch.Tensor) -> torch.Tensor:
        return self._see(normalise(part.numpy(), self.pictures, self._placement.device))

    def _read(self, part: torch.Tensor) -> torch.Tensor:
        tokens, mask = part.to(self._placement.device).unbind(1)
        return self._understand(tokens, mask)

    def _run(self, rows: torch.Tensor, forward: Callable[[torch.Tensor], torch.Tensor]) -> Matrix:
        if not len(rows):
            return np.zeros((0, self.space.dimension), np.float32)
        with torch.inference_mode(), self._placement.autocast():
            features, self._batch = in_batches(rows, self._batch, forward)
        return unit_rows(features.float().numpy(), self.space.name)
