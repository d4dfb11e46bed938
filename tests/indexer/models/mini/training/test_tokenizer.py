from pathlib import Path

import pytest

from indexer.models.mini.scenes.phrases import captions, vocabulary
from indexer.models.mini.scenes.scenes import scenes
from indexer.models.mini.training.tokenizer import (
    BPE_NAME,
    CONTEXT_LENGTH,
    bpe_file,
    load_tokenizer,
    vocabulary_size,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / BPE_NAME).write_bytes(bpe_file())
    return tmp_path


def test_every_known_word_is_one_token(directory: Path) -> None:
    tokenizer = load_tokenizer(directory)
    tokens = [tokenizer.encode(word) for word in vocabulary()]
    assert all(len(token) == 1 for token in tokens)
    assert len({token[0] for token in tokens}) == len(vocabulary())


def test_an_unknown_word_falls_back_to_pieces_of_it(directory: Path) -> None:
    tokenizer = load_tokenizer(directory)
    tokens = tokenizer.encode("zebra naïve 7")
    assert len(tokens) > 3
    assert tokenizer.decode(tokens).strip() == "zebra naïve 7"


def test_ids_stay_below_the_vocabulary_size(directory: Path) -> None:
    assert load_tokenizer(directory).vocab_size == vocabulary_size()


def test_every_caption_fits_the_context(directory: Path) -> None:
    tokenizer = load_tokenizer(directory)
    longest = max(
        len(tokenizer.encode(text)) for scene in scenes(1, 300) for text in captions(scene)
    )
    assert longest + 2 <= CONTEXT_LENGTH


def test_the_file_is_the_same_bytes_every_time() -> None:
    assert bpe_file() == bpe_file()
