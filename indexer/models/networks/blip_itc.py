"""BLIP's pair of contrastive projections (ITC), behind the dual-encoder protocol.

Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022: the unimodal halves of
the network that also matches pictures with texts (ITM).
"""

from typing import Any, cast

import torch
from transformers.models.blip.modeling_blip import BlipForImageTextRetrieval

from indexer.models.networks.transformers_encoder import TransformersEncoder


class BlipEncoder(TransformersEncoder):
    """A vision transformer and a BERT that reads without looking, each first token projected."""

    kind = BlipForImageTextRetrieval

    def _dimension(self, config: Any) -> int:
        return int(config.image_text_hidden_size)

    def image_features(self, planes: torch.Tensor) -> torch.Tensor:
        """Encode (m, 3, s, s) float32 → (m, dim)."""
        seen = self._network.vision_model(planes).last_hidden_state
        return cast(torch.Tensor, self._network.vision_proj(seen[:, 0]))

    def text_features(self, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Encode (m, l) int64 tokens, of which the mask says which count → (m, dim)."""
        read = self._network.text_encoder(tokens, attention_mask=mask).last_hidden_state
        return cast(torch.Tensor, self._network.text_proj(read[:, 0]))
