from dataclasses import replace
from pathlib import Path

import open_clip  # type: ignore[import-untyped]
import pytest
import torch
from click.testing import CliRunner

from indexer.models.mini.card import Run
from indexer.models.mini.checkpoint import CARD_NAME, CONFIG_NAME, WEIGHTS_NAME
from indexer.models.mini.report import Report
from indexer.models.mini.scenes import held_out
from indexer.models.mini.tokenizer import BPE_NAME, load_tokenizer
from indexer.models.mini.train import MALLOC, ClipRun, Recipe, main, train_clip

SHORT = Recipe(steps=3, batch=16, families=4, workers=1)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    few = held_out(12)
    monkeypatch.setattr("indexer.models.mini.train.held_out", lambda: few)


def test_three_steps_leave_a_directory_that_loads(tmp_path: Path) -> None:
    report = train_clip(SHORT, tmp_path, CPU)
    assert {path.name for path in tmp_path.iterdir()} == {
        CARD_NAME,
        CONFIG_NAME,
        WEIGHTS_NAME,
        BPE_NAME,
    }
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{tmp_path}")
    assert model.encode_text(load_tokenizer(tmp_path)(["a red circle"])).shape == (1, 128)
    assert preprocess.transforms[0].size in (64, (64, 64))
    assert report.scenes == 12


def test_the_card_tells_seed_steps_scores_and_licence(tmp_path: Path) -> None:
    train_clip(replace(SHORT, seed=5), tmp_path, CPU)
    card = (tmp_path / CARD_NAME).read_text()
    assert "| Seed | 5 |" in card
    assert "3 x 16 = 48 samples" in card
    assert "text to image" in card
    assert "license: apache-2.0" in card
    assert "interim" not in card


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    for name in ("first", "second"):
        train_clip(SHORT, tmp_path / name, CPU)
    first, second = (tmp_path / name / WEIGHTS_NAME for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_a_run_saves_on_the_way_and_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[bool] = []
    save = ClipRun._save

    def noted(self: ClipRun, run: Run) -> Report:
        saved.append(run.finished)
        return save(self, run)

    monkeypatch.setattr(ClipRun, "_save", noted)
    train_clip(replace(SHORT, save_every=-1.0), tmp_path, CPU)
    assert saved == [False, False, True]


def test_a_run_is_measured_by_steps_or_else_by_time() -> None:
    assert Recipe(steps=10, seconds=1.0).progress(5, elapsed=9.0) == 0.5
    assert Recipe(steps=0, seconds=10.0).progress(5, elapsed=9.0) == 0.9
    assert Recipe(steps=0, seconds=10.0).progress(5, elapsed=11.0) == 1.0


def test_the_rate_rises_then_falls() -> None:
    recipe = Recipe()
    rates = [recipe.rate(step, step / 1000) for step in range(1000)]
    assert rates[0] < rates[150] > rates[-1]
    assert max(rates) <= recipe.peak_rate


def test_the_command_names_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in MALLOC.items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(main, ["clip", "--help"]).output
    assert all(option in shown for option in ("--seconds", "--steps", "--seed", "--out"))
