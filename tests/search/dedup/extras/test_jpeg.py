"""What stands in and behind a JPEG is found, and a plain one holds nothing."""

from base64 import b64encode
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from tests.search.dedup.extras.containers import (
    NOISE,
    contents,
    drawn,
    encoded,
    extended_xmp,
    kinds,
    segment,
    video,
    with_segments,
    xmp,
)

PLAIN = encoded("JPEG")
GAIN_MAP_XMP = '<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>'
APPLE_XMP = "<apdi:AuxiliaryImageType>urn:com:apple:photo:2020:aux:hdrgainmap<"
ISO = b"urn:iso:std:iso:ts:21496:-1\0"
DIRECTORY = '<Container:Item Item:Semantic="Primary"/><Container:Item Item:Semantic="{}"/>'


def exif_with_thumbnail() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    return encoded("JPEG", exif=exif, comment=b"words " * 90, icc_profile=NOISE)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        exif_with_thumbnail(),
        encoded("JPEG", progressive=True),
        encoded("JPEG", drawn((300, 200)), restart_marker_blocks=2),
        encoded("JPEG", drawn(mode="CMYK")),
        with_segments(xmp("<a>" + "b" * 5000)),
        with_segments(*extended_xmp("<a>" + "b" * 90_000, 3)),
        with_segments(segment(0xED, b"Photoshop 3.0\0" + NOISE)),
        with_segments(segment(0xE0, b"JFXX\0\x10" + encoded("JPEG"))),
        with_segments(segment(0xE5, bytes(9000))),  # room that a camera keeps for itself
        with_segments(segment(0xE6, b"MMIMETA\0" + b"m" * 65_525), segment(0xE6, NOISE)),
        PLAIN + bytes(9000),
        PLAIN + b"\xff" * 9000,
        PLAIN + b"\r\n",
        PLAIN + b"\n" * 70 + b"a short note",
        PLAIN + b"\x12" * 60 + bytes(300),
        PLAIN + b"AXS!" + bytes(range(120)),
        PLAIN + b"vivo" + b'{"media":"photo","moduleversion":"0,0,0,0","type":"normal"}' + bytes(9),
        PLAIN + b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1533081600000SEFH" + b"x" * 99 + b"SEFT",
        PLAIN[:-2],  # no end mark
        PLAIN[:-9],
    ],
)
def test_a_plain_one_holds_nothing(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == []


@pytest.mark.parametrize(
    ("behind", "found"),
    [
        (video(), ["video"]),
        (video(10), ["video"]),
        (video(9000, b"qt  "), ["video"]),
        (video()[:-3], ["video"]),  # cut off
        (video()[:2000], ["video"]),
        (bytes(64) + video(), ["video"]),
        (
            b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + video() + b"\0\0\xa1\x0aSEFH" + b"s" * 60,
            ["video"],
        ),
        (video() + b"v3_f31        0:0     LIVE_1234567  ", ["video"]),  # Huawei
        (b'vivo{"type":"live"}' + video() + b'{"a":1}', ["video"]),
        (PLAIN, ["image"]),
        (PLAIN + PLAIN, ["image", "image"]),
        (with_segments(xmp(GAIN_MAP_XMP)), ["gain map"]),
        (with_segments(xmp(APPLE_XMP)), ["gain map"]),
        (with_segments(segment(0xE2, ISO + bytes(60))), ["gain map"]),
        (with_segments(xmp(GAIN_MAP_XMP)) + video(), ["gain map", "video"]),
        (b"PK\x03\x04 a secret", ["data"]),
        (b"the key lies under the third stone, " * 2, ["data"]),
        (bytes(range(1, 65)), ["data"]),
        (bytes(90) + bytes(range(1, 200)) + b"\xff" * 90, ["data"]),
        (NOISE, ["data"]),
        (NOISE + video(), ["data", "video"]),
        (b"BRCMo" + NOISE, ["raw image"]),
        (encoded("TIFF"), ["raw image"]),
        (b"RIFF\x24\x08\0\0WAVEfmt " + bytes(0x81C), ["audio"]),
        (b"\xff\xd8\xff\xe0 no JPEG" + NOISE, ["data"]),
    ],
)
def test_what_stands_behind_is_found(tmp_path: Path, behind: bytes, found: list[str]) -> None:
    assert kinds(tmp_path, PLAIN + behind) == found


def test_what_stands_behind_is_measured_and_known_again(tmp_path: Path) -> None:
    [one] = contents(tmp_path, PLAIN + video()).extras
    [other] = contents(tmp_path, encoded("JPEG", drawn((64, 64))) + video()).extras
    [different] = contents(tmp_path, PLAIN + video(4001)).extras
    assert one == other != different
    assert one.bytes == len(video()) and one.digest is not None


def test_a_photo_with_depth_has_a_map_of_it_behind(tmp_path: Path) -> None:
    first = with_segments(xmp(DIRECTORY.format("Depth")))
    assert kinds(tmp_path, first + PLAIN) == ["depth map"]
    assert kinds(tmp_path, first + with_segments(xmp(GAIN_MAP_XMP))) == ["gain map"]


def test_what_xmp_tells_of_is_not_held_unless_it_is_there(tmp_path: Path) -> None:
    told = xmp('<x GCamera:MotionPhoto="1"/>' + DIRECTORY.format("MotionPhoto"))
    assert kinds(tmp_path, with_segments(told)) == []
    depth = '<x xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Near="1"/>'
    assert kinds(tmp_path, with_segments(xmp(depth))) == []


@pytest.mark.parametrize(
    ("name", "kind"), [("depthmap", "depth map"), ("image", "image"), ("audio", "audio")]
)
@pytest.mark.parametrize(
    "spelling", ['<x xmlns:P="{}" P:Data="{}"/>', '<x xmlns:P="{}"><P:Data>{}</P:Data></x>']
)
def test_what_google_writes_into_xmp_is_found(
    tmp_path: Path, name: str, kind: str, spelling: str
) -> None:
    text = spelling.format(f"http://ns.google.com/photos/1.0/{name}/", b64encode(NOISE).decode())
    for segments in (extended_xmp(text, 3), extended_xmp(text, 3)[::-1], [xmp(text)]):
        [extra] = contents(tmp_path, with_segments(*segments)).extras
        assert (extra.kind, extra.bytes) == (kind, len(NOISE))


def test_sound_in_flashpix_segments_is_found(tmp_path: Path) -> None:
    listed = b"FPXR\0\0\x01" + "Audio Stream 000".encode("utf-16-le")
    streams = [segment(0xE2, b"FPXR\0\0\x02\0\0\0\0\0\0" + NOISE) for _ in range(2)]
    assert kinds(tmp_path, with_segments(segment(0xE2, listed), *streams)) == ["audio"]
    assert kinds(tmp_path, with_segments(*streams)) == ["data"]
    assert kinds(tmp_path, with_segments(segment(0xE2, b"FPXR\0\0\x01 a stub"))) == []


def test_what_an_unknown_application_wrote_is_data(tmp_path: Path) -> None:
    thermal = [
        segment(0xE1, b"FLIR\0\x01\0\x01" + NOISE),
        segment(0xE1, b"FLIR\0\x01\1\x01" + NOISE),
    ]
    [extra] = contents(tmp_path, with_segments(*thermal)).extras
    assert extra.kind == "data" and extra.bytes > 2 * len(NOISE)


@pytest.mark.parametrize("pieces", [1, 3])
def test_long_comments_are_text(tmp_path: Path, pieces: int) -> None:
    words = [segment(0xFE, b"words " * (600 // pieces)) for _ in range(pieces)]
    [extra] = contents(tmp_path, with_segments(*words)).extras
    assert (extra.kind, extra.bytes) == ("text", 3600)
    [other] = contents(tmp_path, with_segments(*words, colour="red")).extras
    assert other.digest == extra.digest
    assert kinds(tmp_path, with_segments(segment(0xFE, b"LEAD Technologies Inc. V1.01"))) == []


def test_the_views_of_a_multi_image_file_are_images(tmp_path: Path) -> None:
    views = [drawn(colour=colour) for colour in ("teal", "red", "gold")]
    data = encoded("MPO", views[0], save_all=True, append_images=views[1:])
    assert kinds(tmp_path, data) == ["image", "image"]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:40],  # cut off in its headers
        PLAIN[:-2] + video(),  # neither is told where it ends
        PLAIN[:4] + b"\xff\xff" + PLAIN[6:],
        PLAIN[:20] + b"junk" + PLAIN[20:],
    ],
)
def test_one_that_is_not_understood_may_hold_more(tmp_path: Path, data: bytes) -> None:
    assert kinds(tmp_path, data) == ["unknown"]
