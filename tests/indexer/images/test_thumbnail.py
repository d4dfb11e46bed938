from io import BytesIO

import pytest
from PIL import Image

from indexer.images.thumbnail import thumbnail


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1600, 1200), (512, 384)), ((1200, 1600), (384, 512)), ((300, 200), (300, 200)),
     ((512, 512), (512, 512)), ((9000, 2), (512, 1))],
)  # fmt: skip
def test_a_thumbnail_has_512_pixels_at_most_and_is_never_enlarged(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = Image.new("RGB", size, "orange")
    with Image.open(BytesIO(thumbnail(image))) as small:
        assert (small.format, small.size) == ("WEBP", expected)
    assert image.size == size


def test_a_thumbnail_shows_the_same_colours() -> None:
    with Image.open(BytesIO(thumbnail(Image.new("RGB", (900, 700), (200, 60, 20))))) as small:
        pixel = small.convert("RGB").getpixel((100, 100))
    assert isinstance(pixel, tuple)
    assert all(abs(a - b) < 6 for a, b in zip(pixel, (200, 60, 20), strict=True))
