"""What dual encoders of every library share: checks, batches, and unit rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch

from indexer.models.networks.l2_normalize import l2_normalize
from indexer.models.protocols import ImageSpec, Pixels
from indexer.models.runtime.device import Placement, in_batches
from indexer.models.runtime.inference import inference
from storage.errors import InvalidArgument
from storage.records import Matrix, Space


class DualEncoderBase(ABC):
    """An image tower and a text tower, in fp32; a library's own class says how they are run."""

    def __init__(self, space: Space, image_spec: ImageSpec, placement: Placement) -> None:
        self.space = space
        self.image_spec = image_spec
        self._placement = placement
        self._batch = placement.batch

    @inference
    def encode_images(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows.

        Raises InvalidArgument for another shape or type, EncodeFailure where the network
        returns a row that is not finite or has no length.
        """
        self.image_spec.check(pixels, self.space.name)
        # An image fresh from its decoder may be read-only memory, which torch will not share.
        rows = torch.from_numpy(np.require(pixels, requirements=["C", "W"]))
        return self._run(rows, self._encode_images)

    @inference
    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows.

        A text of more than `context` tokens is cut there, as in training.
        """
        if isinstance(texts, str):
            raise InvalidArgument("encode_texts takes a list of texts, not one string")
        rows = self.tokenize(texts) if texts else torch.zeros(0)
        return self._run(rows, self._encode_tokens)

    @abstractmethod
    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        """Return what `_encode_tokens` takes, one row for each of the texts, of which is one."""

    @abstractmethod
    def _encode_images(self, part: torch.Tensor) -> torch.Tensor:
        """Encode a batch of squares on the CPU: (m, s, s, 3) uint8 → (m, dim)."""

    @abstractmethod
    def _encode_tokens(self, part: torch.Tensor) -> torch.Tensor:
        """Encode a batch of rows of tokens on the CPU → (m, dim)."""

    def _run(self, rows: torch.Tensor, forward: Callable[[torch.Tensor], torch.Tensor]) -> Matrix:
        if not len(rows):
            return np.zeros((0, self.space.dimension), np.float32)
        with torch.inference_mode(), self._placement.autocast():
            features, self._batch = in_batches(rows, self._batch, forward)
        return l2_normalize(features.float().numpy(), self.space.name)
