"""The boxes and codestreams of JPEG 2000: further images, foreign boxes, what stands behind."""

import struct
from pathlib import Path

import pytest

from tests.search.dedup.extras.containers import NOISE, box, drawn, encoded, kinds, video

BOXED = encoded("JPEG2000", drawn((64, 64)))
BARE = encoded("JPEG2000", drawn((64, 64)), no_jp2=True)
# The box of a GeoTIFF (GeoJP2, as in OGC 05-047r3).
GEO_JP2 = b"\xb1\x4b\xf8\xbd\x08\x3d\x4b\x43\xa5\xae\x8c\xd7\xd5\xa6\xce\x03"


def open_ended() -> bytes:
    """Make one whose codestream's box goes on to the end of the file (ITU-T T.800, I.4)."""
    at = BOXED.index(b"jp2c") - 4
    return BOXED[:at] + bytes(4) + BOXED[at + 4 :]


@pytest.mark.parametrize("data", [BOXED, BARE, open_ended(), BOXED + box(b"xml ", NOISE)])
def test_one_image_is_all_it_holds(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == []


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (BOXED + box(b"jp2c", BARE), "image"),
        (BOXED + box(b"uuid", bytes(16), NOISE), "data"),
        (BOXED + box(b"uuid", GEO_JP2, encoded("TIFF", drawn((1, 1)))), "georeference"),
        (BOXED + b"\0\0\0\1" + NOISE, "data"),
        (BARE + NOISE, "data"),
        (open_ended() + video(), "video"),
    ],
)
def test_what_no_viewer_shows_is_found(tmp_path: Path, data: bytes, found: str) -> None:
    assert kinds(tmp_path, data) == [found]


def test_a_codestream_that_does_not_tell_where_it_ends_is_not_understood(tmp_path: Path) -> None:
    part = BARE.index(b"\xff\x90")
    data = BARE[: part + 6] + struct.pack(">I", 0) + BARE[part + 10 :]
    assert kinds(tmp_path, data) == ["unknown"]
    assert kinds(tmp_path, BOXED[:60]) == ["unknown"]
