"""ALIGN as the transformers library builds it, behind the dual-encoder protocol.

Jia et al., "Scaling Up Visual and Vision-Language Representation Learning With Noisy Text
Supervision", ICML 2021; the published weights are Kakao Brain's.
"""

import torch
from transformers.models.align.modeling_align import AlignModel

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.transformers_encoder import TransformersEncoder

CONTEXT = 64  # tokens that the processor of transformers pads to; BERT itself takes 512


class AlignEncoder(TransformersEncoder):
    """An EfficientNet, pooled, and a BERT with a linear projection of its first token."""

    kind = AlignModel

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        # The pooling's kernel, as wide as the features are, is wider than any map of them: what it
        # returns is the mean, and compilers refuse such a kernel.
        if self._network.config.vision_config.pooling_type == "mean":
            self._network.vision_model.pooler = torch.nn.AdaptiveAvgPool2d(1)

    @property
    def context(self) -> int:
        """How many tokens are read: as many as in training, where BERT takes more."""
        return min(CONTEXT, super().context)
