from dataclasses import replace
from pathlib import Path

import open_clip  # type: ignore[import-untyped]
import pytest
import torch

from indexer.models.mini.scenes.scenes import held_out
from indexer.models.mini.scenes.words import words
from indexer.models.mini.training.checkpoint import CARD_NAME, CONFIG_NAME, WEIGHTS_NAME
from indexer.models.mini.training.clip import train_clip
from indexer.models.mini.training.render_cache import RenderCache, build_cache
from indexer.models.mini.training.report import Report
from indexer.models.mini.training.tokenizer import BPE_NAME, load_tokenizer
from indexer.models.mini.training.trainer import Schedule

SHORT = Schedule(seconds=1.0, steps=3, batch=16)


@pytest.fixture(scope="module")
def pool() -> RenderCache:
    return build_cache(0, 4, words(), 1)


def train(pool: RenderCache, out: Path, seed: int = 0) -> list[Report]:
    return train_clip(SHORT, seed, pool, out, torch.device("cpu"), held_out(12))


def test_three_steps_leave_a_directory_that_loads(pool: RenderCache, tmp_path: Path) -> None:
    reports = train(pool, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        CARD_NAME,
        CONFIG_NAME,
        WEIGHTS_NAME,
        BPE_NAME,
    }
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{tmp_path}")
    assert model.encode_text(load_tokenizer(tmp_path)(["a red circle"])).shape == (1, 128)
    assert preprocess.transforms[0].size in (64, (64, 64))
    assert [report.scenes for report in reports] == [12, 12]


def test_the_card_tells_seed_steps_scores_and_licence(pool: RenderCache, tmp_path: Path) -> None:
    train(pool, tmp_path, seed=5)
    card = (tmp_path / CARD_NAME).read_text()
    assert "| Seed | 5 |" in card
    assert "3 x 16 = 48 samples" in card
    assert "text to image" in card
    assert "license: apache-2.0" in card
    assert "interim" not in card


def test_the_same_seed_gives_the_same_weights(pool: RenderCache, tmp_path: Path) -> None:
    for name in ("first", "second"):
        train(pool, tmp_path / name)
    first, second = (tmp_path / name / WEIGHTS_NAME for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_an_interim_checkpoint_says_so(
    pool: RenderCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards: list[str] = []

    def noted(path: Path, data: bytes) -> None:
        cards.append(data.decode())

    monkeypatch.setattr("indexer.models.mini.training.clip.write_whole", noted)
    often = replace(SHORT, save_every=-1.0)
    train_clip(often, 0, pool, tmp_path, torch.device("cpu"), held_out(12))
    assert ["interim" in card for card in cards] == [True, True, False]
