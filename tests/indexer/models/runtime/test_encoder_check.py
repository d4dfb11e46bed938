from collections.abc import Sequence

import numpy as np
import pytest

from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import Pixels
from indexer.models.runtime.encoder_check import check_encoder
from storage.errors import BrokenModel, EncodeFailure
from storage.records import Matrix


class Blind(FakeEncoder):
    """Gives each image the same vector, but for rounding."""

    def encode_images(self, pixels: Pixels) -> Matrix:
        rows = super().encode_images(pixels[[0] * len(pixels)])
        return rows + np.float32(1e-7) * np.arange(len(rows), dtype=np.float32)[:, None]


class Deaf(FakeEncoder):
    """Knows no word."""

    def _words(self, text: str) -> Matrix:
        return super()._words("unknown " * len(text.split()))


class Padded(FakeEncoder):
    """Reads what fills a text up as words of it."""

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        longest = max(len(text.split()) for text in texts)
        return super().encode_texts(
            [text + " pad" * (longest - len(text.split())) for text in texts]
        )


class Infinite(FakeEncoder):
    """Gives a vector that is none."""

    def encode_images(self, pixels: Pixels) -> Matrix:
        return super().encode_images(pixels) * np.float32(np.inf)


class Broken(FakeEncoder):
    """Notices itself that its vector is none."""

    def encode_images(self, pixels: Pixels) -> Matrix:
        raise EncodeFailure("it returned a vector that is not a finite direction")


def test_an_encoder_that_tells_things_apart_passes() -> None:
    check_encoder(FakeEncoder(), "/models/fine")


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (Blind(), "the model /models/bad gives every image the same vector: its files are of"),
        (Deaf(), "the model /models/bad gives every text the same vector: its files are of"),
        (Padded(), "the model /models/bad gives a short text another vector beside a longer one"),
        (Infinite(), "the model /models/bad gives every image the same vector"),
        (Broken(), "the model /models/bad does not work: it returned a vector that is not"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of infinite numbers
def test_one_that_does_not_is_a_broken_model(encoder: FakeEncoder, message: str) -> None:
    with pytest.raises(BrokenModel, match=message):
        check_encoder(encoder, "/models/bad")
