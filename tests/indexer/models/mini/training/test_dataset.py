import numpy as np
import pytest
import torch

from indexer.models.mini.scenes.words import DECODE_ID, END_ID, SPECIALS, ids, words
from indexer.models.mini.training.dataset import Dataset, Ids
from indexer.models.mini.training.render_cache import FAMILY, RenderCache, build_cache

WORDS = ("", *words())


@pytest.fixture(scope="module")
def pool() -> RenderCache:
    return build_cache(0, 12, words(), 1)


@pytest.fixture
def dataset(pool: RenderCache) -> Dataset:
    return Dataset(pool, 0, torch.device("cpu"))


def said(numbers: Ids) -> str:
    return " ".join(WORDS[number] for number in numbers if number)


def test_siblings_are_others_of_the_same_family(dataset: Dataset) -> None:
    rows = dataset.rows(200, 0.5)
    kin = dataset.siblings(rows)
    assert (kin != rows).all()
    assert (kin // FAMILY == rows // FAMILY).all()


def test_sentences_begin_end_and_are_padded(dataset: Dataset, pool: RenderCache) -> None:
    numbers, _ = dataset.captions(np.arange(8), 1.0, 0.0)
    sentences = dataset.sentences(numbers, DECODE_ID)
    table = ids()
    for row, words_of_row in enumerate(numbers):
        spelled = [table[word] for word in said(words_of_row).split()]
        tokens = sentences.tokens[row][sentences.mask[row].bool()].tolist()
        assert tokens == [DECODE_ID, *spelled, END_ID]
        assert not sentences.tokens[row][len(tokens) :].any()


def test_short_captions_of_others_are_known_where_they_hold(
    dataset: Dataset, pool: RenderCache
) -> None:
    rows = dataset.rows(300)
    numbers, holds = dataset.short_of_others(rows)
    assert 0 < holds.sum() < len(rows)
    for row, caption, true in zip(rows, numbers, holds, strict=True):
        own = {said(each) for each in pool.words[row, : pool.total[row]]}
        assert (said(caption) in own) == true


def test_each_question_goes_with_its_own_scenes_answer(dataset: Dataset, pool: RenderCache) -> None:
    rows = dataset.rows(20)
    at, asked, replies = dataset.asked(rows, 3)
    assert len(at) == len(asked) == len(replies) == 60
    for position, question, reply in zip(at, asked, replies, strict=True):
        row = rows[position]
        pairs = {
            (said(each), int(answer))
            for each, answer in zip(pool.questions[row], pool.replies[row], strict=True)
        }
        assert (said(question), int(reply)) in pairs


def test_words_and_tokens_are_one_step_apart(dataset: Dataset) -> None:
    numbers, _ = dataset.captions(np.arange(4), 1.0, 0.0)
    tokens = dataset.sentences(numbers, DECODE_ID).tokens
    assert tokens[0, 1].item() == numbers[0, 0] + len(SPECIALS) - 1
