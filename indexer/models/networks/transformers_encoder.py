"""A dual encoder on a network of the transformers library; its families say what they differ in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import torch

from indexer.models.compiled.text_tokenizer import TokenizerSpec
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.dual_encoder import DualEncoderBase
from indexer.models.networks.pretrained import (
    count_tokens,
    load_parts,
    normalise,
    quiet,
    tokenizer_file,
)
from storage.records import Space


class TransformersEncoder(DualEncoderBase):
    """An image tower and a text tower with their projections, in fp32."""

    kind: ClassVar[Any]  # the class of transformers that the weights are of

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        # Vectors made on one device are compared with those of another: fp32 weights on all.
        parts = load_parts(self.kind, checkpoint, device, text_part="text tower", exact=True)
        self._tokenizer: Any = parts.tokenizer
        self._network: Any = parts.network
        width = self._dimension(parts.network.config)
        space = Space(
            checkpoint.name,
            checkpoint.revision,
            width,
            parts.image_spec.canonical(),
            precision=parts.placement.precision,
        )
        super().__init__(space, parts.image_spec, parts.placement)

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "auto") -> Self:
        """Build the encoder of a checkpoint's folder.

        Raises BrokenModel, NotEnoughMemory, and what `place` raises for the device.
        """
        return cls(checkpoint, device)

    @property
    def context(self) -> int:
        """How many tokens the tokenizer and the text tower both take."""
        longest = self._network.config.text_config.max_position_embeddings
        return int(min(self._tokenizer.model_max_length, longest))

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""
        return count_tokens(self._tokenizer, text)

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        """Return tokens over the mask of those that count: n texts → (n, 2, l) int64.

        A family that was trained without a mask returns tokens alone, (n, l) int64.
        """
        encoded = self._tokenized(texts, padding=True)
        return torch.stack([encoded["input_ids"], encoded["attention_mask"]], 1)

    def tokenizer_file(self, folder: Path) -> TokenizerSpec:
        """Write the tokenizer for a run without this library; raises NotTraceable."""
        return tokenizer_file(self._tokenizer, folder, self.context, masked=True)

    def image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Encode (m, 3, s, s) float32 → (m, dim)."""
        return cast(torch.Tensor, self._network.get_image_features(pixel_values).pooler_output)

    def text_features(self, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Encode (m, l) int64 tokens, of which the mask, if any, says which count → (m, dim)."""
        found = self._network.get_text_features(tokens, attention_mask=mask)
        return cast(torch.Tensor, found.pooler_output)

    def _dimension(self, config: Any) -> int:
        """Return the width of the vectors."""
        return int(config.projection_dim)

    def _tokenized(self, texts: Sequence[str], **padding: Any) -> Any:
        with quiet():
            return self._tokenizer(
                list(texts),
                truncation=True,
                max_length=self.context,
                return_tensors="pt",
                **padding,
            )

    def _encode_images(self, part: torch.Tensor) -> torch.Tensor:
        return self.image_features(normalise(part, self.image_spec, self._placement.device))

    def _encode_tokens(self, part: torch.Tensor) -> torch.Tensor:
        placed = part.to(self._placement.device)
        tokens, mask = placed.unbind(1) if placed.dim() == 3 else (placed, None)
        return self.text_features(tokens, mask)
