"""A network of transformers that looks at images a second time, with its tokenizer."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import torch

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.pretrained import (
    count_tokens,
    load_parts,
    normalise,
)
from indexer.models.protocols import ImageSpec, Pixels
from indexer.models.runtime.device import LARGEST_BATCH, in_batches
from storage.errors import BrokenModel, Hint


class TransformersModel:
    """A transformers network that looks at images, loaded and ready to run."""

    kind: ClassVar[Any]  # the class of transformers that the weights are of
    max_batch: ClassVar[int] = LARGEST_BATCH  # inputs at once, on a large accelerator too
    context: int | None = None  # tokens of one text that are read; a longer one is refused

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        self.name = checkpoint.name
        self.revision = checkpoint.revision
        self._refuse_others(checkpoint)
        parts = load_parts(
            self.kind, checkpoint, device, text_part="text stack", max_batch=self.max_batch
        )
        self.image_spec: ImageSpec = parts.image_spec
        self._tokenizer: Any = parts.tokenizer
        self._network: Any = parts.network
        self._placement = parts.placement
        self._device = self._placement.device
        self._batch = self._placement.batch

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "auto") -> Self:
        """Build the model of a checkpoint's folder.

        Raises BrokenModel, NotEnoughMemory, and what `place` raises for the device.
        """
        return cls(checkpoint, device)

    def _refuse_others(self, checkpoint: Checkpoint) -> None:
        named = (checkpoint.config or {}).get("architectures") or [""]
        if named[0] != self.kind.__name__:
            raise BrokenModel(
                f"the model {checkpoint.label} is a {named[0] or 'network without a name'}, "
                f"and this needs a {self.kind.__name__}: choose another model",
                hint=Hint("list models"),
            )

    def _checked(self, pixels: Pixels) -> Pixels:
        self.image_spec.check(pixels, self.name)
        return pixels

    def _pixel_values(self, pixels: Pixels, rows: torch.Tensor) -> torch.Tensor:
        """Take some rows of the images onto the device: (m, 3, s, s) float32, normalised."""
        squares = torch.from_numpy(np.require(pixels[rows.numpy()], requirements=["C", "W"]))
        return self._normalised(squares)

    def _normalised(self, squares: torch.Tensor) -> torch.Tensor:
        """Turn squares into what the tower sees: (m, s, s, 3) uint8 → (m, 3, s, s) float32."""
        return normalise(squares, self.image_spec, self._device)

    def _in_batches(
        self, rows: torch.Tensor, forward: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        """Run `forward` over row numbers, fewer at a time from now on where memory ran out."""
        with torch.inference_mode():
            result, self._batch = in_batches(rows, self._batch, forward)
        return result

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return count_tokens(self._tokenizer, text)

    def _longest(self, part: Any) -> int:
        """Return how many tokens the tokenizer and that part of the network both take."""
        return int(min(self._tokenizer.model_max_length, part.max_position_embeddings))
