"""SigLIP and SigLIP 2 of fixed image size, as the transformers library builds them.

Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023; Tschannen et al.,
"SigLIP 2: Multilingual Vision-Language Encoders", 2025.
"""

import string
from collections.abc import Sequence
from typing import Any

import torch
from transformers.models.siglip.modeling_siglip import SiglipModel

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.transformers_encoder import TransformersEncoder
from storage.errors import BrokenModel

_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


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

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, its end included, whether they are read or not."""
        return super().count_tokens(canonical(text))

    def _dimension(self, config: Any) -> int:
        return int(config.text_config.projection_size)


def canonical(text: str) -> str:
    """Return a text as both were trained with: lower case, no punctuation, single spaces."""
    plain = text.replace("_", " ").translate(_WITHOUT_PUNCTUATION)
    return " ".join(plain.lower().split())
