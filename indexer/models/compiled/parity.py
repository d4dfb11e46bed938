"""The check of an export: it and the library's own class see the same photos and texts.

The photos are six small ones that come with the program (`photos/CREDITS.tsv`), each in full and
mirrored, in batches of several sizes, since a traced network may have learnt the size of one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageOps

from indexer.images.preprocess import prepare
from indexer.models.compiled.precision import LEAST_COSINE, MOST_NATS, MOST_SCORE_ERROR, Precision
from indexer.models.protocols import ImageSpec, Pixels, Scores
from storage.errors import SightlineError
from storage.records import Matrix

_PHOTOS = Path(__file__).with_name("photos")
TEXTS = (
    "a photo of a dog",
    "two cats sleeping on a red sofa",
    "x",
    "",
    "A street at night, with neon signs: don't walk!",
    "Ein Café am Fluß – „Grüße“ 12:30",
    "赤い鳥 と 青い花",
    "🎉 party &amp; cake",
    "a red circle above a small blue square on white ground",
    "one two three four five six seven eight nine ten " * 12,  # longer than any context
)
SCORED_TEXTS = (*TEXTS[:3], TEXTS[4], TEXTS[-1])
BATCHES = (1, 3, 4)  # rows at a time, in turn


class Encoder(Protocol):
    """A side of a dual encoder's check."""

    def encode_images(self, pixels: Pixels) -> Matrix: ...
    def encode_texts(self, texts: Sequence[str]) -> Matrix: ...


class Scorer(Protocol):
    """A side of a pair scorer's check; `measure` is that of a captioner alone."""

    has_prior: bool

    def measure(self, pixels: Pixels, texts: Sequence[str]) -> tuple[Scores, Scores]: ...
    def score(self, pixels: Pixels, texts: Sequence[str]) -> Scores: ...


class OutOfTolerance(Exception):
    """An export that differs from the library's class by more than its precision may."""


def check_encoder(own: Encoder, export: Encoder, spec: ImageSpec, precision: Precision) -> float:
    """Return the least cosine between the vectors of both; raises OutOfTolerance."""
    squares = photos(spec)
    images, texts = own.encode_images(squares), own.encode_texts(TEXTS)
    with _refused():
        found = _stacked(export.encode_images, squares), _stacked(export.encode_texts, TEXTS)
    least = min(_least(images, found[0]), _least(texts, found[1]))
    if not least >= LEAST_COSINE[precision]:
        raise OutOfTolerance(
            f"in {precision} its vectors are only {least:.4f} like those of the library's class, "
            f"and must be {LEAST_COSINE[precision]}"
        )
    return least


def check_scorer(own: Scorer, export: Scorer, spec: ImageSpec, precision: Precision) -> float:
    """Return the most that a score of both differs; raises OutOfTolerance."""
    squares, texts = photos(spec)[::3], SCORED_TEXTS  # every pair is a pass through the text stack
    scores = own.score(squares, texts)
    with _refused():
        most = float(np.abs(scores - export.score(squares, texts)).max())
    if own.has_prior:  # which a probability may hide: both are 0 for texts it cannot have said
        measured = own.measure(squares, texts)
        with _refused():
            pairs = zip(measured, export.measure(squares, texts), strict=True)
            nats = max(float(np.abs(one - other).max()) for one, other in pairs)
        most = max(most, nats * MOST_SCORE_ERROR / MOST_NATS)
    if not most <= MOST_SCORE_ERROR:
        raise OutOfTolerance(
            f"in {precision} its scores differ by {most:.4f} from those of the library's class, "
            f"and may by {MOST_SCORE_ERROR}"
        )
    return most


def check_tower(
    own: Callable[[Any], Any], run: Callable[[Any], Any], spec: ImageSpec, precision: Precision
) -> float:
    """Return the least cosine between the states of both at any place; raises OutOfTolerance.

    `own` is the module of torch, `run` the export's, both of (m, 3, s, s) float32.
    """
    import torch

    scaled = photos(spec)[:6].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    with torch.inference_mode():
        states = own(torch.from_numpy(np.ascontiguousarray(scaled))).numpy()
    width = states.shape[-1]
    least = _least(
        _unit(states.reshape(-1, width)), _unit(_stacked(run, scaled).reshape(-1, width))
    )
    if not least >= LEAST_COSINE[precision]:
        raise OutOfTolerance(
            f"in {precision} its image tower is only {least:.4f} like that of the library's class, "
            f"and must be {LEAST_COSINE[precision]}"
        )
    return least


@contextmanager
def _refused() -> Iterator[None]:
    """Raise OutOfTolerance for what an export returns that is no answer at all."""
    try:
        yield
    except SightlineError as error:  # a vector or a score that is not a number, for instance
        raise OutOfTolerance(f"it does not work ({error})") from None


def photos(spec: ImageSpec) -> Pixels:
    """Return the photos of the check, prepared: (12, size, size, 3) uint8."""
    squares = []
    for path in sorted(_PHOTOS.glob("*.jpg")):
        with Image.open(path) as image:
            upright = image.convert("RGB")
        squares += [prepare(upright, spec), prepare(ImageOps.mirror(upright), spec)]
    return np.stack(squares)


def _stacked(encode: Callable[[Any], Matrix], rows: Any) -> Matrix:
    """Encode rows in batches of the sizes of `BATCHES` in turn."""
    parts: list[Matrix] = []
    start = turn = 0
    while start < len(rows):
        size = BATCHES[turn % len(BATCHES)]
        parts.append(encode(rows[start : start + size]))
        start, turn = start + size, turn + 1
    return np.concatenate(parts)


def _least(one: Matrix, other: Matrix) -> float:
    return float(np.einsum("nd,nd->n", one, other).min())


def _unit(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
