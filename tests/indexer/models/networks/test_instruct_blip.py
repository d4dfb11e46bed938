import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken
from transformers.models.instructblip.modeling_instructblip import (
    InstructBlipForConditionalGeneration,
)
from transformers.models.instructblip.processing_instructblip import InstructBlipProcessor

from indexer.models.networks.instruct_blip import InstructBlip
from storage.errors import BrokenModel, InvalidArgument
from tests.indexer.models import tiny_readers as tiny

pytestmark = pytest.mark.usefixtures("briefly")
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module", params=["llama", "opt", "t5"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_instruct_blip(tmp_path_factory.mktemp("instruct"), request.param)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_instruct_blip(tmp_path_factory.mktemp("instruct"), "llama")


@pytest.fixture(scope="module")
def reader(llama: Path) -> InstructBlip:
    return InstructBlip.load(tiny.checkpoint(llama), "cpu")


def compare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare with the library's own class and processor, asked one by one."""
    reader = InstructBlip.load(tiny.checkpoint(folder), "cpu")
    made = tiny.watch(reader, monkeypatch)
    pixels = tiny.images(len(tiny.QUESTIONS), reader.image_spec.size)
    reader.answer(pixels, tiny.QUESTIONS)
    network = tiny.library(InstructBlipForConditionalGeneration, folder)
    build: Any = InstructBlipProcessor
    processor = build(
        tiny.image_processor(folder),
        tiny.tokenizer(folder),
        tiny.tokenizer(folder / "qformer_tokenizer"),
        num_query_tokens=network.config.num_query_tokens,
    )
    # The processor cannot use the token's name where the tokenizer brings it.
    processor.image_token = AddedToken("<image>", normalized=False, special=True)
    end = network.config.text_config.eos_token_id
    for number, image in enumerate(tiny.planes(folder, pixels)):
        asked = processor(text=tiny.QUESTIONS[number], images=pixels[number], return_tensors="pt")
        prompt = asked.input_ids
        torch.testing.assert_close(asked.pixel_values[0], image)
        inputs = {key: value for key, value in asked.items() if key != "token_type_ids"}
        theirs = tiny.generated(network, made[0].shape[1] - 1, **inputs)
        if network.config.use_decoder_only_language_model:
            assert torch.equal(theirs[:, : prompt.shape[1]], prompt)
            theirs = theirs[:, prompt.shape[1] :]
        assert tiny.ended(made[0][number : number + 1], end) == tiny.ended(theirs, end)


def test_token_ids_are_those_of_the_library(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(folder, monkeypatch)


def test_token_ids_of_the_shipped_model_are_those_of_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(InstructBlip, "max_new_tokens", 40)
    compare(tiny.MINIS / "instructblip", monkeypatch)


def test_the_queries_hear_the_question(reader: InstructBlip) -> None:
    with torch.inference_mode():
        pixel_values = reader._pixel_values(tiny.images(1), torch.arange(1))
        seen = [
            reader._network.get_image_features(pixel_values, torch.tensor([heard])).pooler_output
            for heard in reader._qformer_ids(tiny.QUESTIONS[:2])
        ]
    assert not torch.allclose(seen[0], seen[1], atol=1e-3)


def test_a_description_follows_the_instruction(
    llama: Path, reader: InstructBlip, tmp_path: Path
) -> None:
    usual = "Write a short description for the image."
    assert reader.describe(tiny.images()) == reader.answer(tiny.images(), [usual] * 5)
    own = tiny.copied(llama, tmp_path / "own")
    table = {"describe": "what is the kite", "answer": "how many {question} ?"}
    (own / "prompt.json").write_text(json.dumps(table))
    other = InstructBlip.load(tiny.checkpoint(own), "cpu")
    assert other.describe(tiny.images()) == reader.answer(tiny.images(), ["what is the kite"] * 5)
    asked = reader.answer(tiny.images(1), ["how many blue ?"])
    assert other.answer(tiny.images(1), ["blue"]) == asked


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("how many <image>?", "may not hold <image>, which stands for an image"),
        ("red " * 200, "takes 205 tokens with its images and the model holds 128"),
    ],
)
def test_a_question_that_it_cannot_hold_is_refused(
    reader: InstructBlip, question: str, message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        reader.answer(tiny.images(1), [question])


def test_an_answer_ends_where_the_model_can_hold_no_more(reader: InstructBlip) -> None:
    (text,) = reader.answer(tiny.images(1), ["red " * 120])
    assert len(text.split()) <= 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(image_token_index=None), "gives image_token_index as None"),
        (lambda c: c.update(image_token_index=4000), "gives image_token_index as 4000"),
        (lambda c: c.update(num_query_tokens=5), "spoilt"),
    ],
)
def test_a_configuration_that_does_not_fit_is_a_broken_model(
    llama: Path, tmp_path: Path, change: Change, message: str
) -> None:
    spoilt = tiny.copied(llama, tmp_path / "spoilt")
    table = json.loads((spoilt / "config.json").read_bytes())
    change(table)
    (spoilt / "config.json").write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match=message):
        InstructBlip.load(tiny.checkpoint(spoilt), "cpu")


def test_a_missing_tokenizer_of_the_q_former_is_named(llama: Path, tmp_path: Path) -> None:
    spoilt = tiny.copied(llama, tmp_path / "spoilt")
    (spoilt / "qformer_tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(BrokenModel, match="qformer_tokenizer has no vocabulary"):
        InstructBlip.load(tiny.checkpoint(spoilt), "cpu")


@pytest.mark.parametrize(
    ("place", "part"), [(".", "text stack"), ("qformer_tokenizer", "Q-Former")]
)
def test_a_tokenizer_of_another_model_is_a_broken_model(
    llama: Path, tmp_path: Path, place: str, part: str
) -> None:
    spoilt = tiny.copied(llama, tmp_path / "spoilt")
    path = spoilt / place / "tokenizer.json"
    table = json.loads(path.read_bytes())
    table["model"]["vocab"]["foreign"] = 4000
    path.write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match=f"has 4001 tokens and its {part} only"):
        InstructBlip.load(tiny.checkpoint(spoilt), "cpu")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_the_published_q_former_loads_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    compare(tiny.write_large_instruct_blip(tmp_path, kind), monkeypatch)
