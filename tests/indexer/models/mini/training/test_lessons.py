import numpy as np
import pytest
import torch

from indexer.models.mini.scenes.words import DECODE_ID, END_ID, SPECIALS, ids, words
from indexer.models.mini.training.lessons import Ids, Lessons
from indexer.models.mini.training.pool import FAMILY, Pool, build_pool

WORDS = ("", *words())


@pytest.fixture(scope="module")
def pool() -> Pool:
    return build_pool(0, 12, words(), 1)


@pytest.fixture
def lessons(pool: Pool) -> Lessons:
    return Lessons(pool, 0, torch.device("cpu"))


def said(numbers: Ids) -> str:
    return " ".join(WORDS[number] for number in numbers if number)


def test_siblings_are_others_of_the_same_family(lessons: Lessons) -> None:
    rows = lessons.rows(200, 0.5)
    kin = lessons.siblings(rows)
    assert (kin != rows).all()
    assert (kin // FAMILY == rows // FAMILY).all()


def test_sentences_begin_end_and_are_padded(lessons: Lessons, pool: Pool) -> None:
    numbers, _ = lessons.captions(np.arange(8), 1.0, 0.0)
    sentences = lessons.sentences(numbers, DECODE_ID)
    table = ids()
    for row, words_of_row in enumerate(numbers):
        spelled = [table[word] for word in said(words_of_row).split()]
        tokens = sentences.tokens[row][sentences.mask[row].bool()].tolist()
        assert tokens == [DECODE_ID, *spelled, END_ID]
        assert not sentences.tokens[row][len(tokens) :].any()


def test_short_captions_of_others_are_known_where_they_hold(lessons: Lessons, pool: Pool) -> None:
    rows = lessons.rows(300)
    numbers, holds = lessons.short_of_others(rows)
    assert 0 < holds.sum() < len(rows)
    for row, caption, true in zip(rows, numbers, holds, strict=True):
        own = {said(each) for each in pool.words[row, : pool.total[row]]}
        assert (said(caption) in own) == true


def test_each_question_goes_with_its_own_scenes_answer(lessons: Lessons, pool: Pool) -> None:
    rows = lessons.rows(20)
    at, asked, replies = lessons.asked(rows, 3)
    assert len(at) == len(asked) == len(replies) == 60
    for position, question, reply in zip(at, asked, replies, strict=True):
        row = rows[position]
        pairs = {
            (said(each), int(answer))
            for each, answer in zip(pool.questions[row], pool.replies[row], strict=True)
        }
        assert (said(question), int(reply)) in pairs


def test_words_and_tokens_are_one_step_apart(lessons: Lessons) -> None:
    numbers, _ = lessons.captions(np.arange(4), 1.0, 0.0)
    tokens = lessons.sentences(numbers, DECODE_ID).tokens
    assert tokens[0, 1].item() == numbers[0, 0] + len(SPECIALS) - 1
