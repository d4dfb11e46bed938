from pathlib import Path

import pytest
from transformers import AutoTokenizer, BertTokenizer

from indexer.models.mini.scenes import words as tokens
from indexer.models.mini.scenes.phrases import vocabulary


def test_a_pools_word_numbers_and_tokens_are_one_step_apart() -> None:
    table = tokens.ids()
    assert all(
        table[word] == number + len(tokens.SPECIALS) - 1
        for number, word in enumerate(tokens.words(), start=1)
    )
    assert tokens.words()[: len(vocabulary())] == vocabulary()
    assert {name: tokens.speaking_ids()[name] for name in table} == table


def test_a_saved_tokenizer_is_read_back_with_every_word(tmp_path: Path) -> None:
    tokens.bert_tokenizer(40).save_pretrained(tmp_path)
    read = BertTokenizer.from_pretrained(tmp_path)
    assert read("A red star, is it?")["input_ids"] == [
        tokens.START_ID,
        *(tokens.ids()[word] for word in ("a", "red", "star", ",", "is", "it", "?")),
        tokens.END_ID,
    ]
    assert read.bos_token_id == tokens.DECODE_ID
    assert read.pad_token_id == tokens.PAD_ID


@pytest.mark.parametrize("image_named", [True, False])
def test_the_language_models_tokenizer_keeps_the_pictures_place_whole(
    tmp_path: Path, image_named: bool
) -> None:
    tokens.speaking_tokenizer(40, image_named).save_pretrained(tmp_path)
    read = AutoTokenizer.from_pretrained(tmp_path)
    table = tokens.speaking_ids()
    assert read(f"USER: {tokens.IMAGE}\nis there a star? ASSISTANT:")["input_ids"] == [
        tokens.START_ID,
        *(table[word] for word in ("user", ":", tokens.IMAGE, "is", "there", "a", "star", "?")),
        *(table[word] for word in ("assistant", ":")),
    ]
    assert read.padding_side == "left"
