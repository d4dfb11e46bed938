"""Drawn photos for the tests of duplicates: something to see everywhere, and no two alike."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from indexer.fingerprint import local_features, perceptual_hashes
from search.duplicates.agreement import small
from search.duplicates.compare import Look
from storage.records import Capture


def photo(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """Draw a scene of hundreds of shapes over a soft ground."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 215, (6, 8, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(160):
        x, y = (int(rng.integers(0, side)) for side in size)
        wide, high = (int(side) for side in rng.integers(6, 60, 2))
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        if rng.random() < 0.5:
            draw.ellipse((x, y, x + wide, y + high), colour)
        else:
            draw.polygon([(x, y), (x + wide, y + high // 3), (x + wide // 3, y + high)], colour)
    return image.filter(ImageFilter.GaussianBlur(0.8))


def look(image: Image.Image, capture: Capture | None = None, features: bool = True) -> Look:
    """Take a picture's fingerprints, as the product does from its thumbnail."""
    hashes, quality = perceptual_hashes(image)
    return Look(
        hashes,
        quality,
        small(np.asarray(image)),
        capture or Capture(),
        local_features(image) if features else None,
    )
