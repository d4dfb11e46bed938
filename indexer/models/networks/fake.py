"""The stand-in: a dual encoder without a network, for tests, rehearsals and crash drills.

It is deterministic on every machine, needs numpy alone and understands nothing: images are
near each other when their coarse colours agree, texts when they share words.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.models.files.checkpoint import Checkpoint
from indexer.models.protocols import ImageSpec, Pixels
from storage.records import Matrix, Space, Vector

SIZE = 32  # pixels
GRID = 8  # cells a side that an image is averaged to
DIMENSION = 64
_SEED = 20_241
_REVISION = "1"  # of the arithmetic below; a change of it is a new space


class FakeEncoder:
    """Project coarse colours, and hashed words, into one space.

    `delay` seconds are slept per image, to rehearse a slow tower. `log` gains one line per
    encoded image, the SHA-256 of its pixels in hexadecimal, in one append after the batch is
    encoded and before it is returned; a line outlives `kill -9`.
    """

    context: int | None = None

    def __init__(self, dim: int = DIMENSION, delay: float = 0.0, log: Path | None = None) -> None:
        self.image_spec = ImageSpec(SIZE, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        self.space = Space("stand-in", _REVISION, dim, self.image_spec.canonical())
        self._delay = delay
        self._log = log
        # RandomState: the only numpy generator whose stream is promised never to change.
        drawn = np.random.RandomState(_SEED).standard_normal((GRID * GRID * 3 + 1, dim))
        self._projection = drawn.astype(np.float32)  # the last row keeps grey from being nothing

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "auto") -> "FakeEncoder":
        """Return the plain stand-in; it has no weights and runs anywhere."""
        return cls()

    def encode_images(self, pixels: Pixels) -> Matrix:
        """Encode prepared squares: (n, size, size, 3) uint8 → (n, dim) float32, unit rows."""
        self.image_spec.check(pixels, self.space.name)
        count, cell = len(pixels), SIZE // GRID
        cells = pixels.reshape(count, GRID, cell, GRID, cell, 3).mean(axis=(2, 4))
        colours = (cells / 255 - 0.5).astype(np.float32).reshape(count, GRID * GRID * 3)
        with_last = np.hstack([colours, np.ones((count, 1), np.float32)])
        time.sleep(self._delay * count)
        self._note(pixels)
        # Not a BLAS product: its last bits would depend on what else is in the batch.
        return _unit(np.einsum("nf,fd->nd", with_last, self._projection))

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        """Encode texts: n strings → (n, dim) float32, unit rows."""
        rows = [self._words(text) for text in texts]
        stacked = np.stack(rows) if rows else np.zeros((0, self.space.dimension), np.float32)
        return _unit(stacked)

    def count_tokens(self, text: str) -> int:
        """Return how many words a text has; all of them are read."""
        return len(text.split())

    def _words(self, text: str) -> Vector:
        total = self._projection[-1].copy()
        for word in text.casefold().split():
            seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "replace")).digest()[:4])
            total += np.random.RandomState(seed).standard_normal(len(total)).astype(np.float32)
        return np.asarray(total, np.float32)  # (dim,)

    def _note(self, pixels: Pixels) -> None:
        if self._log is None:
            return
        lines = "".join(f"{hashlib.sha256(one.tobytes()).hexdigest()}\n" for one in pixels)
        file = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(file, lines.encode())
        finally:
            os.close(file)


def _unit(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
