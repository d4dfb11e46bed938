"""The calibration of a captioner's likelihood: a fitted curve, and images that show nothing."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from indexer.models.files.safe_json import read_json
from indexer.models.protocols import Pixels, Scores
from storage.errors import BrokenModel

MATCH = "match.json"
GREY = 128
NOISY = 2  # neutral images of noise, beside the grey one
_SEED = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve from likelihood and prior, both in nats a token, to a probability."""

    likelihood: float
    prior: float
    offset: float

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the curve that was fitted on held-out pairs, where the folder has one.

        Raises BrokenModel for a file that is none.
        """
        path = folder / MATCH
        if not path.is_file():
            return None
        table = read_json(path)
        try:
            curve = cls(*(float(table[field.name]) for field in fields(cls)))
        except (ValueError, TypeError, KeyError):
            curve = cls(np.nan, np.nan, np.nan)
        if not np.isfinite((curve.likelihood, curve.prior, curve.offset)).all():
            names = ", ".join(field.name for field in fields(cls))
            raise BrokenModel(f"{path} must hold the numbers {names}")
        return curve

    def match(self, likelihood: Scores, prior: Scores) -> Scores:
        """Return the probability that texts and images belong together: (n, t) float32, 0 to 1."""
        curve = self.likelihood * likelihood + self.prior * prior + self.offset
        matched: Scores = (0.5 * (1 + np.tanh(curve / 2))).astype(np.float32)  # never overflows
        return matched


def neutral_images(size: int) -> Pixels:
    """Draw images that show nothing: (3, size, size, 3) uint8, one grey, two of noise."""
    # Of numpy's generators this one promises the same numbers for ever, as a calibration needs.
    generator = np.random.RandomState(_SEED)
    noise = generator.randint(0, 256, (NOISY, size, size, 3), np.uint8)
    return np.concatenate([np.full((1, size, size, 3), GREY, np.uint8), noise])
