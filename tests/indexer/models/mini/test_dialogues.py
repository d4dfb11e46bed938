"""What LLaVA and InstructBLIP learn from: prompts as their processors write them."""

import numpy as np
import pytest
import torch
from transformers import InstructBlipForConditionalGeneration, LlavaForConditionalGeneration

from indexer.models.mini.scenes.words import END_ID, IMAGE, PAD_ID, START_ID, speaking_ids, words
from indexer.models.mini.training.dataset import Dataset
from indexer.models.mini.training.instruct_blip import (
    QUERIES,
    InstructionLoss,
    instruct_blip_config,
)
from indexer.models.mini.training.llava import PLACES, DialogueLoss, llava_config
from indexer.models.mini.training.render_cache import RenderCache, build_cache

NAMES = {number: token for token, number in speaking_ids().items()}


@pytest.fixture(scope="module")
def pool() -> RenderCache:
    return build_cache(0, 8, words(), 1)


def spelled(tokens: torch.Tensor) -> list[str]:
    return [NAMES[int(token)] for token in tokens if int(token) != PAD_ID]


def test_a_dialogue_is_learnt_where_it_answers(pool: RenderCache) -> None:
    model = LlavaForConditionalGeneration(llava_config())
    loss = DialogueLoss(model, Dataset(pool, 0, torch.device("cpu")), 3)
    tokens, targets = loss._dialogues(np.arange(3))
    for line, wanted in zip(tokens, targets, strict=True):
        text = spelled(line)
        assert text[:3] == ["[CLS]", "user", ":"]
        assert text[3 : 3 + PLACES] == [IMAGE] * PLACES
        assert IMAGE not in text[3 + PLACES :]
        learnt = [at for at in range(len(line)) if int(wanted[at]) >= 0]
        # Every target but the last of an answer is the token that comes next.
        for at in learnt:
            if int(wanted[at]) != END_ID:
                assert int(wanted[at]) == int(line[at + 1])
        first = learnt[0]
        assert spelled(line[first - 1 : first + 1]) == ["assistant", ":"]
        turns = sum(word == "assistant" for word in text)
        assert sum(int(wanted[at]) == END_ID for at in learnt) == turns
    assert torch.isfinite(loss(0.0))


def test_an_instruction_comes_after_the_queries_and_is_not_learnt(pool: RenderCache) -> None:
    model = InstructBlipForConditionalGeneration(instruct_blip_config())
    loss = InstructionLoss(model, Dataset(pool, 0, torch.device("cpu")), 2, each=2)
    at, asked, answers = loss._exercises(np.arange(2))
    assert at.tolist() == [0, 0, 1, 1, 0, 1]
    tokens, targets = loss._written(asked, answers)
    for line, wanted in zip(tokens, targets, strict=True):
        assert spelled(line[:QUERIES]) == [IMAGE] * QUERIES
        assert int(line[QUERIES]) == START_ID
        learnt = [int(each) for each in wanted if int(each) >= 0]
        said = [int(token) for token in line if int(token) != PAD_ID][-len(learnt) + 1 :]
        assert learnt == [*said, END_ID]
    assert torch.isfinite(loss(0.0))
