"""The image tower of a model that generates: taken out for a compiler, and put back compiled."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from indexer.models.networks.traceable import ANY, Forward, Traceable

Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


class LayerStates(dict[int, torch.Tensor]):
    """The hidden states of the one layer that is read, by its number."""


class CompiledTower(torch.nn.Module):
    """In the place of an image tower: the states of one layer, computed by a run-time."""

    def __init__(self, run: Run, layer: int | None, dtype: torch.dtype) -> None:
        super().__init__()
        self._run, self._layer, self.dtype = run, layer, dtype

    def forward(self, pixel_values: torch.Tensor, **_: Any) -> BaseModelOutputWithPooling:
        """Encode (m, 3, s, s) → states (m, places, width) of the type of the network around."""
        rows = self._run(pixel_values.float().numpy())
        states = torch.from_numpy(rows).to(self.dtype)
        found: Any = BaseModelOutputWithPooling(last_hidden_state=states)
        if self._layer is not None:
            found.hidden_states = LayerStates({self._layer: states})
        return found  # type: ignore[no-any-return]


def traceable(network: Any, path: str, side: int, layer: int | None) -> Traceable:
    """Return the tower at a dotted path: (m, 3, s, s) float32 → states (m, places, width)."""
    tower = network.get_submodule(path)

    def states(pixel_values: torch.Tensor) -> torch.Tensor:
        output = tower(pixel_values.to(tower.dtype), output_hidden_states=layer is not None)
        found: torch.Tensor = output[0] if layer is None else output.hidden_states[layer]
        return found.float()

    example = torch.linspace(-2, 2, 2 * 3 * side * side).view(2, 3, side, side)
    return Traceable(Forward(tower, states), (example,), ((ANY, 3, side, side),))


def replace(network: Any, path: str, run: Run, layer: int | None) -> None:
    """Put a compiled tower in the place of the one at a dotted path, whose weights go."""
    tower = network.get_submodule(path)
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, CompiledTower(run, layer, tower.dtype))
