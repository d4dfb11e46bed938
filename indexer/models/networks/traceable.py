"""A part of a network as a compiler takes it: a module, and inputs that show its shapes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

ANY = -1  # a side of a shape that differs from call to call


class NotTraceable(Exception):
    """A part of a model that only its own library can run; the message says which and why."""


class Forward(torch.nn.Module):
    """A function over a network's weights as a module of its own."""

    def __init__(self, network: Any, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.network = network  # so that its weights are known as such
        self._function = function

    def forward(
        self,
        first: torch.Tensor,
        second: torch.Tensor | None = None,
        third: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Call the function with the inputs that are there."""
        given = [one for one in (first, second, third) if one is not None]
        return self._function(*given)


@dataclass(frozen=True, slots=True)
class Traceable:
    """A module with example inputs, and the shape of each input, `ANY` where a side varies."""

    module: torch.nn.Module
    examples: tuple[torch.Tensor, ...]
    shapes: tuple[Sequence[int], ...]


def of_pixels(network: Any, function: Callable[..., torch.Tensor], side: int) -> Traceable:
    """Return a network's function of prepared squares: (m, side, side, 3) uint8."""
    squares = torch.arange(2 * side * side * 3, dtype=torch.int64).remainder(251)
    example = squares.to(torch.uint8).view(2, side, side, 3)
    return Traceable(Forward(network, function), (example,), ((ANY, side, side, 3),))
