"""CLIP as the transformers library builds it, behind the dual-encoder protocol.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021.
"""

from typing import Any

from transformers.models.clip.modeling_clip import CLIPModel

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.networks.transformers_encoder import TransformersEncoder
from storage.errors import BrokenModel

# In configurations that were published before 2023, OpenAI's own among them: the network then
# takes a text's vector where its largest token number stands.
_OLD_END = 2


class ClipEncoder(TransformersEncoder):
    """A vision transformer and a causal text transformer, each with a linear projection."""

    kind = CLIPModel

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        super().__init__(checkpoint, device)
        _check_end(self._tokenizer, self._network.config.text_config.eos_token_id, checkpoint)


def _check_end(tokenizer: Any, end: object, checkpoint: Checkpoint) -> None:
    """Raise BrokenModel where the network would not take a text's vector at the text's end."""
    tokens: list[int] = tokenizer("a photo of a red circle").input_ids
    found = max(tokens) if end == _OLD_END else end
    if tokens and found in tokens and tokens.index(found) == len(tokens) - 1:
        return
    where = checkpoint.folder or checkpoint.label
    raise BrokenModel(
        f"text_config.eos_token_id in the config.json of {where} is {end}, and its tokenizer ends "
        f"a text with {tokens[-1] if tokens else 'nothing'}: every text would get the same vector; "
        "the files are of two models, take all from one"
    )
