"""From an item to prepared pixels: the file, else the thumbnail, else nothing."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer import Limits, Report
from indexer.images.decode import open_image
from indexer.images.preprocess import prepare, sides_needed
from search.images import ImageReader, read_external
from storage import Item, Library
from storage.errors import DecodeFailure, PathNotFound
from tests.search.readers import SPEC

Index = Callable[..., Report]


@pytest.fixture
def items(library: Library, photos: Path, index: Index) -> list[Item]:
    """The items of six photos."""
    index(photos)
    return [library.find(str(path)) for path in sorted(photos.rglob("*.png"))]


def test_pixels_are_those_of_the_file_in_the_order_asked(
    library: Library, items: list[Item]
) -> None:
    images = ImageReader(library)
    read = images.read(items, SPEC)
    assert [one.item for one in read] == items
    assert {one.source for one in read} == {"file"}
    for one in read:
        opened = open_image(one.item.paths[0], smallest=sides_needed(SPEC))
        assert one.pixels is not None
        np.testing.assert_array_equal(one.pixels, prepare(opened.image, SPEC))
    assert images.notices("") == []


def test_a_missing_file_is_read_from_its_thumbnail(library: Library, items: list[Item]) -> None:
    os.unlink(items[0].paths[0])
    images = ImageReader(library)
    [first, second] = images.read(items[:2], SPEC)
    assert (first.source, second.source) == ("thumbnail", "file")
    assert first.pixels is not None and first.pixels.shape == (16, 16, 3)
    assert (images.from_thumbnails, images.unreadable) == (1, 0)


@pytest.mark.parametrize("written", [b"", b"not an image", None])
def test_a_file_that_changed_is_not_taken_for_what_was_indexed(
    library: Library, items: list[Item], written: bytes | None
) -> None:
    path = Path(items[0].paths[0])
    # As many bytes as before, but others: only the hash tells.
    path.write_bytes(written if written is not None else path.read_bytes()[::-1])
    assert ImageReader(library).read(items[:1], SPEC)[0].source == "thumbnail"


def test_a_file_that_goes_while_it_is_looked_at_is_read_from_its_thumbnail(
    library: Library, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: str) -> int:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os.path, "getsize", gone)
    assert ImageReader(library).read(items[:1], SPEC)[0].source == "thumbnail"


def test_a_copy_elsewhere_will_do(
    library: Library, photos: Path, items: list[Item], index: Index
) -> None:
    copy = photos / "copy.png"
    copy.write_bytes((photos / "0.png").read_bytes())
    index(photos)
    item = library.find(str(copy))
    (photos / "0.png").unlink()
    assert ImageReader(library).read([item], SPEC)[0].source == "file"


def test_neither_file_nor_thumbnail_is_nothing(library: Library, items: list[Item]) -> None:
    os.unlink(items[0].paths[0])
    library.thumbnails.delete([items[0].hash])
    images = ImageReader(library)
    assert images.read(items[:1], SPEC)[0].pixels is None
    assert images.notices("so be it") == [
        "1 image was not read, neither file nor thumbnail: so be it"
    ]


def test_a_pipe_in_the_place_of_a_file_is_not_opened(library: Library, items: list[Item]) -> None:
    os.unlink(items[0].paths[0])
    os.mkfifo(items[0].paths[0])
    assert ImageReader(library).read(items[:1], SPEC)[0].source == "thumbnail"


def test_the_process_is_left_as_it_was(library: Library, items: list[Item]) -> None:
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    ImageReader(library, Limits(pixels=50_000_000)).read(items * 5, SPEC)
    assert Image.MAX_IMAGE_PIXELS == limit
    assert list(warnings.filters) == filters


def test_an_image_outside_the_library_is_held_to_the_limits(photos: Path) -> None:
    path = str(photos / "0.png")
    content, pixels = read_external(path, SPEC, Limits())
    assert len(content) == 64 and pixels.shape == (16, 16, 3)
    with pytest.raises(DecodeFailure, match="0.png.*the limit is 1,000"):
        read_external(path, SPEC, Limits(pixels=1000))
    with pytest.raises(PathNotFound, match="nowhere"):
        read_external(str(photos / "nowhere.png"), SPEC, Limits())
