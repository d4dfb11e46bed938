from pathlib import Path

import pytest
from transformers.models.blip.modeling_blip import (
    BlipForConditionalGeneration,
    BlipForQuestionAnswering,
)

from indexer.models.networks.blip_vqa import BlipAnswerer
from storage.errors import BrokenModel, InvalidArgument
from tests.indexer.models.tiny_readers import (
    QUESTIONS,
    checkpoint,
    copied,
    ended,
    library,
    pictures,
    planes,
    tokenizer,
    watch,
    write_blip,
)

pytestmark = pytest.mark.usefixtures("briefly")
LIMITS = {"blip_vqa": 8}
SHIPPED = "vqa"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blip(BlipForQuestionAnswering, tmp_path_factory.mktemp("vqa"))


@pytest.fixture(scope="module")
def answerer(folder: Path) -> BlipAnswerer:
    return BlipAnswerer.load(checkpoint(folder), "cpu")


def test_token_ids_are_those_of_the_library_asked_one_by_one(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answerer = BlipAnswerer.load(checkpoint(both), "cpu")
    made = watch(answerer, monkeypatch)
    pixels = pictures(len(QUESTIONS), answerer.pictures.size)
    answerer.answer(pixels, QUESTIONS)
    network = library(BlipForQuestionAnswering, both)
    words = tokenizer(both)
    end = network.config.text_config.sep_token_id
    for number, (picture, question) in enumerate(zip(planes(both, pixels), QUESTIONS, strict=True)):
        asked = words(question, return_tensors="pt")
        theirs = network.generate(
            input_ids=asked.input_ids,
            attention_mask=asked.attention_mask,
            pixel_values=picture[None],
            do_sample=False,
            num_beams=1,
            max_new_tokens=made[0].shape[1],
        )
        assert ended(made[0][number : number + 1], end) == ended(theirs[:, 1:], end)


def test_an_answer_does_not_depend_on_the_other_questions(answerer: BlipAnswerer) -> None:
    pixels = pictures(len(QUESTIONS))
    together = answerer.answer(pixels, QUESTIONS)
    assert len(set(together)) > 1
    alone = [
        answerer.answer(pixels[number : number + 1], [question])[0]
        for number, question in enumerate(QUESTIONS)
    ]
    assert together == alone


def test_a_question_longer_than_the_context_is_cut(answerer: BlipAnswerer) -> None:
    one = pictures(1)
    assert answerer.answer(one, ["red " * 28]) == answerer.answer(one, ["red " * 200])


@pytest.mark.parametrize(
    ("count", "questions", "message"),
    [
        (1, [""], "a question is empty"),
        (1, [" \n"], "a question is empty"),
        (0, ["how many?"], "1 questions about 0 pictures"),
        (2, ["how many?"], "1 questions about 2 pictures"),
        (1, "how many?", "list of questions"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    answerer: BlipAnswerer, count: int, questions: list[str], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        answerer.answer(pictures(count), questions)


def test_a_broken_checkpoint_is_named(tmp_path: Path, folder: Path) -> None:
    other = write_blip(BlipForConditionalGeneration, tmp_path / "caption")
    with pytest.raises(BrokenModel, match="is a BlipForConditionalGeneration, and this needs a"):
        BlipAnswerer.load(checkpoint(other), "cpu")
    spoilt = copied(folder, tmp_path / "spoilt")
    weights = spoilt / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(BrokenModel, match="spoilt"):
        BlipAnswerer.load(checkpoint(spoilt), "cpu")


@pytest.mark.slow
def test_a_full_size_answerer_loads_and_answers(tmp_path: Path) -> None:
    from tests.indexer.models.tiny_readers import write_full_blip

    answerer = BlipAnswerer.load(
        checkpoint(write_full_blip(BlipForQuestionAnswering, tmp_path)), "cpu"
    )
    assert len(answerer.answer(pictures(2, 384), ["how many?", "what is the kite?"])) == 2
