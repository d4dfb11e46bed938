import hashlib
from pathlib import Path

import numpy as np
import pytest

from indexer.models import DualEncoder, FakeEncoder
from indexer.models.protocols import Pixels
from storage.errors import InvalidArgument


def squares(count: int, seed: int = 0) -> Pixels:
    return np.random.RandomState(seed).randint(0, 256, (count, 32, 32, 3)).astype(np.uint8)


def test_it_is_a_dual_encoder_of_unit_rows() -> None:
    encoder: DualEncoder = FakeEncoder(dim=48)
    rows = encoder.encode_images(squares(5))
    assert rows.shape == (5, 48) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    assert encoder.space.dimension == 48


def test_a_vector_depends_on_its_image_alone_to_the_last_bit() -> None:
    encoder, many = FakeEncoder(), squares(40)
    together = encoder.encode_images(many)
    apart = np.vstack([FakeEncoder().encode_images(one[None]) for one in many])
    assert np.array_equal(together, apart)


def test_similar_images_are_nearer_than_others() -> None:
    red, blue = np.zeros((2, 32, 32, 3), np.uint8)
    red[..., 0], blue[..., 2] = 220, 220
    noisy = np.clip(red.astype(int) + squares(1)[0] % 20, 0, 255).astype(np.uint8)
    first, second, third = FakeEncoder().encode_images(np.stack([red, noisy, blue]))
    assert first @ second > 0.95 > first @ third


def test_texts_that_share_words_are_nearer_than_others() -> None:
    rows = FakeEncoder().encode_texts(["a red kite", "red Kite", "seven boats"])
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)


def test_grey_and_silence_have_a_direction_too() -> None:
    encoder = FakeEncoder()
    grey = np.full((1, 32, 32, 3), 127, np.uint8)
    assert np.isfinite(encoder.encode_images(grey)).all()
    assert np.isfinite(encoder.encode_texts([""])).all()


def test_nothing_in_is_nothing_out() -> None:
    encoder = FakeEncoder()
    assert encoder.encode_images(squares(0)).shape == (0, 64)
    assert encoder.encode_texts([]).shape == (0, 64)


def test_the_log_gains_the_hash_of_every_encoded_image(tmp_path: Path) -> None:
    log, many = tmp_path / "log", squares(3)
    FakeEncoder(log=log).encode_images(many[:2])
    FakeEncoder(log=log).encode_images(many[2:])
    expected = [hashlib.sha256(one.tobytes()).hexdigest() for one in many]
    assert log.read_text().split() == expected


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="uint8"):
        FakeEncoder().encode_images(np.zeros((1, 64, 64, 3), np.uint8))
