import json
from pathlib import Path
from typing import Any

import pytest
from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration
from transformers.models.llava.processing_llava import LlavaProcessor

from indexer.models.networks.llava import Llava
from indexer.models.protocols import Turn
from storage.errors import BrokenModel, InvalidArgument
from tests.indexer.models import tiny_readers as tiny

pytestmark = pytest.mark.usefixtures("briefly")
SHIPPED = "llava"
TURNS = [
    Turn("person", "what colour is the kite ?"),
    Turn("model", "red"),
    Turn("person", "how many ?"),
]
# As Llava 1.5's, where a reply ends with the end token.
WRITTEN = (
    "USER: <image>\n<image>\nwhat colour is the kite ? ASSISTANT: red</s>"
    "USER: how many ? ASSISTANT:"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="module")
def reader(folder: Path) -> Llava:
    return Llava.load(tiny.checkpoint(folder), "cpu")


def theirs(folder: Path, pixels: Any, text: str, most: int) -> list[list[int]]:
    """Generate with the library's own class and processor."""
    network = tiny.library(LlavaForConditionalGeneration, folder)
    build: Any = LlavaProcessor
    processor = build(
        tiny.image_processor(folder),
        tiny.tokenizer(folder),
        patch_size=network.config.vision_config.patch_size,
        vision_feature_select_strategy=network.config.vision_feature_select_strategy,
        num_additional_image_tokens=1,
    )
    given = processor(images=list(pixels), text=text, return_tensors="pt")
    given.pop("token_type_ids", None)
    new = tiny.generated(network, most, **given)[:, given["input_ids"].shape[1] :]
    return tiny.ended(new, network.config.text_config.eos_token_id)


def test_answers_are_those_of_the_library_asked_one_by_one(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Llava.load(tiny.checkpoint(both), "cpu")
    made = tiny.watch(reader, monkeypatch)
    pixels = tiny.images(len(tiny.QUESTIONS), reader.image_spec.size)
    reader.answer(pixels, tiny.QUESTIONS)
    end = reader._network.config.text_config.eos_token_id
    for number, question in enumerate(tiny.QUESTIONS):
        text = reader._template.render(1, [Turn("person", question)])
        expected = theirs(both, pixels[number : number + 1], text, made[0].shape[1])
        assert tiny.ended(made[0][number : number + 1], end) == expected


def test_a_dialogue_about_two_images_is_that_of_the_library(
    folder: Path, reader: Llava, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny.watch(reader, monkeypatch)
    monkeypatch.setattr(Llava, "max_reply_tokens", 20)
    reply = reader.chat(tiny.images(2), TURNS)
    assert reply == reply.strip()
    assert reader._template.render(2, TURNS) == WRITTEN
    expected = theirs(folder, tiny.images(2), WRITTEN, 20)
    assert tiny.ended(made[0], reader._network.config.text_config.eos_token_id) == expected


@pytest.mark.parametrize("strategy", ["default", "full"])
def test_an_image_takes_as_many_places_as_it_has_features(tmp_path: Path, strategy: str) -> None:
    reader = Llava.load(
        tiny.checkpoint(tiny.write_llava(tmp_path, vision_feature_select_strategy=strategy)), "cpu"
    )
    tokens = reader._tokenised(1, TURNS[:1])
    assert tokens.count(tiny.IMAGE) == {"default": 4, "full": 5}[strategy]
    assert len(reader.describe(tiny.images(2))) == 2


def test_the_history_and_every_image_matter(reader: Llava, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Llava, "max_reply_tokens", 10)
    assert reader.chat(tiny.images(2), TURNS) != reader.chat(tiny.images(2), TURNS[2:])
    assert reader.chat(tiny.images(2), TURNS) != reader.chat(tiny.images(2)[::-1], TURNS)


def test_a_description_is_an_answer_to_its_instruction(
    folder: Path, reader: Llava, tmp_path: Path
) -> None:
    own = tiny.copied(folder, tmp_path / "own")
    (own / "prompt.json").write_text('{"describe": "what is the kite"}')
    other = Llava.load(tiny.checkpoint(own), "cpu")
    assert other.describe(tiny.images()) == reader.answer(tiny.images(), ["what is the kite"] * 5)


def test_the_tokenizers_chat_template_is_used(folder: Path, tmp_path: Path) -> None:
    template = (
        "{{ bos_token }}{% for m in messages %}{{ m['role'] }} : {% for c in m['content'] %}"
        "{{ '<image>' if c['type'] == 'image' else c['text'] }} {% endfor %}{% endfor %}"
        "{% if add_generation_prompt %}assistant :{% endif %}"
    )
    for name, text in (
        ("chat_template.jinja", template),
        ("chat_template.json", json.dumps({"chat_template": template})),
        ("processor_config.json", json.dumps({"chat_template": template})),
    ):
        own = tiny.copied(folder, tmp_path / name)
        (own / name).write_text(text)
        reader = Llava.load(tiny.checkpoint(own), "cpu")
        written = reader._template.render(1, TURNS)
        assert written.startswith("[CLS]user : <image> what colour")
        assert written.endswith("assistant : red user : how many ? assistant :")
        start = reader._tokenizer.bos_token_id
        assert reader._tokenised(1, TURNS).count(start) == 1


def test_a_template_that_leaves_images_out_is_a_broken_model(folder: Path, tmp_path: Path) -> None:
    own = tiny.copied(folder, tmp_path / "own")
    for template, message in (
        ("{{ messages | length }}", "wrote 0 images and not 1"),
        ("{% x %}", "fails"),
    ):
        (own / "chat_template.jinja").write_text(template)
        with pytest.raises(BrokenModel, match=message):
            Llava.load(tiny.checkpoint(own), "cpu").describe(tiny.images(1))


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([], "begins and ends with a person"),
        (TURNS[:2], "begins and ends with a person"),
        (TURNS[1:2], "begins and ends with a person"),
        ([TURNS[0], TURNS[0], TURNS[0]], "begins and ends with a person"),
        ([Turn("person", " ")], "a turn is empty"),
        ([Turn("person", "is <image> red ?")], "may not hold <image>"),
        ([Turn("person", "red " * 200)], "and the model holds 128: make it shorter"),
    ],
)
def test_a_dialogue_that_makes_no_sense_is_refused(
    reader: Llava, turns: list[Turn], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        reader.chat(tiny.images(1), turns)


def test_a_dialogue_without_an_image_is_refused(reader: Llava) -> None:
    with pytest.raises(InvalidArgument, match="at least one image"):
        reader.chat(tiny.images(0), TURNS)


def test_a_tokenizer_without_the_image_token_is_a_broken_model(
    folder: Path, tmp_path: Path
) -> None:
    own = tiny.copied(folder, tmp_path / "own")
    table = json.loads((own / "config.json").read_bytes())
    table["image_token_index"] = 1
    (own / "config.json").write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match=r"does not take \[UNK\] for one token"):
        Llava.load(tiny.checkpoint(own), "cpu").describe(tiny.images(1))
    table["image_token_index"] = 999
    (own / "config.json").write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match="gives image_token_index as 999"):
        Llava.load(tiny.checkpoint(own), "cpu")


@pytest.mark.slow
def test_the_published_number_of_places_loads_and_answers(tmp_path: Path) -> None:
    folder = tiny.write_llava(tmp_path, side=336, patch=14)
    reader = Llava.load(tiny.checkpoint(folder), "cpu")
    assert reader._tokenised(2, TURNS).count(tiny.IMAGE) == 2 * 576
    assert len(reader.answer(tiny.images(4, 336), tiny.QUESTIONS)) == 4
    assert isinstance(reader.chat(tiny.images(2, 336), TURNS), str)
