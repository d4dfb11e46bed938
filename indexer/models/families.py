"""The families of the transformers library: one record for each architecture, and no network.

A record holds all that is known of a family outside its file in `networks`: which class runs it
in which role, what it may be made of, how its images are prepared, and how it is described.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from indexer.models.protocols import Role
from storage.errors import BrokenModel

_CLASSES = "transformers.models."
_NETWORKS = "indexer.models.networks."
QFORMER_TOKENIZER = "qformer_tokenizer"  # the folder of InstructBLIP's second tokenizer
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class ImageProcessor:
    """An image processor of the library: its class without the suffix, and its default settings.

    `defaults` stand for what a file leaves out, where they differ from those of most classes.
    """

    name: str
    defaults: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImageTower:
    """A network that an image tower may be, by its `model_type`."""

    model_type: str
    class_tokens: int = 1  # before the patches
    convolutional: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """All networks of one architecture.

    `loaders` says by role which "module:Class" runs it, what it is best at first. `towers` and
    `parts` are the networks that it may be made of; transformers builds any that it knows where it
    is not told which, and some of those fetch from the hub or read pickles. `joined` tells what
    brings images and words together: a label, and a template over `config` and `image_token`.
    """

    architecture: str  # the first entry of `architectures` in a published config.json
    config: str  # "module:Class" of its configuration
    loaders: Mapping[Role, str]
    towers: tuple[ImageTower, ...]
    parts: Mapping[str, tuple[str, ...]]  # key of config.json → allowed `model_type`s
    image_processors: tuple[ImageProcessor, ...]
    joined: tuple[tuple[str, str], ...]
    tokenizers: tuple[str, ...] = ("",)  # the folders that hold one each

    def allowed(self) -> dict[str, tuple[str, ...]]:
        """Return the `model_type`s that each part may have, the usual one first."""
        return {"vision_config": tuple(one.model_type for one in self.towers), **self.parts}


CLIP_IMAGES = ImageProcessor(
    "CLIP", {"size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": True}
)
BLIP_IMAGES = ImageProcessor("Blip", {"size": {"height": 384, "width": 384}})
ALIGN_IMAGES = ImageProcessor(
    "EfficientNet",
    {
        "size": {"height": 346, "width": 346},
        "crop_size": 289,
        "include_top": True,
        "image_mean": HALF,
        "image_std": HALF,
    },
)
SIGLIP_IMAGES = ImageProcessor(
    "Siglip", {"size": {"height": 224, "width": 224}, "image_mean": HALF, "image_std": HALF}
)
CLIP_TOWER = ImageTower("clip_vision_model")
BLIP_TOWER = ImageTower("blip_vision_model")
SIGLIP_TOWER = ImageTower("siglip_vision_model", class_tokens=0)
_SHARED_WIDTH = "{config.projection_dim} wide"
_CROSSED = "cross-attention in every layer, to {config.text_config.encoder_hidden_size} wide"


def _blip(architecture: str, loaders: Mapping[Role, str], *joined: tuple[str, str]) -> Family:
    """Return a family of BLIP's: they are one tower and one BERT, with other heads."""
    return Family(
        architecture,
        f"{_CLASSES}blip.configuration_blip:BlipConfig",
        loaders,
        (BLIP_TOWER,),
        {"text_config": ("blip_text_model",)},
        (BLIP_IMAGES,),
        (("text sees pictures by", _CROSSED), *joined),
    )


_ALL = (
    Family(
        "CLIPModel",
        f"{_CLASSES}clip.configuration_clip:CLIPConfig",
        {"dual-encoder": f"{_NETWORKS}clip:ClipEncoder"},
        (CLIP_TOWER,),
        {"text_config": ("clip_text_model",)},
        (CLIP_IMAGES,),
        (
            ("common space", _SHARED_WIDTH),
            ("logit scale at first", "{config.logit_scale_init_value:g}"),
        ),
    ),
    Family(
        "AlignModel",
        f"{_CLASSES}align.configuration_align:AlignConfig",
        {"dual-encoder": f"{_NETWORKS}align:AlignEncoder"},
        (ImageTower("align_vision_model", convolutional=True),),
        {"text_config": ("align_text_model",)},
        (ALIGN_IMAGES,),
        (
            ("common space", _SHARED_WIDTH),
            ("temperature at first", "{config.temperature_init_value:g}"),
        ),
    ),
    Family(
        "SiglipModel",
        f"{_CLASSES}siglip.configuration_siglip:SiglipConfig",
        {"dual-encoder": f"{_NETWORKS}siglip:SiglipEncoder"},
        (SIGLIP_TOWER,),
        {"text_config": ("siglip_text_model",)},
        (SIGLIP_IMAGES,),
        (("common space", "{config.text_config.projection_size} wide"),),
    ),
    _blip(
        "BlipForImageTextRetrieval",
        {
            "pair-scorer": f"{_NETWORKS}blip:BlipScorer",
            "dual-encoder": f"{_NETWORKS}blip:BlipEncoder",
        },
        ("common space", "{config.image_text_hidden_size} wide"),
    ),
    _blip(
        "BlipForConditionalGeneration",
        {
            "captioner": f"{_NETWORKS}blip:BlipCaptioner",
            "pair-scorer": f"{_NETWORKS}likelihood:LikelihoodScorer",
        },
    ),
    _blip("BlipForQuestionAnswering", {"answerer": f"{_NETWORKS}blip:BlipAnswerer"}),
    Family(
        "InstructBlipForConditionalGeneration",
        f"{_CLASSES}instructblip.configuration_instructblip:InstructBlipConfig",
        {
            "captioner": f"{_NETWORKS}instruct_blip:InstructBlip",
            "answerer": f"{_NETWORKS}instruct_blip:InstructBlip",
        },
        (ImageTower("instructblip_vision_model"),),
        {"qformer_config": ("instructblip_qformer",), "text_config": ("llama", "opt", "t5")},
        (BLIP_IMAGES,),
        (
            (
                "projector",
                "one layer, {config.qformer_config.hidden_size} → {config.text_config.hidden_size}",
            ),
            ("image token", "{image_token}"),
        ),
        tokenizers=("", QFORMER_TOKENIZER),
    ),
    Family(
        "LlavaForConditionalGeneration",
        f"{_CLASSES}llava.configuration_llava:LlavaConfig",
        {
            "dialogue": f"{_NETWORKS}llava:Llava",
            "captioner": f"{_NETWORKS}llava:Llava",
            "answerer": f"{_NETWORKS}llava:Llava",
        },
        (CLIP_TOWER, SIGLIP_TOWER),
        {"text_config": ("llama", "mistral", "qwen2")},
        (CLIP_IMAGES, SIGLIP_IMAGES),
        (
            (
                "projector",
                "two layers, {config.vision_config.hidden_size} → {config.text_config.hidden_size}"
                " → {config.text_config.hidden_size}, {config.projector_hidden_act}",
            ),
            ("feature layer", "{config.vision_feature_layer}"),
            ("feature strategy", "{config.vision_feature_select_strategy}"),
            ("image token", "{image_token}"),
            ("tokens a picture", "{config.image_seq_length}"),
        ),
    ),
)
FAMILIES: dict[str, Family] = {one.architecture: one for one in _ALL}


def family_of(config: Mapping[str, Any], where: str) -> Family:
    """Return the family of a configuration, if this program has a loader for it.

    Raises BrokenModel naming `where` and the architectures, or parts of it, that are supported.
    """
    listed = config.get("architectures")
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(first, str) or first not in FAMILIES:
        named = f"architecture {first}" if first else "a model without a named architecture"
        raise BrokenModel(f"{where}: {named} is not supported; {', '.join(FAMILIES)} are")
    for part, kinds in FAMILIES[first].allowed().items():
        nested = config.get(part)
        kind = nested.get("model_type", kinds[0]) if isinstance(nested, dict) else kinds[0]
        if kind not in kinds:
            raise BrokenModel(
                f"{where}: a {first} with a {part} of {str(kind)[:60]!r} is not supported; "
                f"{', '.join(kinds)} are"
            )
    return FAMILIES[first]


def image_processors() -> dict[str, ImageProcessor]:
    """Return the image processors of all families, by the names of their classes."""
    return {one.name: one for family in FAMILIES.values() for one in family.image_processors}


def image_tower(model_type: str) -> ImageTower:
    """Return the image tower of that `model_type`, of whichever family; raises KeyError."""
    towers = {one.model_type: one for family in FAMILIES.values() for one in family.towers}
    return towers[model_type]


def tokenizer_folders() -> set[str]:
    """Return the folders, below a model's own, in which some family keeps a tokenizer."""
    return {folder for family in FAMILIES.values() for folder in family.tokenizers if folder}
