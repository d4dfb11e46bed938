"""A reader without a network: it knows red, green and blue, and plays every role."""

from collections.abc import Sequence

import numpy as np

from indexer.models.protocols import ImageSpec, Pixels, Scores, Turn

COLOURS = ("red", "green", "blue")


class ColourReader:
    """Names the strongest colour of an image; `silent` says nothing at all."""

    name = "colours"
    revision = "1"
    image_spec = ImageSpec(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    context: int | None = None

    def __init__(self, calibrated: bool = True, silent: bool = False) -> None:
        self.calibrated, self.silent = calibrated, silent
        self.score_weight = 10.0
        self.asked: list[tuple[str, str]] = []  # the names and roles it was loaded by

    def load(self, name: str, role: str) -> "ColourReader":
        """Stand in for the loader's `load_reader`."""
        self.asked.append((name, role))
        return self

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def score(self, pixels: Pixels, texts: Sequence[str]) -> Scores:
        seen = self._seen(pixels)
        likely, unlikely = (0.9, 0.1) if self.calibrated else (-1.0, -5.0)
        rows = [[likely if colour in text else unlikely for text in texts] for colour in seen]
        return np.array(rows, np.float32)

    def describe(self, pixels: Pixels) -> list[str]:
        return ["" if self.silent else f"a {colour} wall" for colour in self._seen(pixels)]

    def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
        return self._seen(pixels)

    def chat(self, pixels: Pixels, turns: Sequence[Turn]) -> str:
        return "" if self.silent else f"{len(turns)}: {', '.join(self._seen(pixels))}"

    @staticmethod
    def _seen(pixels: Pixels) -> list[str]:
        means = pixels.reshape(len(pixels), -1, 3).mean(axis=1)  # (n, 3)
        return [COLOURS[channel] for channel in means.argmax(axis=1)]
