"""Models are described from their files' heads, and from what is known where no file is here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from indexer.models import names
from indexer.models.files import hub
from indexer.models.info.architecture import Architecture, describe_architecture, millions
from storage.errors import BrokenModel, Hint, UnknownModel

# What the library would write: differences from its class, and little else.
VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 64}
WORDS = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 90}
LLAMA = WORDS | {"model_type": "llama", "intermediate_size": 64}
PICTURES = {"image_processor_type": "BlipImageProcessor", "size": {"height": 64, "width": 64}}
TENSORS = {
    "vision_model.a": (3, 4),
    "text_encoder.a": (5, 2),
    "text_encoder.b": (5,),
    "itm_head.weight": (2, 3),
    "model.multi_modal_projector.a": (7,),
    "strange_thing.a": (1,),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a tiny BLIP matching model, its weights but a few small tensors."""
    return written(tmp_path / "tiny", "BlipForImageTextRetrieval")


def written(folder: Path, architecture: str, **config: Any) -> Path:
    folder.mkdir()
    table = {
        "architectures": [architecture],
        "vision_config": VISION | {"patch_size": 8},
        "text_config": WORDS,
        **config,
    }
    (folder / "config.json").write_text(json.dumps(table))
    (folder / "preprocessor_config.json").write_text(json.dumps(PICTURES))
    tokenizer = {
        "model": {"vocab": {"[PAD]": 0, "red": 7, "[SEP]": 102}},
        "added_tokens": [{"id": 80, "content": "<image>"}],
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    tensors = {name: np.zeros(shape, np.float16) for name, shape in TENSORS.items()}
    save_file(tensors, folder / "model.safetensors")
    return folder


def rows(described: Architecture, title: str) -> dict[str, str]:
    return next(dict(section.rows) for section in described.sections if section.title == title)


def test_a_transformers_folder_is_described_with_its_classes_defaults(folder: Path) -> None:
    described = describe_architecture(str(folder))
    assert described.family == "BlipForImageTextRetrieval" and described.notice == ""
    vision, text = rows(described, "vision"), rows(described, "text")
    assert (vision["layers"], vision["width"], vision["heads"]) == ("2", "32", "4")
    assert (vision["patch"], vision["image"]) == ("8 × 8 pixels", "64 × 64 pixels")
    assert vision["tokens"] == "64 patches + 1"
    assert (vision["activation"], vision["norm eps"]) == ("gelu", "1e-05")  # of the class
    assert (text["layers"], text["vocabulary"], text["positions"]) == ("3", "90 tokens", "512")
    assert text["norm eps"] == "1e-12"
    assert "pad 0 [PAD]" in text["special tokens"] and "sep 102 [SEP]" in text["special tokens"]
    assert rows(described, "joined by")["common space"] == "256 wide"
    assert rows(described, "pictures")["size"] == "64 × 64 pixels"


def test_parameters_are_counted_by_part_from_the_head_of_the_weights(folder: Path) -> None:
    assert rows(describe_architecture(str(folder)), "parameters") == {
        "text encoder": "15",
        "vision tower": "12",
        "projector": "7",
        "matching head": "6",
        "strange thing": "1",
        "together": "41",
    }


def test_a_folder_without_its_weights_says_what_is_lacking(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    described = describe_architecture(str(folder))
    assert described.notice.startswith("model.safetensors is not there")
    assert rows(described, "vision")["layers"] == "2"
    assert "parameters" not in {section.title for section in described.sections}


def test_damaged_weights_and_configurations_are_named(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 30)
    with pytest.raises(BrokenModel, match="model.safetensors is damaged"):
        describe_architecture(str(folder))
    (folder / "config.json").write_text(
        '{"architectures": ["BlipForImageTextRetrieval"], "text_config": 3}'
    )
    with pytest.raises(BrokenModel, match="config.json"):
        describe_architecture(str(folder))


def test_llava_tells_its_projector_and_which_features_it_takes(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "llava",
        "LlavaForConditionalGeneration",
        vision_config=VISION | {"patch_size": 16, "model_type": "clip_vision_model"},
        text_config=LLAMA,
        image_token_index=80,
        vision_feature_layer=-1,
    )
    described = describe_architecture(str(folder))
    assert rows(described, "joined by") == {
        "projector": "two layers, 32 → 32 → 32, gelu",
        "feature layer": "-1",
        "feature strategy": "default",
        "image token": "80 <image>",
        "tokens a picture": "576",
    }
    assert rows(described, "text")["kind"] == "llama"


@pytest.mark.parametrize(
    ("words", "activation", "positions"),
    [
        (LLAMA, "silu", "2,048"),
        (
            {"model_type": "t5", "d_model": 32, "num_layers": 2, "num_heads": 2, "vocab_size": 90},
            "relu",
            "relative, 32 buckets",
        ),
    ],
)
def test_instructblip_tells_its_queries_with_both_kinds_of_language_model(
    tmp_path: Path, words: dict[str, Any], activation: str, positions: str
) -> None:
    folder = written(
        tmp_path / "instruct",
        "InstructBlipForConditionalGeneration",
        text_config=words,
        qformer_config={"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 91},
        num_query_tokens=4,
        image_token_index=80,
    )
    (folder / "qformer_tokenizer").mkdir()
    (folder / "qformer_tokenizer" / "tokenizer.json").write_text("{}")
    described = describe_architecture(str(folder))
    former = rows(described, "Q-Former")
    assert (former["queries"], former["layers"], former["vocabulary"]) == ("4", "2", "91 tokens")
    assert rows(described, "joined by")["projector"] == "one layer, 32 → 32"
    text = rows(described, "text")
    assert (text["activation"], text["positions"]) == (activation, positions)


def test_align_tells_its_blocks(tmp_path: Path) -> None:
    folder = written(tmp_path / "align", "AlignModel", vision_config={}, projection_dim=48)
    described = describe_architecture(str(folder))
    vision = rows(described, "vision")
    assert (vision["blocks"], vision["depth coefficient"], vision["pooling"]) == (
        "55",
        "3.1",
        "mean",
    )
    assert rows(described, "joined by")["common space"] == "48 wide"


def test_the_shipped_mini_is_described_from_its_open_clip_files() -> None:
    described = describe_architecture("mini")
    assert rows(described, "vision")["layers"] == "6"
    assert rows(described, "text")["vocabulary"] == "751 tokens"
    assert rows(described, "joined by")["common space"] == "128 wide"
    counted = rows(described, "parameters")
    assert counted["together"] == "2.15 M" and counted["temperature"] == "1"


@pytest.fixture
def nothing_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no file of the hub is."""
    monkeypatch.setattr(hub, "cached", lambda *_: None)


@pytest.mark.usefixtures("nothing_fetched")
def test_a_published_tag_that_is_not_here_is_described_from_what_is_known() -> None:
    described = describe_architecture("clip-b32")
    assert described.notice == "its files are not on this machine: fetch them first"
    assert described.hint == Hint("pull", "clip-b32")
    vision, text = rows(described, "vision"), rows(described, "text")
    assert (vision["layers"], vision["heads"], vision["patch"]) == ("12", "12", "32 × 32 pixels")
    assert (text["vocabulary"], text["positions"]) == ("49,408 tokens", "77")
    assert text["special tokens"] == "start 49406, end 49407"
    assert rows(described, "model")["licence"] == "MIT"


@pytest.mark.slow  # builds a network of timm's on the meta device
@pytest.mark.usefixtures("nothing_fetched")
def test_a_tower_of_timm_is_measured_without_its_weights() -> None:
    vision = rows(describe_architecture("siglip-b16"), "vision")
    assert (vision["layers"], vision["width"], vision["norm eps"]) == ("12", "768", "1e-06")
    assert vision["pooling"] == "map"


@pytest.mark.usefixtures("nothing_fetched")
def test_a_published_model_of_the_hub_that_is_not_here_says_how_to_get_it() -> None:
    described = describe_architecture("llava-7b")
    assert described.family == "LlavaForConditionalGeneration"
    assert described.notice == "its files are not on this machine: fetch them first"
    assert described.hint == Hint("pull", "llava-7b")
    assert rows(described, "model")["repository"] == "llava-hf/llava-1.5-7b-hf"
    assert rows(described, "parameters")["together"] == "7.06 B"
    vision, joined = rows(described, "vision"), rows(described, "joined by")
    assert (vision["layers"], vision["image"]) == ("24", "336 × 336 pixels")
    assert (joined["feature layer"], joined["image token"]) == ("-2", "32000")


PUBLISHED = [entry.name for entry in names() if entry.source.startswith("hf:")]


@pytest.mark.usefixtures("nothing_fetched")
@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_model_of_the_hub_is_described_before_it_is_here(name: str) -> None:
    titles = [section.title for section in describe_architecture(name).sections]
    assert {"model", "vision", "text", "joined by", "parameters"} <= set(titles)


def test_a_model_without_weights_and_a_name_of_nothing() -> None:
    assert describe_architecture("stand-in").notice == "it has no weights"
    with pytest.raises(UnknownModel, match="clip-b32"):
        describe_architecture("clip-b33")


@pytest.mark.parametrize(
    "change",
    [
        {"vision_config": {"patch_size": [8, 8]}},
        {"vision_config": {"image_size": None}},
        {"vision_config": []},
        {"vision_config": {"patch_size": 0}},
        {"text_config": {"vocab_size": None}},
        {"text_config": "x"},
    ],
)
def test_odd_values_in_a_configuration_are_a_broken_model(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = written(tmp_path / "odd", "BlipForConditionalGeneration", **change)
    with pytest.raises(BrokenModel, match=r"config\.json does not describe a Blip") as caught:
        describe_architecture(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"vision_cfg": [1]},
        {"vision_cfg": {"head_width": 0}},
        {"vision_cfg": {"patch_size": [8]}},
        {"vision_cfg": {"timm_model_name": "no-such-network"}},
        {"text_cfg": "x"},
        {"text_cfg": {"norm_kwargs": [1]}},
    ],
)
def test_odd_values_in_a_configuration_of_open_clip_are_a_broken_model(
    tiny: Path, change: dict[str, Any]
) -> None:
    path = tiny / "open_clip_config.json"
    table = json.loads(path.read_bytes())
    table["model_cfg"] |= change
    path.write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match=r"config\.json does not describe two towers"):
        describe_architecture(str(tiny))


def test_a_tower_of_siglip_has_patches_alone(tmp_path: Path) -> None:
    tower = VISION | {"patch_size": 16, "model_type": "siglip_vision_model"}
    folder = written(
        tmp_path / "llava", "LlavaForConditionalGeneration", vision_config=tower, text_config=LLAMA
    )
    assert rows(describe_architecture(str(folder)), "vision")["tokens"] == "16 patches"


def test_a_licence_is_read_off_the_card_of_a_folder(folder: Path) -> None:
    assert rows(describe_architecture(str(folder)), "model")["licence"] == "not stated"
    (folder / "README.md").write_text("---\ntags: [a]\nlicense: mit\n---\n# A card\n")
    assert rows(describe_architecture(str(folder)), "model")["licence"] == "mit"


def test_our_defaults_are_those_of_open_clip() -> None:
    from open_clip.model import (  # type: ignore[import-untyped]
        CLIPTextCfg,
        CLIPVisionCfg,
    )

    from indexer.models.info.open_clip_architecture import TEXT, VISION

    vision, text = CLIPVisionCfg(), CLIPTextCfg()
    assert VISION == {key: getattr(vision, key) for key in VISION}
    assert TEXT == {key: getattr(text, key) for key in TEXT}


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "1"), (16_384, "16.4 k"), (2_150_000, "2.15 M"), (151_280_000, "151 M")],
)
def test_numbers_are_written_as_papers_write_them(count: int, said: str) -> None:
    assert millions(count) == said
