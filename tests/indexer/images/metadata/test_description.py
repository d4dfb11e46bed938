"""What is said of an image is found wherever programs put it, and nothing bad does harm."""

import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from indexer.images.metadata import xmp
from indexer.images.metadata.description import Metadata, joined, lost, read, sidecar_of
from tests.search.dedup.xmp_samples import described, packet, photo

PLACE = "<exif:GPSLatitude>38,43.3200N</exif:GPSLatitude>" + (
    "<exif:GPSLongitude>9,8,20.4W</exif:GPSLongitude>"
)
FULL = packet(
    described("A day & a night".replace("&", "&amp;")) + PLACE, 'xmp:Rating="4"', ("sea",)
)
SAID = Metadata(("sea",), 4, "A day & a night", 38.722, -9.139)
BOMB = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>""" + (
    FULL.split(b"?>", 1)[1].replace(b"sea", b"&c;")
)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "heif", "avif"])
def test_a_packet_in_a_file_is_read_without_its_pixels(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ending == "png":
        path = late_png(tmp_path / "a.png", FULL, b"")
    else:
        path = photo(tmp_path / f"a.{ending}", FULL)

    def decode(*_: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decode)
    assert read(str(path)) == SAID


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def late_png(path: Path, xmp_: bytes, exif: bytes, compressed: bool = False) -> Path:
    """Put metadata behind the pixels, as ExifTool does."""
    plain = photo(path).read_bytes()
    text = zlib.compress(xmp_) if compressed else xmp_
    mark = b"\1\0" if compressed else b"\0\0"
    late = chunk(b"iTXt", b"XML:com.adobe.xmp\0" + mark + b"\0\0" + text)
    late += chunk(b"eXIf", exif) if exif else b""
    path.write_bytes(plain[:-12] + late + plain[-12:])
    return path


def tags() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Gr1234e"  # Pillow writes ASCII alone, others do not
    exif[0x4746] = 3
    exif[0x9C9E] = "sea;Grüße\0".encode("utf-16-le")
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place.update({1: "S", 2: (10.0, 30.0, 0.0), 3: "E", 4: (20.0, 0.0, 0.0)})
    return exif.tobytes().replace(b"Gr1234e", "Grüße".encode())


@pytest.mark.parametrize("compressed", [False, True])
def test_what_stands_behind_the_pixels_of_a_png_is_read(tmp_path: Path, compressed: bool) -> None:
    found = read(str(late_png(tmp_path / "a.png", FULL, tags()[6:], compressed)))
    assert found == Metadata(("sea", "Grüße"), *(SAID.rating, SAID.description), 38.722, -9.139)


def test_exif_says_what_nothing_better_says(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.jpg", exif=tags())
    assert read(str(path)) == Metadata(("sea", "Grüße"), 3, "Grüße", -10.5, 20.0)
    path = photo(tmp_path / "b.jpg", packet(attributes='xmp:Rating="5"'), exif=tags())
    assert read(str(path)).rating == 5


def test_the_words_of_every_camera_are_none(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "OLYMPUS DIGITAL CAMERA         "
    assert read(str(photo(tmp_path / "a.jpg", exif=exif.tobytes()))) == Metadata()


@pytest.mark.parametrize("known", [{(2, 25): [b"sea", "Grüße".encode("latin-1")]}, {(2, 25): b"x"}])
def test_iptc_is_read(
    tmp_path: Path, known: dict[tuple[int, int], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IptcImagePlugin, "getiptcinfo", lambda _: {**known, (2, 120): b"Told"})
    words = ("sea", "Grüße") if isinstance(known[2, 25], list) else ("x",)
    assert read(str(photo(tmp_path / "a.jpg"))) == Metadata(words, None, "Told")


def test_real_iptc_bytes_are_read(tmp_path: Path) -> None:
    fields = [(25, b"harbour"), (25, "Möwe".encode()), (120, b"Boats")]
    data = b"".join(b"\x1c\x02" + bytes([tag]) + struct.pack(">H", len(v)) + v for tag, v in fields)
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    marker = b"Photoshop 3.0\0" + block
    plain = photo(tmp_path / "a.jpg").read_bytes()
    segment = b"\xff\xed" + struct.pack(">H", len(marker) + 2) + marker
    (tmp_path / "a.jpg").write_bytes(plain[:2] + segment + plain[2:])
    assert read(str(tmp_path / "a.jpg")) == Metadata(("harbour", "Möwe"), None, "Boats")


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp"])
def test_a_sidecar_goes_before_the_file(tmp_path: Path, name: str) -> None:
    path = photo(tmp_path / "a.jpg", FULL)
    (tmp_path / name).write_bytes(packet(attributes='xmp:Rating="-1"', keywords=("sand",)))
    found = read(str(path))
    assert (found.keywords, found.rating) == (("sand", "sea"), -1)
    assert found.description == SAID.description


def test_a_sidecar_is_added_to_where_it_is_unless_it_may_be_anothers(tmp_path: Path) -> None:
    path = str(photo(tmp_path / "a.jpg"))
    assert sidecar_of(path) == f"{path}.xmp"
    (tmp_path / "a.xmp").write_bytes(FULL)
    assert sidecar_of(path) == str(tmp_path / "a.xmp")
    (tmp_path / "a.CR2").touch()
    assert sidecar_of(path) == f"{path}.xmp"
    (tmp_path / "a.CR2").unlink()
    (tmp_path / "a.jpg.xmp").write_bytes(FULL)
    assert sidecar_of(path) == f"{path}.xmp"


def test_a_sidecar_of_another_file_is_neither_read_nor_added_to(tmp_path: Path) -> None:
    whole, longer = photo(tmp_path / "a.jpg"), photo(tmp_path / "a.jpg.png")
    Path(f"{whole}.xmp").write_bytes(FULL)
    assert (read(str(whole)), read(str(longer))) == (SAID, Metadata())
    assert sidecar_of(str(longer)) == f"{longer}.xmp"
    beside_raw = photo(tmp_path / "b.jpg")
    (tmp_path / "b.cr2").touch()
    (tmp_path / "b.xmp").write_bytes(FULL)
    assert read(str(beside_raw)) == Metadata()


def test_a_sidecar_with_its_ending_in_capitals_is_read_and_added_to(tmp_path: Path) -> None:
    path = photo(tmp_path / "c.jpg")
    (tmp_path / "c.XMP").write_bytes(FULL)
    assert read(str(path)) == SAID
    assert sidecar_of(str(path)) == str(tmp_path / "c.XMP")


def test_date_and_camera_are_read_and_written(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", "Canon EOS 5D"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2019:06:01 12:30:00"
    said = read(str(photo(tmp_path / "a.jpg", exif=exif.tobytes())))
    assert said == Metadata(taken_at="2019-06-01T12:30:00", camera="Canon EOS 5D")
    assert lost(Metadata(), said) == said
    assert lost(replace(said, camera=None), said) == Metadata(camera=said.camera)
    for packet_ in (None, FULL):
        again = xmp.parse(xmp.merged(packet_, said))
        assert (again.taken_at, again.camera) == (said.taken_at, said.camera)


def test_a_date_in_part_is_lost_where_the_keeper_has_none_and_gives_way_to_a_time_of_day() -> None:
    month, moment = Metadata(taken_at="2019-06"), Metadata(taken_at="2019-06-01T12:30:00")
    assert lost(Metadata(), month) == month
    assert lost(month, moment) == moment
    assert lost(moment, month) == lost(month, month) == lost(moment, moment) == Metadata()
    assert joined(month, moment) == joined(moment, month) == moment
    assert xmp.parse(xmp.merged(None, month)) == month
    assert xmp.parse(xmp.merged(xmp.merged(None, month), moment)) == moment


def test_a_title_and_a_date_of_creation_are_lost_and_written_as_well(tmp_path: Path) -> None:
    title = "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Ferry</rdf:li></rdf:Alt></dc:title>"
    space = "http://ns.adobe.com/photoshop/1.0/"
    date = f"<p:DateCreated xmlns:p='{space}'>1998-08-01</p:DateCreated>"
    said = read(str(photo(tmp_path / "a.jpg", packet(title + date))))
    assert said == Metadata(title="Ferry", created_at="1998-08-01")
    assert lost(Metadata(), said) == said and not lost(said, said)
    for packet_ in (None, FULL, packet(attributes='dc:title=""')):
        again = xmp.parse(xmp.merged(packet_, said))
        assert (again.title, again.created_at) == ("Ferry", "1998-08-01")


def test_a_date_that_a_program_wrote_stands_for_no_date_of_a_camera() -> None:
    export, shot = Metadata(created_at="2020-01-01T10:00:00"), Metadata(taken_at="2015-07-04")
    assert lost(export, shot) == shot
    assert lost(shot, Metadata(created_at="2020")) == Metadata()
    assert lost(export, Metadata(created_at="2019-01-01T10:00:00")) == Metadata()


@pytest.mark.parametrize(
    "bad",
    [
        BOMB,
        b"",
        b"\0" * 40,
        b"<x",
        b"\xff\xfe\xff",
        "Grüße".encode("latin-1"),
        packet(keywords=("Grüße",)).decode().encode("latin-1", "replace"),
        packet(keywords=("a" * (10 << 20),)),
        b"<a>" * 100_000,
        b"<a>" * 500_000 + b"</a>" * 500_000,
        b"<html/>",
    ],
    ids=[
        "bomb",
        "empty",
        "zeros",
        "cut",
        "marks",
        "latin",
        "half",
        "large",
        "deep",
        "deeper",
        "other",
    ],
)
def test_a_bad_packet_says_nothing(tmp_path: Path, bad: bytes) -> None:
    path = photo(tmp_path / "a.jpg")
    Path(f"{path}.xmp").write_bytes(bad)
    late_png(tmp_path / "b.png", bad, b"", compressed=True)
    begun = time.process_time()
    assert read(str(path)) == read(str(tmp_path / "b.png")) == Metadata()
    assert time.process_time() - begun < 5


def test_a_bomb_in_utf_16_is_one_too() -> None:
    with pytest.raises(ValueError, match="document type"):
        xmp.parse(BOMB.decode().encode("utf-16"))
    assert xmp.parse(FULL.decode().lstrip("\ufeff").encode("utf-16")) == SAID


def test_what_is_no_image_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe1\xff\xff cut")
    (tmp_path / "folder.jpg").mkdir()
    for name in ("a.jpg", "folder.jpg", "none.jpg", "nul\0.jpg"):
        assert read(str(tmp_path / name)) == Metadata()


@pytest.mark.parametrize("large", [False, True])
def test_a_jpeg_xl_box_is_read(tmp_path: Path, large: bool) -> None:
    box = struct.pack(">I", len(FULL) + 8) + b"xml " + FULL
    if large:
        box = struct.pack(">I", 1) + b"xml " + struct.pack(">Q", len(FULL) + 16) + FULL
    signature = b"\0\0\0\x0cJXL \r\n\x87\n"
    (tmp_path / "a.jxl").write_bytes(signature + b"\0\0\0\x14ftypjxl \0\0\0\0jxl " + box)
    assert read(str(tmp_path / "a.jxl")) == SAID
    (tmp_path / "b.jxl").write_bytes(signature + b"\0\0\0\2xml " + box)
    assert read(str(tmp_path / "b.jxl")) == Metadata()


@pytest.mark.parametrize(
    ("written", "degrees"),
    [("38,43.32N", 38.722), ("38,43,19.2S", -38.722), ("91,0N", None), ("38N", 38.0), ("x", None)],
)
def test_angles_are_understood(written: str, degrees: float | None) -> None:
    assert xmp.angle(written, "NS", 90) == degrees
    assert xmp.angle("10,0E", "NS", 90) is None


def test_what_is_lost_is_what_the_keeper_has_nothing_of() -> None:
    keeper = Metadata(("a",), None, "kept")
    loser = Metadata(("a", "b"), 2, "other", 1.0, 2.0)
    assert lost(keeper, loser) == Metadata(("b",), 2, None, 1.0, 2.0)
    assert not lost(loser, keeper)
    assert joined(keeper, loser) == Metadata(("a", "b"), 2, "kept", 1.0, 2.0)
