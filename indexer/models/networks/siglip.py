"""SigLIP and SigLIP 2 of fixed image size, as the transformers library builds them.

Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023; Tschannen et al.,
"SigLIP 2: Multilingual Vision-Language Encoders", 2025.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.models.siglip.modeling_siglip import SiglipModel

from indexer.models.compiled.text_cleaning import canonical
from indexer.models.compiled.text_tokenizer import TokenizerSpec
from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.pretrained import tokenizer_file
from indexer.models.networks.transformers_encoder import TransformersEncoder
from storage.errors import BrokenModel


class SiglipEncoder(TransformersEncoder):
    """A vision transformer with a pooling head, and a text transformer read at its last place."""

    kind = SiglipModel

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        tokens: list[int] = self._tokenizer("a photo").input_ids
        begin, end = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        if not tokens or tokens[-1] != end or (tokens[0] == begin and begin is not None):
            raise BrokenModel(
                f"the tokenizer of {checkpoint.label} writes a text as {tokens}: SigLIP was "
                f"trained with an end ({end}) after the words and no mark before them"
            )

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        """Return tokens padded to the context, which is seen whole: n texts → (n, l) int64."""
        cleaned = [canonical(text) for text in texts]
        encoded = self._tokenized(cleaned, padding="max_length", padding_side="right")
        tokens: torch.Tensor = encoded["input_ids"]
        return tokens

    def tokenizer_file(self, folder: Path) -> TokenizerSpec:
        """Write the tokenizer for a run without this library; raises NotTraceable."""
        how: dict[str, Any] = {"cleaning": "canonical", "to_context": True, "pads_left": False}
        return tokenizer_file(self._tokenizer, folder, self.context, **how)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, its end included, whether they are read or not."""
        return super().count_tokens(canonical(text))

    def _dimension(self, config: Any) -> int:
        return int(config.text_config.projection_size)
