"""BLIP's pair of contrastive projections (ITC), behind the dual-encoder protocol.

Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022: the unimodal halves of
the network that also matches pictures with texts (ITM).
"""

from typing import Any, cast

import torch
from transformers.models.blip.modeling_blip import BlipForImageTextRetrieval

from indexer.models.networks.dual_encoder import TwoTowers


class BlipEncoder(TwoTowers):
    """A vision transformer and a BERT that reads without looking, each first token projected."""

    kind = BlipForImageTextRetrieval

    def _dimension(self, config: Any) -> int:
        return int(config.image_text_hidden_size)

    def _see(self, planes: torch.Tensor) -> torch.Tensor:
        seen = self._network.vision_model(planes).last_hidden_state
        return cast(torch.Tensor, self._network.vision_proj(seen[:, 0]))

    def _understand(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        read = self._network.text_encoder(tokens, attention_mask=mask).last_hidden_state
        return cast(torch.Tensor, self._network.text_proj(read[:, 0]))
