"""The directories of a TIFF: pages and raw images are held, small previews are not."""

from pathlib import Path
from typing import Any

import pytest

from search.dedup.extras import lacking
from tests.search.dedup.extras.containers import (
    NOISE,
    Tag,
    contents,
    drawn,
    encoded,
    kinds,
    tiff_bytes,
)

SUBFILE, WIDTH, HEIGHT, PHOTOMETRIC, SUB_IFDS, SAMPLES, LAYERS = 254, 256, 257, 262, 330, 338, 37724


def directory(width: int = 100, *more: Tag) -> list[Tag]:
    return sorted([(WIDTH, 3, [width]), (HEIGHT, 3, [width]), *more])


FIRST = directory()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("directories", "found"),
    [
        ([FIRST], []),
        ([FIRST, directory(10, (SUBFILE, 4, [1]))], []),  # a preview
        ([FIRST, directory(10, (255, 3, [2]))], []),
        ([FIRST, directory(100), directory(50)], ["page", "page"]),
        ([FIRST, directory(100, (SUBFILE, 4, [2]))], ["page"]),
        ([FIRST, directory(100, (SUBFILE, 4, [4]))], ["matte"]),
        ([directory(100, (SUB_IFDS, 4, [-2])), directory(50, (SUBFILE, 4, [1]))], []),
        ([directory(100, (SUB_IFDS, 13, [-2, -3])), directory(9), directory(9)], ["image"] * 2),
        # A DNG begins with its preview: a viewer of TIFFs shows that.
        (
            [
                directory(10, (SUBFILE, 4, [1]), (SUB_IFDS, 4, [-2])),
                directory(100, (PHOTOMETRIC, 3, [32803])),
            ],
            ["raw image"],
        ),
        (
            [
                directory(10, (SUBFILE, 4, [1]), (SUB_IFDS, 4, [-2])),
                directory(100, (SUBFILE, 4, [1])),
            ],
            ["image"],
        ),
        ([directory(100, (LAYERS, 7, NOISE))], ["layers"]),
        ([directory(100, (LAYERS, 7, NOISE[:99]))], []),
        ([directory(100, (SAMPLES, 3, [2]))], []),
        ([directory(100, (SAMPLES, 3, [2, 0]))], ["channels"]),
        ([directory(100, (SAMPLES, 3, [0]))], ["channels"]),
    ],
)
def test_directories_are_told_apart(
    tmp_path: Path, order: str, big: bool, directories: list[list[Tag]], found: list[str]
) -> None:
    assert kinds(tmp_path, tiff_bytes(directories, order, big)) == found


@pytest.mark.parametrize("how", [{}, {"compression": "tiff_lzw"}, {"compression": "jpeg"}])
def test_pages_as_pillow_writes_them(tmp_path: Path, how: dict[str, Any]) -> None:
    pages = [drawn(colour=colour) for colour in ("red", "gold")]
    assert kinds(tmp_path, encoded("TIFF", **how)) == []
    assert (
        kinds(tmp_path, encoded("TIFF", save_all=True, append_images=pages, **how)) == ["page"] * 2
    )


def test_what_no_directory_speaks_of_stands_behind(tmp_path: Path) -> None:
    plain = encoded("TIFF", drawn((300, 200)), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    assert kinds(tmp_path, plain) == []
    assert kinds(tmp_path, plain + NOISE) == ["data"]


@pytest.mark.parametrize(
    "data",
    [
        tiff_bytes([FIRST])[:20],
        b"II*\0\x08\0\0\0" + b"\xff\xff" + NOISE,
        b"II*\0\xff\xff\xff\xff",
        tiff_bytes([directory(100, (SUB_IFDS, 4, [10_000_000]))]),
    ],
)
def test_one_that_is_not_understood_may_hold_more(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == ["unknown"]


def test_directories_that_lead_round_in_circles_come_to_an_end(tmp_path: Path) -> None:
    data = bytearray(tiff_bytes([FIRST, directory(100, (SUB_IFDS, 4, [8, 8, 8]))]))
    assert kinds(tmp_path, bytes(data)) == ["page"]


def test_a_georeference_is_held_and_known_again(tmp_path: Path) -> None:
    keys: Tag = (34735, 3, [1, 1, 0, 1, 1024, 0, 1, 1])
    ties: Tag = (33922, 3, list(range(24)))
    one, other, elsewhere = (
        contents(tmp_path, tiff_bytes([directory(100, *more)]))
        for more in ((ties, keys), ((270, 2, b"a note"), ties, keys), (keys,))
    )
    assert [each.kind for each in one.extras] == ["georeference"]
    assert lacking(one, other) == ()
    assert lacking(one, elsewhere) == one.extras


def test_a_tiff_of_no_known_place_has_no_georeference(tmp_path: Path) -> None:
    assert kinds(tmp_path, tiff_bytes([directory(100, (33432, 2, b"Copyright"))])) == []
