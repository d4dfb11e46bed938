"""The image processor of a transformers checkpoint, as plain data.

Read from the processor's own file, so that images are prepared without importing torch. The
image processors that the families name are understood; everything that one of them would do to a
image is either folded into the spec or refused by name.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from indexer.models.families import ImageProcessor, image_processors
from indexer.models.files.safe_json import read_json
from indexer.models.protocols import ImageSpec
from storage.errors import BrokenModel

PREPROCESSOR = "preprocessor_config.json"  # as published until transformers 5
PROCESSOR = "processor_config.json"  # since then, with the images under a key of their own
LARGEST_SIDE = 4096  # pixels; no published tower comes near it
_BYTE = 255
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_Interpolation = Literal["bicubic", "bilinear", "nearest", "lanczos"]
_INTERPOLATIONS: dict[int, _Interpolation] = {
    0: "nearest",
    1: "lanczos",
    2: "bilinear",
    3: "bicubic",
}
_COMMON: dict[str, Any] = {
    "do_resize": True,
    "do_center_crop": False,
    "do_rescale": True,
    "do_normalize": True,
    "do_pad": False,
    "rescale_factor": 1 / _BYTE,
    "rescale_offset": False,
    "include_top": False,
    "resample": 3,
    "image_mean": _CLIP_MEAN,
    "image_std": _CLIP_STD,
}
_SUFFIXES = ("Fast", "Pil", "ImageProcessor", "FeatureExtractor")


def read_spec(folder: Path) -> ImageSpec:
    """Read how images are prepared; raises BrokenModel naming the file and the key."""
    for file in (PREPROCESSOR, PROCESSOR):
        path = folder / file
        if not path.is_file():
            continue
        written = read_json(path)
        if isinstance(written, dict) and file == PROCESSOR:
            written = written.get("image_processor")
        if isinstance(written, dict):
            return parse(written, str(path))
    raise BrokenModel(f"{folder} has no {PREPROCESSOR}, which says how images are prepared")


def parse(written: Mapping[str, Any], where: str) -> ImageSpec:
    """Return the spec of an image processor's table; raises BrokenModel naming the key."""
    kind = _kind(written, where)
    table = _COMMON | dict(kind.defaults) | {k: v for k, v in written.items() if v is not None}
    for key in ("do_resize", "do_rescale"):
        if table[key] is not True:
            raise BrokenModel(f"{where}: {key} is {table[key]!r}, which is not supported")
    if table["do_pad"] and table.get("pad_size"):  # without a size, squares need no padding
        raise BrokenModel(f"{where}: pad_size {table['pad_size']!r} is not supported")
    resized, squash = _resized(table["size"], kind, where)
    size, crop = resized, 0
    if table["do_center_crop"]:
        size, crop = _crop_side(table.get("crop_size"), where), resized
    if size > resized:
        raise BrokenModel(f"{where}: crop_size {size} is larger than size {resized}")
    if not squash and not crop:
        raise BrokenModel(f"{where}: do_center_crop is missing: the images would not be square")
    mean, std = _scale(table, where)
    resample = table["resample"]
    if type(resample) is not int or resample not in _INTERPOLATIONS:
        raise BrokenModel(f"{where}: resample {resample!r} is not one of 0 to 3")
    resize: Literal["squash", "shortest"] = "squash" if squash else "shortest"
    return ImageSpec(size, mean, std, _INTERPOLATIONS[resample], resize, crop=crop)


def _kind(written: Mapping[str, Any], where: str) -> ImageProcessor:
    name = written.get("image_processor_type", written.get("feature_extractor_type"))
    kind = str(name)
    for suffix in _SUFFIXES:
        kind = kind.removesuffix(suffix)
    known = image_processors()
    if kind not in known:
        classes = ", ".join(f"{one}ImageProcessor" for one in known)
        raise BrokenModel(f"{where}: image_processor_type {name!r} is not supported: {classes} are")
    return known[kind]


def _resized(size: Any, kind: ImageProcessor, where: str) -> tuple[int, bool]:
    """Return the side that images are resized to, and whether both sides become it."""
    if isinstance(size, int):  # as written before transformers 4.22
        return _side(size, "size", where), "shortest_edge" not in kind.defaults["size"]
    table = size if isinstance(size, Mapping) else {}
    if table.get("shortest_edge") and not table.get("longest_edge"):
        return _side(table["shortest_edge"], "size", where), False
    return _square(size, "size", where), True


def _crop_side(crop: Any, where: str) -> int:
    if isinstance(crop, int):
        return _side(crop, "crop_size", where)
    return _square(crop, "crop_size", where)


def _square(written: Any, key: str, where: str) -> int:
    table = written if isinstance(written, Mapping) else {}
    if not table.get("height") or table.get("height") != table.get("width"):
        raise BrokenModel(f"{where}: {key} {written!r} is not a square; only square is supported")
    return _side(table["height"], key, where)


def _side(written: Any, key: str, where: str) -> int:
    if type(written) is not int or not 0 < written <= LARGEST_SIDE:
        raise BrokenModel(f"{where}: {key} {written!r} is not 1 to {LARGEST_SIDE} pixels")
    return written


Channels = tuple[float, float, float]


def _scale(table: Mapping[str, Any], where: str) -> tuple[Channels, Channels]:
    """Combine rescaling, its offset and one or two normalisations into one mean and deviation.

    A byte b becomes b * factor - offset, then (that - mean) / std, then, with the head of
    EfficientNet, that / std once more; here b/255 takes one subtraction and one division.
    """
    factor = _number(table["rescale_factor"], "rescale_factor", where) * _BYTE
    offset = 1.0 if table["rescale_offset"] else 0.0
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if table["do_normalize"]:
        mean = _channels(table["image_mean"], "image_mean", where)
        std = _channels(table["image_std"], "image_std", where, lowest=1e-6)
    last = (1.0, 1.0, 1.0)
    if table["include_top"]:
        last = _channels(table["image_std"], "image_std", where, lowest=1e-6)
    means = tuple((offset + value) / factor for value in mean)
    deviations = tuple(a * b / factor for a, b in zip(std, last, strict=True))
    return (means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2])


def _number(written: Any, key: str, where: str) -> float:
    if type(written) not in (int, float) or not (math.isfinite(written) and written > 0):
        raise BrokenModel(f"{where}: {key} {written!r} is not a number above 0")
    return float(written)


def _channels(written: Any, key: str, where: str, lowest: float = -math.inf) -> Channels:
    values = written if isinstance(written, (list, tuple)) else [written] * 3
    sound = [
        float(value)
        for value in values
        if type(value) in (int, float) and math.isfinite(value) and value >= lowest
    ]
    if len(sound) != 3 or len(values) != 3:
        raise BrokenModel(f"{where}: {key} {written!r} is not three numbers")
    return sound[0], sound[1], sound[2]
