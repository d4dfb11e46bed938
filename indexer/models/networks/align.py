"""ALIGN as the transformers library builds it, behind the dual-encoder protocol.

Jia et al., "Scaling Up Visual and Vision-Language Representation Learning With Noisy Text
Supervision", ICML 2021; the published weights are Kakao Brain's.
"""

from typing import Any, cast

import torch
from transformers.models.align.modeling_align import AlignModel

from indexer.models.networks.dual_encoder import TwoTowers

CONTEXT = 64  # tokens that the processor of transformers pads to; BERT itself takes 512


class AlignEncoder(TwoTowers):
    """An EfficientNet, pooled, and a BERT with a linear projection of its first token."""

    kind = AlignModel

    def _dimension(self, config: Any) -> int:
        return int(config.projection_dim)

    def _see(self, planes: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self._network.get_image_features(planes).pooler_output)

    def _understand(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = self._network.get_text_features(tokens, attention_mask=mask)
        return cast(torch.Tensor, found.pooler_output)

    @property
    def context(self) -> int:
        """How many tokens are read: as many as in training, where BERT takes more."""
        return min(CONTEXT, super().context)
