"""Fingerprints: the published hash, alike under what copies go through, and never a crash."""

import numpy as np
import pytest
from PIL import Image

from indexer.fingerprint import MOST_FEATURES, local_features, perceptual_hashes
from tests.search.duplicates.drawn import photo


def test_hashes_have_eight_forms_and_a_quality() -> None:
    hashes, quality = perceptual_hashes(photo(1))
    assert hashes.shape == (8, 32)
    assert hashes.dtype == np.uint8
    assert quality == 100


def test_the_eight_forms_are_those_of_the_turned_picture() -> None:
    mirrored = perceptual_hashes(photo(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT))[0]
    own = perceptual_hashes(photo(1))[0]
    assert np.bitwise_count(mirrored[0] ^ own[5]).sum() <= 12
    assert np.bitwise_count(mirrored[0] ^ own[0]).sum() > 80


def test_features_are_few_and_lie_inside() -> None:
    features = local_features(photo(1))
    assert 50 < len(features.codes) <= MOST_FEATURES
    assert features.codes.shape[1] == 16
    assert features.points.shape == (len(features.codes), 4)
    assert (features.points[:, :2] >= 0).all()
    assert (features.points[:, :2] <= 1).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3, 2), (512, 512)])
def test_plain_and_tiny_pictures_have_poor_fingerprints(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "#87ceeb")
    assert perceptual_hashes(image)[1] < 50
    assert len(local_features(image).codes) == 0


def test_fingerprints_are_the_same_on_every_run() -> None:
    first, second = local_features(photo(2)), local_features(photo(2))
    assert (first.codes == second.codes).all()
    assert (first.points == second.points).all()
