from io import BytesIO
from typing import Any

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from indexer.exif import capture, orientation
from storage.records import Capture

BASE, GPS, IFD = ExifTags.Base, ExifTags.GPS, ExifTags.IFD


def picture(
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


def test_a_picture_without_exif_says_nothing() -> None:
    assert capture(Image.new("RGB", (8, 8))) == Capture()
    assert orientation(Image.new("RGB", (8, 8))) == 1


def test_the_moment_of_the_shutter_goes_before_later_dates() -> None:
    edited = {BASE.DateTime: "2020:01:01 10:00:00"}
    digitised = {BASE.DateTimeDigitized: "2016:05:05 05:05:05"}
    taken = digitised | {BASE.DateTimeOriginal: "2015:07:04 12:30:00"}
    assert capture(picture(edited, taken)).taken_at == "2015-07-04T12:30:00"
    assert capture(picture(edited, digitised)).taken_at == "2016-05-05T05:05:05"
    assert capture(picture(edited)).taken_at == "2020-01-01T10:00:00"


@pytest.mark.parametrize(
    ("offset", "ending"), [("+02:00", "+02:00"), ("-09:30", "-09:30"), ("Z", "+00:00"), ("?", "")]
)
def test_the_zone_is_kept_where_it_is_given(offset: str, ending: str) -> None:
    tags = {BASE.DateTimeOriginal: "2015:07:04 12:30:00", BASE.OffsetTimeOriginal: offset}
    assert capture(picture(detail=tags)).taken_at == "2015-07-04T12:30:00" + ending


@pytest.mark.parametrize(
    ("written", "ending"),
    [("25", ".250"), ("123456", ".123"), ("00", ".000"), ("½", ""), ("-5", "")],
)
def test_parts_of_a_second_are_kept_where_they_are_given(written: str, ending: str) -> None:
    tags = {BASE.DateTimeOriginal: "2015:07:04 12:30:00", BASE.SubsecTimeOriginal: written}
    assert capture(picture(detail=tags)).taken_at == "2015-07-04T12:30:00" + ending


@pytest.mark.parametrize(
    "written", ["0000:00:00 00:00:00", "    :  :     :  :  ", "", "2015:13:41 12:30:00", "soon"]
)
def test_a_date_that_is_none_gives_way_to_the_next_or_to_nothing(written: str) -> None:
    tags = {BASE.DateTimeOriginal: written}
    assert capture(picture(detail=tags)).taken_at is None
    assert capture(picture({BASE.DateTime: "2001:02:03 04:05:06"}, tags)).taken_at == (
        "2001-02-03T04:05:06"
    )


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
    assert capture(picture({BASE.Make: make, BASE.Model: model})).camera == camera


def test_the_lens_is_read() -> None:
    assert capture(picture(detail={BASE.LensModel: "EF50mm f/1.8"})).lens == "EF50mm f/1.8"


def test_a_place_is_signed_degrees() -> None:
    tags = place((33.0, 51.0, 24.6), "S", (151.0, 12.0, 54.0), "E")
    read = capture(picture(place=tags))
    assert read.latitude == pytest.approx(-33.8568333)
    assert read.longitude == pytest.approx(151.215)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        place((33.0, 51.0, 0.0), "S", (151.0, 12.0, 0.0), ""),
        place((95.0, 0.0, 0.0), "N", (10.0, 0.0, 0.0), "E"),
        place((IFDRational(1, 0), 0.0, 0.0), "N", (10.0, 0.0, 0.0), "E"),
        place((0.0, 0.0, 0.0), "N", (0.0, 0.0, 0.0), "E"),
        {GPS.GPSLatitude: (1.0, 2.0, 3.0), GPS.GPSLatitudeRef: "N"},
    ],
    ids=["empty", "no letter", "off the map", "zero denominator", "no fix", "half"],
)
def test_a_place_that_makes_no_sense_is_no_place(tags: dict[Any, Any]) -> None:
    read = capture(picture(place=tags))
    assert (read.latitude, read.longitude) == (None, None)


@pytest.mark.parametrize(("tag", "read"), [(6, 6), (1, 1), (0, 1), (9, 1), (65535, 1)])
def test_only_the_eight_orientations_count(tag: int, read: int) -> None:
    assert orientation(picture({BASE.Orientation: tag})) == read


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # Pillow's; the safe opening hushes it
def test_exif_that_is_rubbish_raises_nothing() -> None:
    into = BytesIO()
    rubbish = b"Exif\0\0II*\0\x08\0\0\0\x05\0" + b"\xff" * 60
    Image.new("RGB", (8, 8)).save(into, "JPEG", exif=rubbish)
    image = Image.open(into)
    assert isinstance(capture(image), Capture)
    assert orientation(image) == 1
