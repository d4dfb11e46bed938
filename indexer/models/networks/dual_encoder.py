"""What dual encoders of every library share: checks, batches, and unit rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from indexer.models.compiled.text_tokenizer import TokenizerSpec
from indexer.models.networks.l2_normalize import l2_normalize
from indexer.models.networks.traceable import ANY, Forward, Traceable, of_pixels
from indexer.models.protocols import ImageSpec, Pixels
from indexer.models.runtime.device import Placement, in_batches
from indexer.models.runtime.inference import inference
from storage.errors import InvalidArgument
from storage.records import Matrix, Space


class DualEncoderBase(ABC):
    """An image tower and a text tower, in fp32; a library's own class says how they are run."""

    _network: Any

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

    def traceables(self) -> dict[str, Traceable]:
        """Return both towers, "image" and "text", for a compiler."""
        found = self.token_rows(["a photo", "two photos of three birds"])
        tokens = tuple(torch.from_numpy(column.copy()) for column in found)
        # What was padded to the context always is; what was not is as long as its longest text.
        length = self.context if tokens[0].shape[1] == self.context else ANY
        text = Forward(self._network, self._encode_columns)
        return {
            "image": of_pixels(self._network, self._encode_images, self.image_spec.size),
            "text": Traceable(text, tokens, ((ANY, length),) * len(tokens)),
        }

    def token_rows(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return what `traceables` takes of texts: tokens (n, l), and their mask where used."""
        rows = self.tokenize(texts)
        columns = rows.unbind(1) if rows.dim() == 3 else (rows,)
        return tuple(column.numpy() for column in columns)

    def _encode_columns(self, *columns: torch.Tensor) -> torch.Tensor:
        """Encode tokens, and their mask where the family has one, each (m, l) → (m, dim)."""
        return self._encode_tokens(torch.stack(columns, 1) if len(columns) > 1 else columns[0])

    @property
    @abstractmethod
    def context(self) -> int:
        """Return how many tokens of a text are read, special ones included."""

    @abstractmethod
    def tokenizer_file(self, folder: Path) -> TokenizerSpec:
        """Write what reads texts without this library into a folder, and return how it does.

        Raises NotTraceable for a tokenizer that only this library can run.
        """

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
