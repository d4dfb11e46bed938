import pytest
import torch
from torch import Tensor, nn

from indexer.models.mini.training.trainer import Schedule, Trainer, TrainingProgress


def test_a_run_is_measured_by_steps_or_else_by_time() -> None:
    assert Schedule(seconds=1.0, steps=10).progress(5, elapsed=9.0) == 0.5
    assert Schedule(seconds=10.0).progress(5, elapsed=9.0) == 0.9
    assert Schedule(seconds=10.0).progress(5, elapsed=11.0) == 1.0


def test_the_rate_rises_then_falls() -> None:
    schedule = Schedule(seconds=1.0)
    rates = [schedule.rate(step, step / 1000) for step in range(1000)]
    assert rates[0] < rates[150] > rates[-1]
    assert max(rates) <= schedule.peak_rate


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Linear(1, 1)
        self.head = nn.Linear(1, 1)


def fit(model: Line, **how: object) -> tuple[list[TrainingProgress], nn.Module]:
    def loss(progress: float) -> Tensor:
        x = torch.tensor([[0.5], [1.0]])
        value: Tensor = ((model.head(model.tower(x)) - 3 * x) ** 2).mean()
        return value

    saved: list[TrainingProgress] = []
    last: list[nn.Module] = []

    def save(average: nn.Module, progress: TrainingProgress) -> None:
        saved.append(progress)
        last.append(average)

    schedule = Schedule(seconds=1.0, steps=300, peak_rate=0.05, warm_steps=1, **how)  # type: ignore[arg-type]
    Trainer(model, schedule, gentle="tower").train(loss, save)
    return saved, last[-1]


def test_a_model_learns_and_its_average_is_what_is_saved() -> None:
    torch.manual_seed(0)
    model = Line()
    saved, average = fit(model, averaging=0.9)
    assert [progress.finished for progress in saved] == [True]
    assert saved[0].steps == 300
    assert average is not model
    x = torch.tensor([[1.0]])
    assert abs(average.head(average.tower(x)).item() - 3.0) < 0.5  # type: ignore[operator]


def test_it_saves_on_the_way() -> None:
    saved, _ = fit(Line(), save_every=-1.0)
    assert [progress.finished for progress in saved] == [False] * 299 + [True]


def test_the_gentle_part_moves_less() -> None:
    torch.manual_seed(0)
    model = Line()
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    loss = {"n": 0}

    def once(progress: float) -> Tensor:
        loss["n"] += 1
        return sum((each.sum() for each in model.parameters()), torch.zeros(()))

    schedule = Schedule(seconds=1.0, steps=1, peak_rate=0.03, warm_steps=1, weight_decay=0.0)
    Trainer(model, schedule, gentle="tower").train(once, lambda _, __: None)
    moved = {
        name: (each - before[name]).abs().max().item() for name, each in model.named_parameters()
    }
    assert moved["tower.weight"] == pytest.approx(moved["head.weight"] / 3, rel=1e-3)
