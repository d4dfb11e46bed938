"""ALIGN as the transformers library builds it, behind the dual-encoder protocol.

Jia et al., "Scaling Up Visual and Vision-Language Representation Learning With Noisy Text
Supervision", ICML 2021; the published weights are Kakao Brain's.
"""

from transformers.models.align.modeling_align import AlignModel

from indexer.models.networks.transformers_encoder import TransformersEncoder

CONTEXT = 64  # tokens that the processor of transformers pads to; BERT itself takes 512


class AlignEncoder(TransformersEncoder):
    """An EfficientNet, pooled, and a BERT with a linear projection of its first token."""

    kind = AlignModel

    @property
    def context(self) -> int:
        """How many tokens are read: as many as in training, where BERT takes more."""
        return min(CONTEXT, super().context)
