"""A dual encoder that encodes images in int8, and texts as the model it was made from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from indexer.models.compiled.dual_encoder import BATCH
from indexer.models.compiled.network import CompiledNetwork, in_batches
from indexer.models.networks.l2_normalize import l2_normalize
from indexer.models.protocols import DualEncoder, Pixels
from indexer.models.runtime.inference import inference
from storage.records import Matrix


class QuantizedEncoder:
    """A quantised image tower beside an exact text tower, in a space of its own."""

    def __init__(
        self, exact: DualEncoder, revision: str, load_network: Callable[[], CompiledNetwork]
    ) -> None:
        """Take the exact encoder, the revision with its calibration, and what maps the network.

        The network is loaded for the first image: whoever encodes texts alone does without it.
        """
        self.space = replace(exact.space, revision=revision, precision="int8")
        self.image_spec, self.context = exact.image_spec, exact.context
        self._exact, self._load_network = exact, load_network

    @inference
    def encode_images(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows.

        Raises InvalidArgument for another shape or type, EncodeFailure where the network
        returns a row that is not finite or has no length, ModelUnavailable where it is gone.
        """
        self.image_spec.check(pixels, self.space.name)
        if not len(pixels):
            return np.zeros((0, self.space.dimension), np.float32)
        features = in_batches(self._network, [pixels], BATCH, (self.space.dimension,))
        return l2_normalize(features, self.space.name)

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows."""
        return self._exact.encode_texts(texts)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return self._exact.count_tokens(text)

    @cached_property
    def _network(self) -> CompiledNetwork:
        return self._load_network()
