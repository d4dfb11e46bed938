"""Fingerprints: the published hash, alike under what copies go through, and never a crash."""

import numpy as np
import pdqhash
import pytest
from PIL import Image

from indexer.images.fingerprint import (
    MOST_FEATURES,
    TURNS,
    local_features,
    perceptual_hashes,
    turned,
)
from tests.drawn_images import photo


def test_hashes_have_eight_forms_and_a_quality() -> None:
    hashes, quality = perceptual_hashes(photo(1))
    assert hashes.shape == (8, 32)
    assert hashes.dtype == np.uint8
    assert quality == 100


def test_the_eight_forms_are_those_of_the_turned_image() -> None:
    mirrored = perceptual_hashes(photo(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT))[0]
    own = perceptual_hashes(photo(1))[0]
    assert np.bitwise_count(mirrored[0] ^ own[5]).sum() <= 12
    assert np.bitwise_count(mirrored[0] ^ own[0]).sum() > 80


SMALL = [(160, 100), (100, 160), (128, 128), (256, 256), (255, 171)]


@pytest.mark.parametrize("size", SMALL)
def test_small_images_hash_as_pdq_does(size: tuple[int, int]) -> None:
    image = photo(3, size)
    hashes, quality = perceptual_hashes(image)
    published, its_quality = pdqhash.compute(np.asarray(image))
    assert (np.unpackbits(hashes[0]) == published).all()
    assert quality == its_quality


@pytest.mark.parametrize("size", [(480, 360), (512, 321), (1600, 1004), (257, 257)])
def test_larger_images_hash_nearly_as_pdq_does(size: tuple[int, int]) -> None:
    image = photo(3, size)
    published, _ = pdqhash.compute(np.asarray(image))
    assert np.count_nonzero(np.unpackbits(perceptual_hashes(image)[0][0]) != published) <= 20


@pytest.mark.parametrize("form", range(1, 8), ids=TURNS[1:])
@pytest.mark.parametrize("size", SMALL)
def test_a_small_image_turned_has_exactly_the_form_of_its_turn(
    size: tuple[int, int], form: int
) -> None:
    image = photo(4, size)
    own = perceptual_hashes(image)[0]
    copy = Image.fromarray(turned(np.asarray(image), form))
    assert (perceptual_hashes(copy)[0][0] == own[form]).all()


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_small_copy_stays_near_its_original(share: float) -> None:
    image = photo(5, (512, 400))
    own = perceptual_hashes(image)[0]
    copy = image.resize((round(512 * share), round(400 * share)), Image.Resampling.BICUBIC)
    mirrored = copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for small, form in ((copy, 0), (mirrored, 5)):
        assert np.bitwise_count(perceptual_hashes(small)[0][0] ^ own[form]).sum() < 40


def test_features_are_few_and_lie_inside() -> None:
    features = local_features(photo(1))
    assert 50 < len(features.codes) <= MOST_FEATURES
    assert features.codes.shape[1] == 16
    assert features.points.shape == (len(features.codes), 4)
    assert (features.points[:, :2] >= 0).all()
    assert (features.points[:, :2] <= 1).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3, 2), (512, 512)])
def test_plain_and_tiny_images_have_poor_fingerprints(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "#87ceeb")
    assert perceptual_hashes(image)[1] < 50
    assert len(local_features(image).codes) == 0


def test_fingerprints_are_the_same_on_every_run() -> None:
    first, second = local_features(photo(2)), local_features(photo(2))
    assert (first.codes == second.codes).all()
    assert (first.points == second.points).all()
