"""Three steps of every recipe: what is saved is read by the product and measured by it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from indexer.models.mini.scenes.scenes import held_out
from indexer.models.mini.scenes.words import words
from indexer.models.mini.training import recipes
from indexer.models.mini.training.checkpoint import CARD_NAME
from indexer.models.mini.training.layout import load_weights
from indexer.models.mini.training.recipes import RECIPES, TrainingPlan, train
from indexer.models.mini.training.render_cache import RenderCache, build_cache
from indexer.models.mini.training.train import MALLOC, main


@pytest.fixture(scope="module")
def pool() -> RenderCache:
    return build_cache(0, 8, words(), 1)


def short(plan: TrainingPlan) -> TrainingPlan:
    return replace(plan, schedule=replace(plan.schedule, steps=3))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_three_steps_leave_a_model_that_is_read_and_measured(
    name: str, pool: RenderCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "calibrate", lambda folder: None)
    figures = train(name, pool, tmp_path, 0, torch.device("cpu"), held_out(3), short)
    card = (tmp_path / CARD_NAME).read_text()
    assert "# mini-clip" in card if name == "clip-hf" else f"# mini-{name}" in card
    assert "interim" not in card
    assert figures
    assert all(0 <= share <= 1 and what in card for what, share in figures.items())


@pytest.mark.slow
def test_a_course_goes_on_from_earlier_weights(pool: RenderCache, tmp_path: Path) -> None:
    def still(plan: TrainingPlan) -> TrainingPlan:
        return replace(plan, schedule=replace(plan.schedule, steps=1, peak_rate=0.0))

    first, second = tmp_path / "first", tmp_path / "second"
    train("vqa", pool, first, 0, torch.device("cpu"), held_out(3), short)
    train("vqa", pool, second, 1, torch.device("cpu"), held_out(3), still, first)
    assert "| Went on from | an earlier run of 3 x " in (second / CARD_NAME).read_text()
    before, after = load_weights(first), load_weights(second)
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[name], after[name], atol=1e-3) for name in before)


@pytest.mark.slow
def test_weights_of_another_model_are_refused(pool: RenderCache, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="weights of another model"):
        train("vqa", pool, tmp_path, 0, torch.device("cpu"), [], short, RECIPES["caption"].folder)


@pytest.mark.parametrize("name", ["clip", *RECIPES])
def test_every_command_names_its_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in MALLOC.items():
        monkeypatch.setenv(variable, value)
    shown = CliRunner().invoke(main, [name, "--help"]).output
    assert all(option in shown for option in ("--seconds", "--steps", "--seed", "--out", "--pool"))
