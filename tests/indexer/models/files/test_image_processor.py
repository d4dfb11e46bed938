import json
from pathlib import Path
from typing import Any

import pytest

from indexer.models.files.image_processor import parse, read_spec
from indexer.models.protocols import ImageSpec
from storage.errors import BrokenModel

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
CLIP: dict[str, Any] = {"feature_extractor_type": "CLIPFeatureExtractor", "resample": 3}


def test_the_files_of_2021_are_read() -> None:
    """As OpenAI's CLIP is published: whole numbers for sizes, the class's old name."""
    written = CLIP | {
        "crop_size": 224,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "image_mean": list(MEAN),
        "image_std": list(STD),
        "size": 224,
    }
    assert parse(written, "x") == ImageSpec(224, MEAN, STD, crop=224)


def test_blip_squashes() -> None:
    written = {
        "image_processor_type": "BlipImageProcessor",
        "do_pad": True,
        "size": {"height": 384, "width": 384},
        "size_divisor": 32,
    }
    assert parse(written, "x") == ImageSpec(384, MEAN, STD, resize="squash")


def test_align_squashes_crops_and_folds_its_offset_into_the_mean() -> None:
    written = {
        "image_processor_type": "EfficientNetImageProcessor",
        "crop_size": {"height": 289, "width": 289},
        "size": {"height": 346, "width": 346},
        "do_center_crop": True,
        "do_normalize": False,
        "include_top": False,
        "resample": 2,
        "rescale_factor": 1 / 127.5,
        "rescale_offset": True,
    }
    spec = parse(written, "x")
    assert (spec.size, spec.crop, spec.resize) == (289, 346, "squash")
    assert spec.interpolation == "bilinear"
    assert spec.mean == pytest.approx((0.5, 0.5, 0.5))
    assert spec.std == pytest.approx((0.5, 0.5, 0.5))


def test_the_head_of_efficientnet_divides_once_more() -> None:
    written = {"image_processor_type": "EfficientNetImageProcessor", "image_std": [0.2, 0.25, 0.5]}
    spec = parse(written, "x")
    assert spec.size == 346
    assert spec.mean == pytest.approx((0.5, 0.5, 0.5))
    assert spec.std == pytest.approx((0.04, 0.0625, 0.25))


def test_either_file_is_read(tmp_path: Path) -> None:
    blip = {"image_processor_type": "BlipImageProcessorFast", "size": {"height": 32, "width": 32}}
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": blip}))
    assert read_spec(tmp_path).size == 32
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(blip | {"size": 48}))
    assert read_spec(tmp_path) == ImageSpec(48, MEAN, STD, resize="squash")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"feature_extractor_type": "DetrFeatureExtractor"}, "DetrFeatureExtractor"),
        ({"do_resize": False}, "do_resize"),
        ({"do_rescale": 0}, "do_rescale"),
        ({"do_center_crop": False}, "would not be square"),
        ({"do_pad": True, "pad_size": {"height": 9, "width": 9}}, "pad_size"),
        ({"resample": 5}, "resample"),
        ({"resample": [3]}, "resample"),
        ({"size": {"height": 224, "width": 112}}, "only square"),
        ({"size": {"shortest_edge": 8, "longest_edge": 9}}, "only square"),
        ({"size": "large"}, "only square"),
        ({"size": 0}, "size 0"),
        ({"size": True}, "size True"),
        ({"size": 5000}, "4096"),
        ({"size": 100}, "crop_size 224 is larger"),
        ({"crop_size": {"height": 3}}, "crop_size"),
        ({"image_mean": [0.5, 0.5]}, "image_mean"),
        ({"image_mean": "grey"}, "image_mean"),
        ({"image_std": [0.5, 0.5, 0]}, "image_std"),
        ({"image_std": [0.5, 0.5, float("nan")]}, "image_std"),
        ({"rescale_factor": 0}, "rescale_factor"),
        ({"rescale_factor": "1/255"}, "rescale_factor"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BrokenModel, match=f"here: .*{said}"):
        parse(CLIP | change, "here")


@pytest.mark.parametrize("written", ["", "[]", "{", '{"image_processor": 5}'])
def test_a_file_that_says_nothing_is_a_broken_model(tmp_path: Path, written: str) -> None:
    (tmp_path / "processor_config.json").write_text(written)
    with pytest.raises(BrokenModel, match="config"):
        read_spec(tmp_path)
