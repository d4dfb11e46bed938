"""The protocols of models by role.

A capability is data or a method declared here; nothing asks `hasattr`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from json import dumps, loads
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from storage.errors import InvalidArgument
from storage.records import Matrix, Space

Role = Literal["dual-encoder", "pair-scorer", "captioner", "answerer", "dialogue"]
Scores = npt.NDArray[np.float32]  # (images, texts)
Pixels = npt.NDArray[np.uint8]  # (size, size, 3) RGB, or a batch (n, size, size, 3)


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The preprocessing of an image into the input square of a tower; plain data, without torch.

    `size` in pixels; `mean` and `std` per channel on the 0–1 scale; `resize` is "shortest"
    (short side to size, centre crop), "longest" (pad) or "squash" (both sides to size). `crop`
    above 0 resizes to `crop` pixels instead and cuts the middle `size` out, as the transformers
    library does: an odd pixel too many goes from the end, where open_clip rounds to even.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Literal["bicubic", "bilinear", "nearest", "lanczos"] = "bicubic"
    resize: Literal["shortest", "longest", "squash"] = "shortest"
    fill: int = 0
    crop: int = 0

    def canonical(self) -> str:
        """Return the same JSON for the same spec, to be stored with the space."""
        table = asdict(self)
        if not self.crop:
            del table["crop"]  # as it was written before there was one
        return dumps(table, sort_keys=True)

    @classmethod
    def parse(cls, written: str) -> "ImageSpec":
        """Read what `canonical` wrote."""
        table: dict[str, Any] = loads(written)
        for name in ("mean", "std"):
            table[name] = tuple(table[name])
        return cls(**table)

    def check(self, pixels: Pixels, model: str) -> None:
        """Raise InvalidArgument for what is no batch of squares prepared for that model."""
        wanted = (self.size, self.size, 3)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != wanted:
            raise InvalidArgument(
                f"images of {model} are uint8 (n, {self.size}, {self.size}, 3), "
                f"not {pixels.dtype} {pixels.shape}"
            )


class TextReader(Protocol):
    """The context length of a model that reads texts."""

    @property
    def context(self) -> int | None:
        """Return the maximum of tokens read, special tokens included; None for no limit."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, marks included, whether they are read or not."""


class DualEncoder(TextReader, Protocol):
    """An image tower and a text tower into one space."""

    space: Space
    image_spec: ImageSpec

    def encode_images(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows."""

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a dialogue about images."""

    speaker: Literal["person", "model"]
    text: str


class VisionLanguageModel(Protocol):
    """The common properties of models that read an image again."""

    name: str  # as `--rerank-model` and the rest take it, in its canonical form
    revision: str
    image_spec: ImageSpec


class PairScorer(VisionLanguageModel, TextReader, Protocol):
    """Scores how well a text fits an image."""

    calibrated: bool  # scores are probabilities, 0 to 1; else log-likelihoods with no common zero
    # What a first-stage cosine of 1 weighs beside this scorer's log-odds (or log-likelihoods).
    score_weight: float

    def score(self, pixels: Pixels, texts: Sequence[str]) -> Scores:
        """Score every pair: (n, size, size, 3) uint8 and t texts → (n, t) float32.

        Each image's features are computed once, whatever the number of texts.
        """


class Captioner(VisionLanguageModel, Protocol):
    """Captions images."""

    def describe(self, pixels: Pixels) -> list[str]:
        """Describe each image in one sentence; an empty string where the model says nothing."""


class Answerer(VisionLanguageModel, TextReader, Protocol):
    """Answers questions about images."""

    def answer(self, pixels: Pixels, questions: Sequence[str]) -> list[str]:
        """Answer one question about each image: n images and n questions → n answers."""


class ChatModel(VisionLanguageModel, Protocol):
    """Holds a dialogue of several turns about one or several images."""

    def chat(self, pixels: Pixels, turns: Sequence[Turn]) -> str:
        """Return the next reply; the last turn is a person's."""
