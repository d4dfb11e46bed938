import random
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest

from indexer.models.mini.scenes.phrases import captions, full_captions, vocabulary
from indexer.models.mini.scenes.scenes import held_out, scenes
from indexer.models.mini.scenes.words import words
from indexer.models.mini.training import train
from indexer.models.mini.training.render_cache import (
    FAMILY,
    MAX_CAPTIONS,
    MAX_WORDS,
    QUESTIONS,
    UNSAID,
    answers,
    build_cache,
    photograph,
    training_families,
)


def test_no_held_out_content_is_ever_trained_on() -> None:
    kept_out = {scene.content for scene in held_out()}
    trained = {scene.content for family in training_families(0, 1500) for scene in family}
    assert not kept_out & trained


def test_a_family_is_of_distinct_contents() -> None:
    for family in training_families(1, 100):
        assert len({scene.content for scene in family}) == FAMILY


def test_every_caption_fits_the_pool() -> None:
    for scene in scenes(2, 500):
        assert len(captions(scene)) <= MAX_CAPTIONS
        assert all(len(text.replace(",", " ,").split()) <= MAX_WORDS for text in captions(scene))


def test_a_pool_holds_each_scene_of_the_stream_in_order() -> None:
    pool = build_cache(3, 5, words(), workers=1)
    drawn = [scene for family in training_families(4, 5) for scene in family]
    assert pool.pictures.shape == (20, 64, 64, 3)
    for row, scene in enumerate(drawn):
        assert pool.total[row] == len(captions(scene))
        assert pool.full[row] == len(full_captions(scene))
        spelled = [vocabulary()[word - 1] for word in pool.words[row, 0] if word]
        assert " ".join(spelled).replace(" ,", ",") == captions(scene)[0]


def test_the_same_seed_gives_the_same_pool() -> None:
    first, second = (build_cache(3, 3, words(), workers=1) for _ in range(2))
    for field in fields(first):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name))


def test_a_kept_pool_is_taken_only_where_the_same_would_be_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_DRAWERS", 1)
    kept = tmp_path / "pool.npz"
    first, again = train.drawn(2, 3, kept), train.drawn(2, 3, kept)
    assert np.array_equal(first.pictures, again.pictures)
    for families, seed, said in ((2, 4, "other seed"), (3, 3, "other families")):
        with pytest.raises(click.UsageError, match=said):
            train.drawn(families, seed, kept)
    monkeypatch.setattr(train, "words", lambda: (*words(), "kite"))
    with pytest.raises(click.UsageError, match="other words"):
        train.drawn(2, 3, kept)
    np.savez(kept, **vars(first))
    with pytest.raises(click.UsageError, match="without a record of its seed: name another file"):
        train.drawn(2, 3, kept)


def test_a_photograph_is_what_the_model_takes() -> None:
    (scene,) = scenes(5, 1)
    for seed in range(8):
        assert photograph(scene, random.Random(seed)).shape == (64, 64, 3)


def test_answers_determine_the_content() -> None:
    drawn = {tuple(answers(scene.content)): scene.content for scene in scenes(6, 2000)}
    assert len(set(drawn.values())) == len(drawn)
    assert len(drawn) == len({scene.content for scene in scenes(6, 2000)})


def test_answers_are_classes_or_unsaid() -> None:
    for scene in scenes(7, 300):
        given = answers(scene.content)
        assert len(given) == len(QUESTIONS)
        assert all(a == UNSAID or 0 <= a < q for a, q in zip(given, QUESTIONS, strict=True))
