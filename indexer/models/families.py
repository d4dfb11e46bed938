"""The families of the transformers library: an architecture leads to what it can be used for."""

from collections.abc import Mapping
from typing import Any

from indexer.models.protocols import Role
from storage.errors import BrokenModel

_HOME = "indexer.models.networks."
# The first entry of `architectures` in a published config.json → role → "module:Class".
ARCHITECTURES: Mapping[str, Mapping[Role, str]] = {
    "CLIPModel": {"dual-encoder": f"{_HOME}clip:ClipEncoder"},
    "AlignModel": {"dual-encoder": f"{_HOME}align:AlignEncoder"},
    "BlipForImageTextRetrieval": {
        "pair-scorer": f"{_HOME}blip_itm:BlipScorer",
        "dual-encoder": f"{_HOME}blip_itc:BlipEncoder",
    },
    "BlipForConditionalGeneration": {
        "captioner": f"{_HOME}blip_caption:BlipCaptioner",
        "pair-scorer": f"{_HOME}likelihood:LikelihoodScorer",
    },
    "BlipForQuestionAnswering": {"answerer": f"{_HOME}blip_vqa:BlipAnswerer"},
    "InstructBlipForConditionalGeneration": {
        "captioner": f"{_HOME}instruct_blip:InstructBlip",
        "answerer": f"{_HOME}instruct_blip:InstructBlip",
    },
    "LlavaForConditionalGeneration": {
        "dialogue": f"{_HOME}llava:Llava",
        "captioner": f"{_HOME}llava:Llava",
        "answerer": f"{_HOME}llava:Llava",
    },
}

_BLIP = {"vision_config": ("blip_vision_model",), "text_config": ("blip_text_model",)}
# The networks that each may be made of, by the `model_type` of a part. transformers builds any
# that it knows where it is not told which: some of those fetch from the hub or read pickles.
_PARTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "CLIPModel": {
        "vision_config": ("clip_vision_model",),
        "text_config": ("clip_text_model",),
    },
    "AlignModel": {
        "vision_config": ("align_vision_model",),
        "text_config": ("align_text_model",),
    },
    "BlipForImageTextRetrieval": _BLIP,
    "BlipForConditionalGeneration": _BLIP,
    "BlipForQuestionAnswering": _BLIP,
    "InstructBlipForConditionalGeneration": {
        "vision_config": ("instructblip_vision_model",),
        "qformer_config": ("instructblip_qformer",),
        "text_config": ("llama", "opt", "t5"),
    },
    "LlavaForConditionalGeneration": {
        "vision_config": ("clip_vision_model", "siglip_vision_model"),
        "text_config": ("llama", "mistral", "qwen2"),
    },
}


def architecture(config: Mapping[str, Any], where: str) -> str:
    """Return the architecture that a configuration names, if this program has a loader for it.

    Raises BrokenModel naming `where` and the architectures, or parts of it, that are supported.
    """
    listed = config.get("architectures")
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(first, str) or first not in ARCHITECTURES:
        named = f"architecture {first}" if first else "a model without a named architecture"
        raise BrokenModel(f"{where}: {named} is not supported; {', '.join(ARCHITECTURES)} are")
    for part, kinds in _PARTS[first].items():
        nested = config.get(part)
        kind = nested.get("model_type", kinds[0]) if isinstance(nested, dict) else kinds[0]
        if kind not in kinds:
            raise BrokenModel(
                f"{where}: a {first} with a {part} of {str(kind)[:60]!r} is not supported; "
                f"{', '.join(kinds)} are"
            )
    return first
