from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from indexer.models.files.open_clip_config import OpenClipConfig
from storage.errors import BrokenModel

STOCK: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 8,
        "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "patch_size": 32},
        "text_cfg": {"layers": 1, "width": 64},
    }
}
Edit = Callable[[dict[str, Any]], object]


def edited(edit: Edit) -> dict[str, Any]:
    config = deepcopy(STOCK)
    config.setdefault("preprocess_cfg", {})
    edit(config)
    return config


def test_what_a_configuration_leaves_out_is_what_open_clip_takes() -> None:
    import open_clip  # type: ignore[import-untyped]

    config = OpenClipConfig.parse(STOCK, "here")
    spec = config.image_spec
    assert spec.mean == open_clip.OPENAI_DATASET_MEAN
    assert spec.std == open_clip.OPENAI_DATASET_STD
    assert (spec.size, spec.interpolation, spec.resize, spec.fill) == (64, "bicubic", "shortest", 0)
    defaults = open_clip.CLIPTextCfg()
    assert (config.context, config.vocabulary) == (defaults.context_length, defaults.vocab_size)


def test_one_number_for_three_channels_is_spread() -> None:
    config = OpenClipConfig.parse(
        edited(lambda c: c["preprocess_cfg"].update(mean=0.5, std=1)), "here"
    )
    assert config.image_spec.mean == (0.5, 0.5, 0.5)
    assert config.image_spec.std == (1.0, 1.0, 1.0)


def test_a_square_may_be_written_as_two_sides() -> None:
    config = edited(lambda c: c["model_cfg"]["vision_cfg"].update(image_size=[96, 96]))
    assert OpenClipConfig.parse(config, "here").image_spec.size == 96


def test_pretrained_parts_are_never_fetched_on_the_side() -> None:
    asks = {"timm_model_name": "vit_tiny_patch16_224", "timm_model_pretrained": True}
    config = OpenClipConfig.parse(
        edited(lambda c: c["model_cfg"]["vision_cfg"].update(asks)), "here"
    )
    assert config.network["vision_cfg"]["timm_model_pretrained"] is False


def test_the_given_configuration_is_left_as_it_was() -> None:
    config = deepcopy(STOCK)
    OpenClipConfig.parse(config, "here")
    assert config == STOCK


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda c: c.pop("model_cfg"), "model_cfg is missing"),
        (lambda c: c["model_cfg"].pop("vision_cfg"), "vision_cfg is missing"),
        (lambda c: c["model_cfg"].update(text_cfg=3), "text_cfg is not a table"),
        (lambda c: c["model_cfg"].pop("embed_dim"), "embed_dim"),
        (lambda c: c["model_cfg"].update(embed_dim="8"), "embed_dim"),
        (lambda c: c["model_cfg"].update(multimodal_cfg={}), "multimodal_cfg"),
        (lambda c: c["model_cfg"]["vision_cfg"].update(image_size=[64, 96]), "not a square"),
        (lambda c: c["model_cfg"]["vision_cfg"].update(image_size=10**9), "above 4096"),
        (lambda c: c["model_cfg"]["vision_cfg"].update(timm_model_name="hf-hub:a/b"), "plain name"),
        (lambda c: c["model_cfg"]["text_cfg"].update(hf_model_name="bert"), "not supported yet"),
        (lambda c: c["model_cfg"]["text_cfg"].update(vocab_size=500), "bpe_path"),
        (
            lambda c: c["model_cfg"]["text_cfg"].update(tokenizer_kwargs={"reduction_mask": "x"}),
            "reduction_mask",
        ),
        (lambda c: c["preprocess_cfg"].update(mode="L"), "not RGB"),
        (lambda c: c["preprocess_cfg"].update(interpolation="lanczos"), "lanczos"),
        (lambda c: c["preprocess_cfg"].update(resize_mode="tile"), "tile"),
        (lambda c: c["preprocess_cfg"].update(mean=[0.5, 0.5]), "three numbers"),
        (lambda c: c["preprocess_cfg"].update(std=[0.5, 0.5, 0]), "three numbers"),
        (lambda c: c["preprocess_cfg"].update(fill_color=300), "fill_color"),
    ],
)
def test_a_configuration_that_cannot_be_kept_to_names_the_key(edit: Edit, message: str) -> None:
    with pytest.raises(BrokenModel, match=message) as caught:
        OpenClipConfig.parse(edited(edit), "here.json")
    assert str(caught.value).startswith("here.json: ")
    assert "\n" not in str(caught.value)


def _with_bpe(written: object) -> dict[str, Any]:
    options = {"tokenizer_kwargs": {"bpe_path": written}, "vocab_size": 600}
    return edited(lambda c: c["model_cfg"]["text_cfg"].update(options))


def test_the_vocabulary_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "bpe.txt.gz").touch()
    assert (
        OpenClipConfig.parse(_with_bpe("bpe.txt.gz"), "here", tmp_path).bpe
        == tmp_path / "bpe.txt.gz"
    )


@pytest.mark.parametrize("written", ["../bpe.txt.gz", "/etc/passwd", "sub/../../bpe.txt.gz"])
def test_a_vocabulary_file_outside_the_directory_is_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "bpe.txt.gz").touch()
    (tmp_path / "model").mkdir()
    with pytest.raises(BrokenModel, match="leads out"):
        OpenClipConfig.parse(_with_bpe(written), "here", tmp_path / "model")


def test_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").touch()
    (tmp_path / "model" / "bpe.txt.gz").symlink_to(tmp_path / "secret")
    with pytest.raises(BrokenModel, match="leads out"):
        OpenClipConfig.parse(_with_bpe("bpe.txt.gz"), "here", tmp_path / "model")


@pytest.mark.parametrize("written", ["missing.gz", 3])
def test_a_vocabulary_file_that_is_not_there_is_a_broken_model(
    tmp_path: Path, written: object
) -> None:
    with pytest.raises(BrokenModel, match="bpe_path"):
        OpenClipConfig.parse(_with_bpe(written), "here", tmp_path)
