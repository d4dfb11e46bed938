"""The speed of a library's model on this machine, for `sightline doctor`."""

import time
from collections.abc import Iterator

import numpy as np

from indexer.models.compiled.loader import ModelLoader
from indexer.models.protocols import DualEncoder

SECONDS = 2.0  # for each size of batch
_BATCHES = (1, 8, 32)


def measured(loader: ModelLoader, name: str, revision: str = "") -> Iterator[str]:
    """Measure a dual encoder for a few seconds; yields a line for each finding.

    Raises what `ModelLoader.load` raises.
    """
    began = time.perf_counter()
    encoder = loader.load(name, revision)
    encoder.encode_texts(["a photo of a dog"])
    yield f"ready for a first text after {time.perf_counter() - began:.2f} s"
    began = time.perf_counter()
    for number in range(5):
        encoder.encode_texts([f"a photo of {number} dogs"])
    yield f"a text in {(time.perf_counter() - began) / 5 * 1e3:.0f} ms"
    for batch in _BATCHES:
        yield f"{_rate(encoder, batch):,.1f} images/s, {batch} at once"


def _rate(encoder: DualEncoder, batch: int) -> float:
    """Return how many ready images are encoded in a second, so many at once."""
    side = encoder.image_spec.size
    pixels = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), np.uint8)
    encoder.encode_images(pixels)  # what is made once, at the first call, does not count
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        encoder.encode_images(pixels)
        done += batch
    return done / (time.perf_counter() - began)
