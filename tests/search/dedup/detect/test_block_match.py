"""Pixels are held against pixels whatever shape the images have."""

from itertools import product

import numpy as np
import pytest
from PIL import Image

from indexer.images.fingerprint import local_features, perceptual_hashes
from search.dedup.detect.align import Alignment
from search.dedup.detect.block_match import agreement, small
from search.dedup.detect.compare import ImageSignature, compare
from search.dedup.detect.kinds import Thresholds
from storage.records import Capture
from tests.drawn_images import photo

SHAPES = [(1, 1), (1, 900), (900, 1), (2, 4000), (7, 160), (160, 8), (40, 900), (9, 9), (200, 120)]
AS_IT_LIES = Alignment(np.array([[1.0, 0, 0], [0, 1.0, 0]]), 9)


def noise(height: int, width: int) -> Image.Image:
    rng = np.random.default_rng(height * width)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize(("one", "other"), list(product(SHAPES, SHAPES)))
def test_any_two_shapes_can_be_compared(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = (small(np.asarray(noise(*shape))) for shape in (one, other))
    for alignment in (None, AS_IT_LIES):
        assert 0 <= agreement(first, second, alignment).share <= 1


@pytest.mark.parametrize("shape", SHAPES)
def test_what_has_no_whole_block_agrees_with_nothing(shape: tuple[int, int]) -> None:
    image = noise(*shape)
    look = ImageSignature(
        np.zeros((8, 32), np.uint8),
        100,  # a hash that means something, and is the same
        small(np.asarray(image)),
        Capture(),
        local_features(image),
    )
    assert perceptual_hashes(image)[0].shape == (8, 32)
    found = compare(look, look, Thresholds())
    assert (found is not None) == (shape in ((160, 8), (200, 120)))


def test_strips_of_20_to_1_are_still_compared() -> None:
    strip = small(np.asarray(photo(1, (3200, 160))))
    assert strip.shape[:2] == (8, 160)
    assert agreement(strip, strip).share == 1
