import pytest

from indexer.models.families import FAMILIES, family_of
from storage.errors import BrokenModel


@pytest.mark.parametrize("name", FAMILIES)
def test_a_supported_architecture_is_known_without_its_parts(name: str) -> None:
    assert family_of({"architectures": [name]}, "config.json").architecture == name


@pytest.mark.parametrize("listed", [None, [], "CLIPModel", ["T5Model"], [5]])
def test_others_are_refused_by_name(listed: object) -> None:
    with pytest.raises(BrokenModel, match=r"config\.json: .* not supported; CLIPModel, "):
        family_of({"architectures": listed}, "config.json")


def test_a_part_that_could_fetch_or_unpickle_is_refused() -> None:
    tower = {"model_type": "timm_wrapper", "architecture": "hf-hub:some/repository"}
    config = {"architectures": ["LlavaForConditionalGeneration"], "vision_config": tower}
    with pytest.raises(BrokenModel, match=r"vision_config of 'timm_wrapper' .* clip_vision_model"):
        family_of(config, "config.json")


@pytest.mark.parametrize("kind", ["llama", "opt", "t5"])
def test_instructblip_may_speak_through_either_kind_of_language_model(kind: str) -> None:
    name = "InstructBlipForConditionalGeneration"
    config = {"architectures": [name], "text_config": {"model_type": kind}}
    assert family_of(config, "config.json").architecture == name
