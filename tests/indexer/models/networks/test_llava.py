import json
from pathlib import Path
from typing import Any

import pytest
from transformers.models.blip.modeling_blip import BlipForConditionalGeneration
from transformers.models.llava.modeling_llava import LlavaForConditionalGeneration
from transformers.models.llava.processing_llava import LlavaProcessor

from indexer.models.networks.llava import Llava
from indexer.models.protocols import Turn
from storage.errors import BrokenModel, InvalidArgument
from tests.indexer.models.tiny_readers import (
    IMAGE,
    QUESTIONS,
    checkpoint,
    copied,
    ended,
    library,
    picture_processor,
    pictures,
    tokenizer,
    watch,
    write_blip,
    write_llava,
)

pytestmark = pytest.mark.usefixtures("briefly")
LIMITS = {"llava": 8}
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
    return write_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="module")
def reader(folder: Path) -> Llava:
    return Llava.load(checkpoint(folder), "cpu")


def theirs(folder: Path, pixels: Any, text: str, most: int) -> list[list[int]]:
    """Generate with the library's own class and processor."""
    network = library(LlavaForConditionalGeneration, folder)
    build: Any = LlavaProcessor
    processor = build(
        picture_processor(folder),
        tokenizer(folder),
        patch_size=network.config.vision_config.patch_size,
        vision_feature_select_strategy=network.config.vision_feature_select_strategy,
        num_additional_image_tokens=1,
    )
    given = processor(images=list(pixels), text=text, return_tensors="pt")
    given.pop("token_type_ids", None)
    said = network.generate(**given, do_sample=False, num_beams=1, max_new_tokens=most)
    new = said[:, given["input_ids"].shape[1] :]
    return ended(new, network.config.text_config.eos_token_id)


def test_answers_are_those_of_the_library_asked_one_by_one(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Llava.load(checkpoint(both), "cpu")
    made = watch(reader, monkeypatch)
    pixels = pictures(len(QUESTIONS), reader.pictures.size)
    reader.answer(pixels, QUESTIONS)
    end = reader._network.config.text_config.eos_token_id
    for number, question in enumerate(QUESTIONS):
        text = reader._dialogue.written(1, [Turn("person", question)])
        expected = theirs(both, pixels[number : number + 1], text, made[0].shape[1])
        assert ended(made[0][number : number + 1], end) == expected


def test_a_dialogue_about_two_pictures_is_that_of_the_library(
    folder: Path, reader: Llava, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = watch(reader, monkeypatch)
    monkeypatch.setattr("indexer.models.networks.llava.LONGEST_REPLY", 20)
    reply = reader.reply(pictures(2), TURNS)
    assert reply == reply.strip()
    assert reader._dialogue.written(2, TURNS) == WRITTEN
    expected = theirs(folder, pictures(2), WRITTEN, 20)
    assert ended(made[0], reader._network.config.text_config.eos_token_id) == expected


@pytest.mark.parametrize("strategy", ["default", "full"])
def test_a_picture_takes_as_many_places_as_it_has_features(tmp_path: Path, strategy: str) -> None:
    reader = Llava.load(
        checkpoint(write_llava(tmp_path, vision_feature_select_strategy=strategy)), "cpu"
    )
    tokens = reader._tokenised(1, TURNS[:1])
    assert tokens.count(IMAGE) == {"default": 4, "full": 5}[strategy]
    assert len(reader.describe(pictures(2))) == 2


def test_an_answer_does_not_depend_on_the_other_questions(reader: Llava) -> None:
    pixels = pictures(len(QUESTIONS))
    together = reader.answer(pixels, QUESTIONS)
    alone = [
        reader.answer(pixels[number : number + 1], [question])[0]
        for number, question in enumerate(QUESTIONS)
    ]
    assert together == alone
    assert len(set(together)) > 1


def test_the_history_and_every_picture_matter(
    reader: Llava, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.models.networks.llava.LONGEST_REPLY", 10)
    assert reader.reply(pictures(2), TURNS) != reader.reply(pictures(2), TURNS[2:])
    assert reader.reply(pictures(2), TURNS) != reader.reply(pictures(2)[::-1], TURNS)


def test_a_description_is_an_answer_to_its_instruction(
    folder: Path, reader: Llava, tmp_path: Path
) -> None:
    own = copied(folder, tmp_path / "own")
    (own / "prompt.json").write_text('{"describe": "what is the kite"}')
    other = Llava.load(checkpoint(own), "cpu")
    assert other.describe(pictures()) == reader.answer(pictures(), ["what is the kite"] * 5)


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
        own = copied(folder, tmp_path / name)
        (own / name).write_text(text)
        reader = Llava.load(checkpoint(own), "cpu")
        written = reader._dialogue.written(1, TURNS)
        assert written.startswith("[CLS]user : <image> what colour")
        assert written.endswith("assistant : red user : how many ? assistant :")
        start = reader._tokenizer.bos_token_id
        assert reader._tokenised(1, TURNS).count(start) == 1


def test_a_template_that_leaves_pictures_out_is_a_broken_model(
    folder: Path, tmp_path: Path
) -> None:
    own = copied(folder, tmp_path / "own")
    for template, message in (
        ("{{ messages | length }}", "wrote 0 pictures and not 1"),
        ("{% x %}", "fails"),
    ):
        (own / "chat_template.jinja").write_text(template)
        with pytest.raises(BrokenModel, match=message):
            Llava.load(checkpoint(own), "cpu").describe(pictures(1))


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
        reader.reply(pictures(1), turns)


def test_a_dialogue_without_a_picture_is_refused(reader: Llava) -> None:
    with pytest.raises(InvalidArgument, match="at least one picture"):
        reader.reply(pictures(0), TURNS)
    with pytest.raises(InvalidArgument, match="1 questions about 0 pictures"):
        reader.answer(pictures(0), ["how many?"])
    assert reader.describe(pictures(0)) == []


def test_a_tokenizer_without_the_image_token_is_a_broken_model(
    folder: Path, tmp_path: Path
) -> None:
    own = copied(folder, tmp_path / "own")
    table = json.loads((own / "config.json").read_bytes())
    table["image_token_index"] = 1
    (own / "config.json").write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match=r"does not take \[UNK\] for one token"):
        Llava.load(checkpoint(own), "cpu").describe(pictures(1))
    table["image_token_index"] = 999
    (own / "config.json").write_text(json.dumps(table))
    with pytest.raises(BrokenModel, match="gives image_token_index as 999"):
        Llava.load(checkpoint(own), "cpu")


def test_a_broken_checkpoint_is_named(folder: Path, tmp_path: Path) -> None:
    other = write_blip(BlipForConditionalGeneration, tmp_path / "caption")
    with pytest.raises(BrokenModel, match="and this needs a LlavaForConditionalGeneration"):
        Llava.load(checkpoint(other), "cpu")
    spoilt = copied(folder, tmp_path / "spoilt")
    weights = spoilt / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    with pytest.raises(BrokenModel, match="spoilt"):
        Llava.load(checkpoint(spoilt), "cpu")


@pytest.mark.slow
def test_the_published_number_of_places_loads_and_answers(tmp_path: Path) -> None:
    folder = write_llava(tmp_path, side=336, patch=14)
    reader = Llava.load(checkpoint(folder), "cpu")
    assert reader._tokenised(2, TURNS).count(IMAGE) == 2 * 576
    assert len(reader.answer(pictures(4, 336), QUESTIONS)) == 4
    assert isinstance(reader.reply(pictures(2, 336), TURNS), str)
