from io import BytesIO

import pytest
from PIL import Image

from indexer.images.formats import jxl


@pytest.mark.parametrize("size", [(64, 64), (640, 480), (17, 1000), (3000, 8), (1920, 1080)])
@pytest.mark.parametrize("container", [False, True])
def test_the_size_is_read_from_the_header(size: tuple[int, int], container: bool) -> None:
    into = BytesIO()
    Image.new("RGB", size, "plum").save(into, "JXL", use_container=container, effort=1)
    assert jxl.dimensions(into.getvalue()) == size


@pytest.mark.parametrize(
    "data", [b"", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(64)]
)
def test_a_header_cut_short_has_no_size(data: bytes) -> None:
    assert jxl.dimensions(data) is None
