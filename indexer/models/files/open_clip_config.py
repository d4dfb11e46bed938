"""An open_clip configuration, checked, before any network is built from it."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from indexer.models.protocols import ImageSpec
from storage.errors import BrokenModel, Hint

STOCK_VOCABULARY = 49408  # of the tokenizer that open_clip ships
STOCK_CONTEXT = 77
LARGEST_SIDE = 4096  # pixels; no published tower comes near it
_MODEL_KEYS = {
    "embed_dim",
    "vision_cfg",
    "text_cfg",
    "quick_gelu",
    "init_logit_scale",
    "init_logit_bias",
    "nonscalar_logit_scale",
    "custom_text",
}
_TOKENIZER_KEYS = {"bpe_path", "clean", "strip_sep_token"}
_CLEANERS = ("lower", "whitespace", "canonicalize")
# What open_clip takes where a configuration is silent (its OPENAI_DATASET_MEAN and _STD).
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class OpenClipConfig:
    """The configuration of a tower pair: the network, the images and the words it takes.

    `network` holds the constructor's arguments. `bpe` is the vocabulary file beside the
    weights; `tokenizer` the name of a transformers tokenizer; neither means open_clip's own.
    """

    network: Mapping[str, Any]
    custom_text: bool
    image_spec: ImageSpec
    dimension: int
    context: int
    vocabulary: int
    tokenizer_options: Mapping[str, Any]
    tokenizer: str = ""
    bpe: Path | None = None

    @classmethod
    def parse(
        cls, config: Mapping[str, Any], where: str, folder: Path | None = None
    ) -> "OpenClipConfig":
        """Check {model_cfg, preprocess_cfg}; raises BrokenModel naming `where` and the key.

        Nothing is left in it that would make open_clip fetch anything by itself.
        """
        network = copy.deepcopy(dict(_table(config, "model_cfg", where)))
        unknown = sorted(set(network) - _MODEL_KEYS)
        if unknown:
            raise BrokenModel(f"{where}: model_cfg has {unknown[0]!r}, which is not supported")
        dimension = _count(network, "embed_dim", where)
        vision = _table(network, "vision_cfg", where)
        text = _table(network, "text_cfg", where)
        _refuse_foreign(vision, text, where)
        options = dict(text.get("tokenizer_kwargs") or {})
        _check_options(options, where)
        bpe = _beside(options.pop("bpe_path", None), folder, where)
        parsed = cls(
            network=network,
            custom_text=bool(network.pop("custom_text", False)),
            image_spec=_image_spec(vision, config.get("preprocess_cfg") or {}, where),
            dimension=dimension,
            context=_count({"context_length": STOCK_CONTEXT, **text}, "context_length", where),
            vocabulary=_count({"vocab_size": STOCK_VOCABULARY, **text}, "vocab_size", where),
            tokenizer_options=options,
            tokenizer=str(text.get("hf_tokenizer_name") or ""),
            bpe=bpe,
        )
        if not parsed.tokenizer and bpe is None and parsed.vocabulary != STOCK_VOCABULARY:
            raise BrokenModel(
                f"{where}: text_cfg.vocab_size is {parsed.vocabulary} and no tokenizer is named; "
                f"set text_cfg.tokenizer_kwargs.bpe_path to the vocabulary file beside it"
            )
        return parsed


def _refuse_foreign(vision: dict[str, Any], text: dict[str, Any], where: str) -> None:
    if text.get("hf_model_name"):
        raise BrokenModel(
            f"{where}: the text tower is {text['hf_model_name']!r} of the transformers library, "
            "which is not supported yet; choose another model",
            hint=Hint("list models"),
        )
    timm = vision.get("timm_model_name")
    if timm is not None:
        # A name with a colon or a slash makes timm ask its hub, or run what it finds there.
        if not isinstance(timm, str) or not timm.replace("_", "").replace(".", "").isalnum():
            raise BrokenModel(f"{where}: vision_cfg.timm_model_name {timm!r} is not a plain name")
        vision["timm_model_pretrained"] = False


def _check_options(options: Mapping[str, Any], where: str) -> None:
    unknown = sorted(set(options) - _TOKENIZER_KEYS)
    if unknown or options.get("clean", "lower") not in _CLEANERS:
        key = unknown[0] if unknown else "clean"
        raise BrokenModel(f"{where}: text_cfg.tokenizer_kwargs.{key} is not supported")


def _beside(written: Any, folder: Path | None, where: str) -> Path | None:
    if written is None:
        return None
    if folder is None or not isinstance(written, str):
        raise BrokenModel(f"{where}: tokenizer_kwargs.bpe_path {written!r} is not a file name")
    path = (folder / written).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BrokenModel(
            f"{where}: tokenizer_kwargs.bpe_path {written!r} leads out of the model's directory"
        )
    if not path.is_file():
        raise BrokenModel(f"{where}: tokenizer_kwargs.bpe_path {written!r} is not there")
    return path


def _image_spec(vision: Mapping[str, Any], preprocess: Any, where: str) -> ImageSpec:
    if not isinstance(preprocess, Mapping):
        raise BrokenModel(f"{where}: preprocess_cfg is not a table")
    if preprocess.get("mode", "RGB") != "RGB":
        raise BrokenModel(f"{where}: preprocess_cfg.mode {preprocess['mode']!r} is not RGB")
    interpolation = preprocess.get("interpolation") or "bicubic"
    # open_clip trains with "random" and sees with bicubic.
    interpolation = "bicubic" if interpolation == "random" else interpolation
    resize = preprocess.get("resize_mode") or "shortest"
    fill = preprocess.get("fill_color", 0)
    if interpolation not in ("bicubic", "bilinear"):
        raise BrokenModel(f"{where}: preprocess_cfg.interpolation {interpolation!r} is unknown")
    if resize not in ("shortest", "longest", "squash"):
        raise BrokenModel(f"{where}: preprocess_cfg.resize_mode {resize!r} is unknown")
    if not isinstance(fill, int) or not 0 <= fill <= 255:
        raise BrokenModel(f"{where}: preprocess_cfg.fill_color {fill!r} is not 0 to 255")
    return ImageSpec(
        # The tower's own size counts, as in open_clip: the preprocessing may repeat it.
        size=_side(vision.get("image_size", 224), where),
        mean=_channels(preprocess.get("mean"), _MEAN, "mean", where),
        std=_channels(preprocess.get("std"), _STD, "std", where, lowest=1e-6),
        interpolation=cast(Literal["bicubic", "bilinear"], interpolation),
        resize=cast(Literal["shortest", "longest", "squash"], resize),
        fill=fill,
    )


def _side(written: Any, where: str) -> int:
    sides = written if isinstance(written, (list, tuple)) else [written, written]
    if len(sides) != 2 or sides[0] != sides[1]:
        raise BrokenModel(
            f"{where}: vision_cfg.image_size {written!r} is not a square; only square is supported"
        )
    side = _count({"image_size": sides[0]}, "image_size", where)
    if side > LARGEST_SIDE:
        raise BrokenModel(f"{where}: vision_cfg.image_size {side} is above {LARGEST_SIDE} pixels")
    return side


def _channels(
    written: Any,
    default: tuple[float, float, float],
    key: str,
    where: str,
    lowest: float = -math.inf,
) -> tuple[float, float, float]:
    if written is None:
        return default
    values = written if isinstance(written, (list, tuple)) else [written] * 3
    numbers = [float(value) for value in values if type(value) in (int, float)]
    sound = all(math.isfinite(number) and number >= lowest for number in numbers)
    if len(numbers) != 3 or len(values) != 3 or not sound:
        raise BrokenModel(f"{where}: preprocess_cfg.{key} {written!r} is not three numbers")
    return numbers[0], numbers[1], numbers[2]


def _table(parent: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise BrokenModel(f"{where}: {key} is {'missing' if value is None else 'not a table'}")
    return value


def _count(parent: Mapping[str, Any], key: str, where: str) -> int:
    value = parent.get(key)
    if type(value) is not int or value < 1:
        raise BrokenModel(f"{where}: {key} is {value!r} and must be a whole number above 0")
    return value
