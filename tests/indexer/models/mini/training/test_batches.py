from pathlib import Path

import pytest
import torch

from indexer.models.mini.scenes.phrases import captions, vocabulary
from indexer.models.mini.scenes.words import words
from indexer.models.mini.training.batches import Batches
from indexer.models.mini.training.render_cache import UNSAID, build_cache, training_families
from indexer.models.mini.training.tokenizer import (
    BPE_NAME,
    CONTEXT_LENGTH,
    bpe_file,
    load_tokenizer,
)


@pytest.fixture
def batches(tmp_path: Path) -> Batches:
    (tmp_path / BPE_NAME).write_bytes(bpe_file())
    pool = build_cache(0, 6, words(), workers=1)
    return Batches(pool, load_tokenizer(tmp_path), vocabulary(), seed=0, device=torch.device("cpu"))


def test_a_batch_has_the_shapes_the_model_takes(batches: Batches) -> None:
    batch = batches.draw(16, 0.5)
    assert batch.images.shape == (16, 3, 64, 64)
    assert batch.tokens.shape == (16, CONTEXT_LENGTH)
    assert batch.seen.shape == batch.said.shape == (16, 11)


def test_tokens_are_what_the_tokenizer_makes_of_a_caption(batches: Batches, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(tmp_path)
    families = training_families(1, 6)
    said = {text for family in families for scene in family for text in captions(scene)}
    expected = {tuple(row.tolist()) for row in tokenizer(sorted(said))}
    assert {tuple(row.tolist()) for row in batches.draw(64, 0.5).tokens} <= expected


def test_a_caption_is_never_set_against_its_own_picture(batches: Batches) -> None:
    batch = batches.draw(32, 0.5)
    assert not batch.also_true.diagonal().any()


def test_the_same_caption_twice_is_true_of_both_pictures(batches: Batches) -> None:
    batch = batches.draw(64, 0.5)
    same = (batch.tokens[:, None] == batch.tokens).all(-1).fill_diagonal_(False)
    assert same.any()
    assert bool(batch.also_true[same].all())


def test_short_captions_are_asked_nothing(batches: Batches) -> None:
    batch = batches.draw(64, 0.5)
    unsaid = (batch.said == UNSAID).all(1)
    assert 0 < int(unsaid.sum()) < 40
    assert torch.equal(batch.said[~unsaid], batch.seen[~unsaid])
