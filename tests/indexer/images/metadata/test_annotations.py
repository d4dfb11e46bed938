"""What people say of an image is read for the catalogue, and nothing bad does harm."""

import os
import time
from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from indexer.images.metadata import xmp
from indexer.images.metadata.annotations import embedded, embedded_in, of_sidecars
from storage.records import Annotations
from tests.search.dedup.xmp_samples import described, packet, photo

PLACE = "<exif:GPSLatitude>38,43.3200N</exif:GPSLatitude>" + (
    "<exif:GPSLongitude>9,8,20.4W</exif:GPSLongitude>"
)
TITLE = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Ferry</rdf:li></rdf:Alt></dc:title>'
DATE = "<exif:DateTimeOriginal>2019-05-02T10:00:00</exif:DateTimeOriginal>"
FULL = packet(TITLE + described("On the Tagus") + PLACE + DATE, 'xmp:Rating="4"', ("sea",))
SAID = Annotations(
    4, ("sea",), "Ferry", "On the Tagus", "2019-05-02T10:00:00", latitude=38.722, longitude=-9.139
)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    + FULL.split(b"?>", 1)[1].replace(b"sea", b"&b;")
)


def sidecar(folder: Path, content: bytes) -> str:
    path = folder / "a.xmp"
    path.write_bytes(content)
    return str(path)


def dated(folder: Path, date: str) -> str | None:
    said = packet(f"<exif:DateTimeOriginal>{date}</exif:DateTimeOriginal>")
    return of_sidecars([sidecar(folder, said)]).taken_at


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "heif", "avif"])
def test_what_a_packet_in_an_image_says_is_read(tmp_path: Path, ending: str) -> None:
    path = photo(tmp_path / f"a.{ending}", FULL)
    assert embedded(BytesIO(path.read_bytes())) == SAID
    assert embedded_in(str(path)) == SAID


def test_a_sidecar_says_the_same(tmp_path: Path) -> None:
    assert of_sidecars([sidecar(tmp_path, FULL)]) == SAID


def test_exif_says_what_xmp_does_not_and_date_and_place_are_left_to_the_camera(
    tmp_path: Path,
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "written by a scanner"
    exif[0x4746] = 2  # Rating
    exif[0x9C9E] = "wind;sea".encode("utf-16-le") + b"\0\0"  # XPKeywords
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2001:01:01 01:01:01"
    path = photo(tmp_path / "a.jpg", packet(keywords=("sea",)), exif.tobytes())
    expected = Annotations(2, ("sea", "wind"), description="written by a scanner")
    assert embedded_in(str(path)) == expected


def test_stars_that_were_taken_back_are_nought_and_not_unknown(tmp_path: Path) -> None:
    assert of_sidecars([sidecar(tmp_path, packet(attributes='xmp:Rating="0"'))]).rating == 0
    assert of_sidecars([sidecar(tmp_path, packet(attributes='xmp:Rating="-1"'))]).rating == -1
    assert of_sidecars([sidecar(tmp_path, packet(attributes='xmp:Rating="9"'))]).rating is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2019", "2019"),
        ("2019-05", "2019-05"),
        ("2019-05-02", "2019-05-02"),
        ("2019-05-02T10:00Z", "2019-05-02T10:00+00:00"),
        ("2019-05-02T10:00:30.25+02:00", "2019-05-02T10:00:30.250+02:00"),
        ("2019:05:02 10:00:30.000", "2019-05-02T10:00:30.000"),  # as darktable writes it
        ("2015:07:04", "2015-07-04"),
        ("2015-07-04T24:08:00", "2015-07-04T00:08:00"),
        ("2015-07-04T12:30:60", "2015-07-04T12:30:59"),
        ("2015-07-04T25:00:00", "2015-07-04"),
        ("2019-13-02", "2019"),
        ("0000-00-00T00:00:00", None),
        ("0001-01-01T00:00:00", None),
        ("1601-01-01T00:00:00Z", None),
        ("9999-01-01", None),
        ("1700-05-02", None),  # no image was taken before 1826
        ("last summer", None),
    ],
)
def test_dates_are_those_of_the_catalogue(tmp_path: Path, written: str, read: str | None) -> None:
    assert dated(tmp_path, written) == read


def test_the_first_sidecar_goes_before_the_others_and_their_keywords_are_united(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "a.jpg.xmp", tmp_path / "a.xmp"
    first.write_bytes(packet(attributes='xmp:Rating="1"', keywords=("wind",)))
    second.write_bytes(FULL)
    said = of_sidecars([str(first), str(second)])
    assert (said.rating, said.keywords, said.title) == (1, ("wind", "sea"), "Ferry")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, FULL[:200], BOMB, FULL + b" " * xmp.LARGEST, b"<a>" * 300_000],
    ids=["empty", "zeros", "cut", "entities", "large", "deep"],
)
def test_a_broken_or_hostile_sidecar_says_nothing(tmp_path: Path, content: bytes) -> None:
    assert of_sidecars([sidecar(tmp_path, content)]) == Annotations()


def test_what_nobody_writes_is_cut_to_what_somebody_may(tmp_path: Path) -> None:
    words = tuple(f"{number} {'long' * 100}" for number in range(2000))
    said = of_sidecars([sidecar(tmp_path, packet(described("x" * 2_000_000), keywords=words))])
    assert len(said.keywords) == 1000
    assert max(map(len, said.keywords)) == 200
    assert len(said.description or "") == 10_000


def test_the_largest_sidecar_is_read_in_a_moment(tmp_path: Path) -> None:
    elements = b"<rdf:Description/>" * (xmp.LARGEST // 20)
    content = FULL.replace(b"</rdf:RDF>", elements + b"</rdf:RDF>")
    assert len(content) < xmp.LARGEST
    began = time.process_time()
    assert of_sidecars([sidecar(tmp_path, content)]) == SAID
    assert time.process_time() - began < 10


def test_a_pipe_is_no_sidecar_and_no_image(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.xmp"
    os.mkfifo(pipe)
    assert of_sidecars([str(pipe)]) == Annotations()
    assert embedded_in(str(pipe)) == Annotations()
    assert embedded(BytesIO(b"no image")) == Annotations()


def test_what_cannot_be_read_just_now_is_no_answer(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.xmp")
    with pytest.raises(FileNotFoundError):
        embedded_in(gone)
    with pytest.raises(FileNotFoundError):
        of_sidecars([sidecar(tmp_path, FULL), gone])


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="Linux alone has such a file")
def test_a_disk_that_fails_while_a_header_is_parsed_is_no_damage_of_the_image() -> None:
    with pytest.raises(OSError, match="Input/output error"):
        embedded_in("/proc/self/mem")  # whose first page cannot be read
    with pytest.raises(OSError, match="Input/output error") as raised:
        of_sidecars(["/proc/self/mem"])
    assert raised.value.filename == "/proc/self/mem"
