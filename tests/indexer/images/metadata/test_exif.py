import struct
from io import BytesIO
from typing import Any

import pytest
from PIL import ExifTags, Image, TiffImagePlugin, TiffTags
from PIL.TiffImagePlugin import IFDRational

from indexer.images.metadata.exif import capture, orientation, read
from storage.records import Capture
from tests.indexer.exif_block import (
    ASCII,
    EXIF_POINTER,
    GPS_POINTER,
    LONG,
    RATIONAL,
    SIGNED_RATIONAL,
    UTF8,
    block,
    rationals,
)

BASE, GPS, IFD = ExifTags.Base, ExifTags.GPS, ExifTags.IFD


def image(
    main: dict[Any, Any] | None = None,
    detail: dict[Any, Any] | None = None,
    place: dict[Any, Any] | None = None,
) -> Image.Image:
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(IFD.Exif).update(detail or {})
    exif.get_ifd(IFD.GPSInfo).update(place or {})
    into = BytesIO()
    Image.new("RGB", (8, 8)).save(into, "JPEG", exif=exif)
    return Image.open(into)


def place(latitude: Any, north: Any, longitude: Any, east: Any) -> dict[Any, Any]:
    return {
        GPS.GPSLatitudeRef: north,
        GPS.GPSLatitude: latitude,
        GPS.GPSLongitudeRef: east,
        GPS.GPSLongitude: longitude,
    }


def test_an_image_without_exif_says_nothing() -> None:
    assert capture(Image.new("RGB", (8, 8))) == Capture()
    assert orientation(Image.new("RGB", (8, 8))) == 1


def test_the_moment_of_the_shutter_goes_before_later_dates() -> None:
    edited = {BASE.DateTime: "2020:01:01 10:00:00"}
    digitised = {BASE.DateTimeDigitized: "2016:05:05 05:05:05"}
    taken = digitised | {BASE.DateTimeOriginal: "2015:07:04 12:30:00"}
    assert capture(image(edited, taken)).taken_at == "2015-07-04T12:30:00"
    assert capture(image(edited, digitised)).taken_at == "2016-05-05T05:05:05"
    assert capture(image(edited)).taken_at == "2020-01-01T10:00:00"


def test_each_date_has_its_own_fraction_and_offset() -> None:
    own = {BASE.SubsecTimeOriginal: "25", BASE.OffsetTimeOriginal: "+02:00"}
    others = {BASE.SubsecTime: "75", BASE.OffsetTime: "-09:30", BASE.SubsecTimeDigitized: "5"}
    taken = {BASE.DateTimeOriginal: "2015:07:04 12:30:00"}
    assert capture(image(detail=taken | own | others)).taken_at == ("2015-07-04T12:30:00.250+02:00")
    assert capture(image(detail=taken | others)).taken_at == "2015-07-04T12:30:00"


@pytest.mark.parametrize(
    ("written", "certain"),
    [
        ("2015:08:22 24:08:19", "2015-08-22T00:08:19"),
        ("2015:02:30 12:00:00", "2015-02"),
        ("2015:00:00 00:00:00", "2015"),
    ],
)
def test_a_shutter_that_is_known_in_part_goes_before_the_whole_date_of_an_edit(
    written: str, certain: str
) -> None:
    edited = {BASE.DateTime: "2024:03:03 10:00:00"}
    later = {BASE.DateTimeOriginal: written, BASE.DateTimeDigitized: "2023:03:03 10:00:00"}
    assert capture(image(edited, later)).taken_at == certain


@pytest.mark.parametrize("written", ["0000:00:00 00:00:00", "    :  :     :  :  ", "", "soon"])
def test_a_date_that_is_none_gives_way_to_the_next_or_to_nothing(written: str) -> None:
    tags = {BASE.DateTimeOriginal: written}
    assert capture(image(detail=tags)).taken_at is None
    assert capture(image({BASE.DateTime: "2001:02:03 04:05:06"}, tags)).taken_at == (
        "2001-02-03T04:05:06"
    )


@pytest.mark.parametrize(
    ("kind", "written", "certain"),
    [
        (ASCII, b"Sat Jul 04 12:30:00 2015", "2015-07-04T12:30:00"),
        (ASCII, b"\0\x002015:07:04 12:30:00", "2015-07-04T12:30:00"),
        (ASCII, "2015:07:04 12:30:00".encode("utf-16"), "2015-07-04T12:30:00"),
        (ASCII, "2015:07:04 12:30:00\0".encode("utf-16-le"), "2015-07-04T12:30:00"),
        (ASCII, "2015:07:04 12:30:00".encode("utf-16-be"), "2015-07-04T12:30:00"),
        (ASCII, b"4. Juli 2015", "2015"),
        (ASCII, b"15:07:04 12:30:00", None),
        (ASCII, b"201507", None),
        (LONG, struct.pack("<I", 1436013000), None),
        (LONG, struct.pack("<3I", 2015, 7, 4), "2015"),
        (LONG, struct.pack("<I", 0), "2024-03-03T10:00:00"),
        (ASCII, b"\0\0\0\0\0\0", "2024-03-03T10:00:00"),
    ],
)
def test_a_date_in_any_other_form_never_gives_way_to_that_of_an_edit(
    kind: int, written: bytes, certain: str | None
) -> None:
    edited = [(0x132, ASCII, b"2024:03:03 10:00:00\0")]
    read = capture(saved(block(edited, [(TAKEN, kind, written)]), "JPEG"))
    assert read.taken_at == certain


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 40D", "Canon EOS 40D"),
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("EASTMAN KODAK COMPANY", "KODAK CX7530", "KODAK CX7530"),
        ("Apple", "iPhone 7", "Apple iPhone 7"),
        ("FUJIFILM\0\0\0", "  FinePix E500  \0", "FUJIFILM FinePix E500"),
        ("Leica", "", "Leica"),
        ("", "M3", "M3"),
    ],
)
def test_a_camera_is_named_as_people_name_it(make: str, model: str, camera: str) -> None:
    assert capture(image({BASE.Make: make, BASE.Model: model})).camera == camera


def test_the_lens_is_read() -> None:
    assert capture(image(detail={BASE.LensModel: "EF50mm f/1.8"})).lens == "EF50mm f/1.8"


def test_a_place_is_signed_degrees() -> None:
    tags = place((33.0, 51.0, 24.6), "S", (151.0, 12.0, 54.0), "E")
    read = capture(image(place=tags))
    assert read.latitude == pytest.approx(-33.8568333)
    assert read.longitude == pytest.approx(151.215)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        place((95.0, 0.0, 0.0), "N", (10.0, 0.0, 0.0), "E"),
        place((IFDRational(1, 0), 0.0, 0.0), "N", (10.0, 0.0, 0.0), "E"),
        place((0.0, 0.0, 0.0), "N", (0.0, 0.0, 0.0), "E"),
        {GPS.GPSLatitude: (1.0, 2.0, 3.0), GPS.GPSLatitudeRef: "N"},
    ],
    ids=["empty", "off the map", "zero denominator", "no fix", "half"],
)
def test_a_place_that_makes_no_sense_is_no_place(tags: dict[Any, Any]) -> None:
    read = capture(image(place=tags))
    assert (read.latitude, read.longitude) == (None, None)


@pytest.mark.parametrize(("tag", "read"), [(6, 6), (1, 1), (0, 1), (9, 1), (65535, 1)])
def test_only_the_eight_orientations_count(tag: int, read: int) -> None:
    assert orientation(image({BASE.Orientation: tag})) == read


MAKE, MODEL, LENS_MODEL, TAKEN = 0x10F, 0x110, 0xA434, 0x9003


def saved(written: bytes, form: str) -> Image.Image:
    into = BytesIO()
    Image.new("RGB", (8, 8)).save(into, form, exif=written)
    return Image.open(into)


@pytest.mark.parametrize("kind", [ASCII, UTF8])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_texts_are_read_as_utf8_of_either_type(form: str, order: str, kind: int) -> None:
    main = [(MAKE, kind, "小米\0".encode()), (MODEL, kind, "红米 Note\0".encode())]
    detail = [(TAKEN, ASCII, b"2015:07:04 12:30:00\0"), (LENS_MODEL, kind, "广角\0".encode())]
    read = capture(saved(block(main, detail, order=order), form))
    assert read == Capture("2015-07-04T12:30:00", "小米 红米 Note", "广角")


def test_texts_of_a_tiff_file_are_read_as_utf8() -> None:
    into = BytesIO()
    names = {MAKE: "Éclair".encode(), MODEL: "Caméra 5".encode()}
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, name in names.items():
        tags.tagtype[tag] = TiffTags.ASCII
        tags[tag] = name
    Image.new("RGB", (8, 8)).save(into, "TIFF", tiffinfo=tags)
    assert capture(Image.open(into)).camera == "Éclair Caméra 5"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("signed", [False, True])
def test_places_are_read_from_every_type_of_rational(order: str, signed: bool) -> None:
    kind = SIGNED_RATIONAL if signed else RATIONAL
    north = rationals((38, 1), (432, 10), (0, 0), order=order, signed=signed)
    east = rationals((914, 100), order=order, signed=signed)
    read = capture(saved(block(place=[(2, kind, north), (4, kind, east)], order=order), "JPEG"))
    assert (read.latitude, read.longitude) == pytest.approx((38.72, 9.14))


def test_places_written_as_texts_are_read() -> None:
    texts = [(1, ASCII, b"s\0"), (2, ASCII, b"38/1,43/1,12/1\0"), (4, ASCII, b"-9.14\0")]
    read = capture(saved(block(place=texts), "JPEG"))
    assert (read.latitude, read.longitude) == pytest.approx((-38.72, -9.14))


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # Pillow's; the safe opening hushes it
def test_a_damaged_tag_costs_no_other_tag() -> None:
    written = block([(MAKE, ASCII, b"Canon\0"), (MODEL, ASCII, b"EOS 40D\0")])
    beyond = (1 << 31).to_bytes(4, "little")
    broken = written.replace(struct.pack("<HHI", MODEL, ASCII, 8), struct.pack("<HHI", MODEL, 9, 9))
    assert broken != written
    assert capture(saved(broken[: broken.rindex(b"EOS")], "JPEG")).camera == "Canon"
    dangling = block(
        [(MAKE, ASCII, b"Canon\0"), (EXIF_POINTER, LONG, beyond), (GPS_POINTER, LONG, beyond)]
    )
    assert capture(saved(dangling, "JPEG")) == Capture(camera="Canon")


def test_the_main_tags_are_those_of_ifd0_with_texts_as_bytes() -> None:
    written = block([(0x10E, UTF8, "Brücke\0".encode())], [(TAKEN, ASCII, b"2015\0")])
    assert read(saved(written, "JPEG"))[1][0x10E] == "Brücke\0".encode()
    assert TAKEN not in read(saved(written, "JPEG"))[1]
    assert read(Image.new("RGB", (8, 8)))[1] == {}


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # Pillow's; the safe opening hushes it
def test_exif_that_is_rubbish_raises_nothing() -> None:
    into = BytesIO()
    rubbish = b"Exif\0\0II*\0\x08\0\0\0\x05\0" + b"\xff" * 60
    Image.new("RGB", (8, 8)).save(into, "JPEG", exif=rubbish)
    image = Image.open(into)
    assert isinstance(capture(image), Capture)
    assert orientation(image) == 1
