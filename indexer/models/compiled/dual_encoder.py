"""A dual encoder that runs from its export, without torch."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from indexer.models.compiled.export import Export
from indexer.models.compiled.network import CompiledNetwork, in_batches
from indexer.models.networks.l2_normalize import l2_normalize
from indexer.models.protocols import ImageSpec, Pixels
from indexer.models.runtime.inference import inference
from storage.errors import InvalidArgument
from storage.records import Matrix, Space

BATCH = 32  # rows at once; more is no faster on a CPU


class CompiledEncoder:
    """An image tower and a text tower, each mapped into memory when it is first needed."""

    def __init__(self, name: str, revision: str, export: Export, threads: int) -> None:
        """Take an export of the role dual-encoder, of the model of this name and revision."""
        details = export.details
        self.image_spec = ImageSpec.parse(details["preprocessing"])
        self.space = Space(
            name,
            revision,
            int(details["dimension"]),
            details["preprocessing"],
            precision=export.precision,
        )
        self.context: int | None = details["context"]
        self._export, self._threads = export, threads
        self._tokenizer = export.text_tokenizer()

    @inference
    def encode_images(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows.

        Raises InvalidArgument for another shape or type, EncodeFailure where the network
        returns a row that is not finite or has no length.
        """
        self.image_spec.check(pixels, self.space.name)
        width = (self.space.dimension,)
        features = in_batches(self._image, [pixels], BATCH, width)
        return l2_normalize(features, self.space.name)

    @inference
    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows.

        A text of more than `context` tokens is cut there, as in training.
        """
        if isinstance(texts, str):
            raise InvalidArgument("encode_texts takes a list of texts, not one string")
        width = (self.space.dimension,)
        listed = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
        with ThreadPoolExecutor(1) as threads:  # maps the network while words are looked up
            network = threads.submit(lambda: self._text) if texts else None
            rows = [self._tokenizer.rows(part) for part in listed]
        parts = [in_batches(network.result(), part, BATCH, width) for part in rows if network]
        features = np.concatenate(parts) if parts else np.zeros((0, *width), np.float32)
        return l2_normalize(features, self.space.name)

    @inference
    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return self._tokenizer.count(text)

    @cached_property
    def _image(self) -> CompiledNetwork:
        return self._export.needed("image", self._threads)

    @cached_property
    def _text(self) -> CompiledNetwork:
        return self._export.needed("text", self._threads)
