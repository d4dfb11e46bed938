from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.blip.modeling_blip import (
    BlipForConditionalGeneration,
    BlipForQuestionAnswering,
)

from indexer.models.networks.blip_caption import BlipCaptioner
from storage.errors import BrokenModel
from tests.indexer.models.tiny_readers import (
    checkpoint,
    copied,
    ended,
    library,
    pictures,
    planes,
    watch,
    write_blip,
)

pytestmark = pytest.mark.usefixtures("briefly")
LIMITS = {"blip_caption": 12}
SHIPPED = "caption"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blip(BlipForConditionalGeneration, tmp_path_factory.mktemp("caption"))


@pytest.fixture(scope="module")
def captioner(folder: Path) -> BlipCaptioner:
    return BlipCaptioner.load(checkpoint(folder), "cpu")


def test_token_ids_are_those_of_the_library(both: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captioner = BlipCaptioner.load(checkpoint(both), "cpu")
    made = watch(captioner, monkeypatch)
    pixels = pictures(6, captioner.pictures.size)
    captioner.describe(pixels)
    network = library(BlipForConditionalGeneration, both)
    theirs = network.generate(
        pixel_values=planes(both, pixels),
        do_sample=False,
        num_beams=1,
        max_new_tokens=made[0].shape[1],
    )
    end = network.config.text_config.sep_token_id
    assert ended(made[0], end) == ended(theirs[:, 1:], end)


def test_a_caption_does_not_depend_on_its_batch(captioner: BlipCaptioner) -> None:
    together = captioner.describe(pictures(6))
    assert len(together) == 6
    assert all(text == text.strip() for text in together)
    assert len(set(together)) > 1
    assert [captioner.describe(one[None])[0] for one in pictures(6)] == together


def test_memory_that_runs_out_halves_the_batch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captioner = BlipCaptioner.load(checkpoint(folder), "cpu")
    whole = captioner.describe(pictures(5))
    generate, sizes = captioner._network.generate, []

    def short(pixel_values: torch.Tensor, **settings: Any) -> Any:
        sizes.append(len(pixel_values))
        if len(pixel_values) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate(pixel_values=pixel_values, **settings)

    monkeypatch.setattr(captioner._network, "generate", short)
    assert captioner.describe(pictures(5)) == whole
    assert sizes == [5, 2, 2, 1]


def test_a_checkpoint_that_asks_for_sampling_is_greedy_all_the_same(
    folder: Path, tmp_path: Path, captioner: BlipCaptioner
) -> None:
    warm = copied(folder, tmp_path / "warm")
    (warm / "generation_config.json").write_text(
        '{"do_sample": true, "temperature": 9.0, "num_beams": 3, "max_length": 3}'
    )
    other = BlipCaptioner.load(checkpoint(warm), "cpu")
    assert other.describe(pictures()) == captioner.describe(pictures())


def test_a_model_that_says_nothing_gives_an_empty_caption(folder: Path) -> None:
    captioner = BlipCaptioner.load(checkpoint(folder), "cpu")
    end = captioner._network.config.text_config.sep_token_id
    captioner._network.text_decoder.cls.predictions.bias[end] = 1e4
    assert captioner.describe(pictures(2)) == ["", ""]


def test_a_broken_checkpoint_is_named(tmp_path: Path, folder: Path) -> None:
    other = write_blip(BlipForQuestionAnswering, tmp_path / "vqa")
    with pytest.raises(BrokenModel, match="is a BlipForQuestionAnswering, and this needs a"):
        BlipCaptioner.load(checkpoint(other), "cpu")
    spoilt = copied(folder, tmp_path / "spoilt")
    (spoilt / "model.safetensors").write_bytes(b"\x00" * 99)
    with pytest.raises(BrokenModel, match="spoilt"):
        BlipCaptioner.load(checkpoint(spoilt), "cpu")


@pytest.mark.slow
def test_a_full_size_captioner_loads_and_describes(tmp_path: Path) -> None:
    from tests.indexer.models.tiny_readers import write_full_blip

    captioner = BlipCaptioner.load(
        checkpoint(write_full_blip(BlipForConditionalGeneration, tmp_path)), "cpu"
    )
    assert len(captioner.describe(pictures(2, 384))) == 2
