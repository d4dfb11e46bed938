"""CLIP as the transformers library builds it, behind the dual-encoder protocol.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021.
"""

from typing import Any, cast

import torch
from transformers.models.clip.modeling_clip import CLIPModel

from indexer.models.two_towers import TwoTowers


class ClipEncoder(TwoTowers):
    """A vision transformer and a causal text transformer, each with a linear projection."""

    kind = CLIPModel

    def _dimension(self, config: Any) -> int:
        return int(config.projection_dim)

    def _see(self, planes: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self._network.get_image_features(planes).pooler_output)

    def _understand(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = self._network.get_text_features(tokens, attention_mask=mask)
        return cast(torch.Tensor, found.pooler_output)
