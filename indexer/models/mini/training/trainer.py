"""The loop that every mini model is trained by."""

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

log = logging.getLogger("sightline.mini")

# A loss of the step's own batch: how much of the run is done, 0 to 1 → a scalar.
Loss = Callable[[float], Tensor]
_Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a model learns; seconds of training, zero steps means by time."""

    seconds: float
    steps: int = 0
    batch: int = 128
    peak_rate: float = 2e-3
    warm_steps: int = 150
    weight_decay: float = 0.05
    averaging: float = 0.998
    save_every: float = 240.0

    def progress(self, step: int, elapsed: float) -> float:
        """Return how much of the run is done, from 0 to 1."""
        return min(step / self.steps if self.steps else elapsed / self.seconds, 1.0)

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate: a short warm-up, then a cosine down to a hundredth."""
        warm = min((step + 1) / self.warm_steps, 1.0)
        return self.peak_rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


@dataclass(frozen=True)
class TrainingProgress:
    """How far a run has come; seconds without the time spent on saving."""

    steps: int
    seconds: float
    finished: bool


class Trainer:
    """Trains a model by a loss, keeping a moving average of its weights.

    `aside` are layers that only teach and are thrown away. `gentle` names the part of the model
    that learns at a third of the rate, because it comes trained.
    """

    def __init__(
        self,
        model: nn.Module,
        schedule: Schedule,
        aside: Iterable[nn.Module] = (),
        gentle: str = "",
    ) -> None:
        self._model, self._schedule = model, schedule
        self._parameters = [*model.parameters()]
        for module in aside:
            self._parameters += module.parameters()
        self._optimizer = torch.optim.AdamW(
            _groups(model, aside, gentle, schedule.weight_decay), betas=(0.9, 0.98)
        )
        self._average = AveragedModel(model, multi_avg_fn=_averaging(schedule.averaging))

    def train(self, loss: Loss, save: Callable[[nn.Module, TrainingProgress], None]) -> None:
        """Train to the end of the schedule; `save` gets the averaged model on the way."""
        schedule, step, progress = self._schedule, 0, 0.0
        start = saved = time.monotonic()
        paused = 0.0
        while progress < 1.0:
            value = self._step(loss, step, progress)
            step, now = step + 1, time.monotonic()
            progress = schedule.progress(step, now - start - paused)
            if step % 50 == 0:
                rate = step * schedule.batch / (now - start - paused)
                log.info("%3.0f %% step %d loss %.3f, %.0f/s", 100 * progress, step, value, rate)
            if now - saved > schedule.save_every and progress < 1.0:
                save(
                    self._average.module,
                    TrainingProgress(step, now - start - paused, finished=False),
                )
                saved = time.monotonic()
                paused += saved - now
        save(
            self._average.module,
            TrainingProgress(step, time.monotonic() - start - paused, finished=True),
        )

    def _step(self, loss: Loss, step: int, progress: float) -> float:
        rate = self._schedule.rate(step, progress)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        value = loss(progress)
        self._optimizer.zero_grad()
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._average.update_parameters(self._model)
        return value.item()


def _groups(
    model: nn.Module, aside: Iterable[nn.Module], gentle: str, decay: float
) -> list[dict[str, object]]:
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    named = [*model.named_parameters()]
    for module in aside:
        named += module.named_parameters(prefix="aside")
    for name, each in named:
        key = (bool(gentle) and name.startswith(gentle), each.ndim > 1)
        groups.setdefault(key, []).append(each)
    return [
        {
            "params": params,
            "share": 1 / 3 if slowed else 1.0,
            "weight_decay": decay if matrix else 0.0,
        }
        for (slowed, matrix), params in groups.items()
    ]


def _averaging(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    def update(average: _Tensors, current: _Tensors, updates: Tensor | int) -> None:
        # Early on the average is short, or a first checkpoint would be mostly fresh weights.
        count = float(updates)
        keep = min(decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(average, current, 1 - keep)

    return update


def device_name(device: torch.device) -> str:
    """Name what a model was trained on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
