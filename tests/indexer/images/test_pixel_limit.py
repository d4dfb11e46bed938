"""The check against decompression bombs is of the call, and Pillow's own everywhere else."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier

import pytest
from PIL import Image

from indexer.images.decode import Limits, open_image
from indexer.images.pixel_limit import pixel_limit
from storage.errors import DecodeFailure


def encoded(form: str, width: int = 40, height: int = 30, **options: object) -> bytes:
    stream = BytesIO()
    image = Image.new("RGB", (width, height), "navy")
    image.save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program whose Pillow refuses what has more than 200 pixels, and warns above 100."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000"])
def test_what_our_limit_allows_is_read_without_a_word_whatever_pillows_is(
    form: str, narrow: None
) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert open_image(encoded(form)).width == 40
    assert not said


def test_a_tiff_of_tiles_is_no_exception(narrow: None) -> None:
    # TIFF 6.0, section 15: Pillow checks the size of what is put together from the tiles again.
    data = encoded("TIFF", 64, 64, compression="tiff_deflate", tiffinfo={322: 32, 323: 32})
    assert open_image(data).width == 64


def test_a_jpeg_inside_a_jpeg_xl_is_no_exception(narrow: None) -> None:
    image = Image.open(BytesIO(encoded("JPEG", 9, 9)))  # under Pillow's limit, to be opened here
    stream = BytesIO()
    image.save(stream, "JXL", lossless_jpeg=True)
    with pixel_limit(81):
        assert Image.open(BytesIO(stream.getvalue())).size == (9, 9)
    with pixel_limit(80), pytest.raises(Image.DecompressionBombError):
        Image.open(BytesIO(stream.getvalue()))


def test_a_gif_whose_first_frame_is_larger_than_its_screen_meets_the_limit() -> None:
    # GIF89a, sections 18 and 20: the logical screen and the image have sizes of their own.
    data = bytearray(encoded("GIF"))
    data[6:10] = bytes((1, 0, 1, 0))
    assert open_image(bytes(data), limits=Limits(pixels=1200)).width == 40
    with pytest.raises(DecodeFailure, match="1,200 pixels, the limit is 1,199"):
        open_image(bytes(data), limits=Limits(pixels=1199))


def test_outside_the_block_pillow_checks_as_ever(narrow: None) -> None:
    data = encoded("PNG")
    with pixel_limit(10_000):
        Image.open(BytesIO(data))
    with pytest.raises(Image.DecompressionBombError, match="exceeds limit of 200"):
        Image.open(BytesIO(data))
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(BytesIO(encoded("PNG", 15, 10)))


def test_a_block_that_is_left_by_an_error_ends_all_the_same(narrow: None) -> None:
    with pytest.raises(RuntimeError), pixel_limit(10_000):
        raise RuntimeError
    with pytest.raises(Image.DecompressionBombError):
        Image.open(BytesIO(encoded("PNG")))


def test_each_thread_has_its_own_limit() -> None:
    data, together = encoded("PNG"), Barrier(4)

    def read(pixels: int) -> bool:
        with pixel_limit(pixels):
            together.wait(10)
            try:
                Image.open(BytesIO(data))
            except Image.DecompressionBombError:
                return False
            finally:
                together.wait(10)
            return True

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(read, [1200, 1199, 5000, 10])) == [True, False, True, False]
