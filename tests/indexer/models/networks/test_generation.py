from types import SimpleNamespace

import pytest
import torch

from indexer.models.networks.generation import group_by_length, strip_prompt, tidy, token_budget
from storage.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" a red kite , and two . ", "a red kite, and two."),
        ("is it red ? yes !", "is it red? yes!"),
        ("the man ' s hat isn ' t his", "the man's hat isn't his"),
        ("a sign that says ' stop '", "a sign that says ' stop '"),
        ("already, tidy. it's fine", "already, tidy. it's fine"),
        ("two\n\nlines", "two lines"),
        ("", ""),
    ],
)
def test_gaps_of_a_word_tokenizer_are_closed(text: str, expected: str) -> None:
    assert tidy(text) == expected
    assert tidy(expected) == expected


def test_prompts_of_one_length_go_together() -> None:
    assert group_by_length([3, 5, 3, (1, 2)]) == [[0, 2], [1], [3]]


def test_a_repeated_prompt_is_cut_off_and_nothing_else() -> None:
    prompts = torch.tensor([[1, 2], [3, 4]])
    generated = torch.tensor([[1, 2, 9], [3, 4, 8]])
    assert strip_prompt(prompts, generated).tolist() == [[9], [8]]
    assert strip_prompt(prompts, generated + 1).tolist() == (generated + 1).tolist()
    assert strip_prompt(prompts, generated[:, :1]).tolist() == [[1], [3]]


def test_a_language_model_says_no_more_than_it_holds() -> None:
    held = SimpleNamespace(max_position_embeddings=50)
    assert token_budget(held, 10, 20, "it") == 20
    assert token_budget(held, 40, 20, "it") == 10
    assert token_budget(SimpleNamespace(), 1000, 20, "it") == 20
    with pytest.raises(InvalidArgument, match="it takes 50 tokens with its images"):
        token_budget(held, 50, 20, "it")
