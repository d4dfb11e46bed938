"""What a model must be able to do to take part, as protocols.

A capability is data or a method declared here; nothing asks `hasattr`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from json import dumps
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from storage.records import Matrix, Space

Pixels = npt.NDArray[np.uint8]  # (size, size, 3) RGB, or a batch (n, size, size, 3)


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """How a picture becomes the square a tower sees; plain data, so workers need no torch.

    `size` in pixels; `mean` and `std` per channel on the 0–1 scale; `resize` is "shortest"
    (short side to size, centre crop), "longest" (pad) or "squash" (both sides to size).
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize: Literal["shortest", "longest", "squash"] = "shortest"
    fill: int = 0

    def canonical(self) -> str:
        """Return the same JSON for the same spec, to be stored with the space."""
        return dumps(asdict(self), sort_keys=True)


class DualEncoder(Protocol):
    """A picture tower and a text tower into one space."""

    space: Space
    pictures: PictureSpec

    def encode_pictures(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows."""

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows."""
