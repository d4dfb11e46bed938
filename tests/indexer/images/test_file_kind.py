from io import BytesIO

import pytest
from PIL import Image

from indexer.images.file_kind import HEAD_BYTES, classify, needs_head, signature


def encoded(form: str) -> bytes:
    into = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(into, form)
    return into.getvalue()


@pytest.mark.parametrize("name", ["a.jpg", "b.JPEG", "c.Heic", "d.jp2", "e.jxl", "x.y.png"])
def test_a_known_image_extension_is_believed_whatever_its_case(name: str) -> None:
    assert not needs_head(name)
    assert classify(name) == "image"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.txt", "text"), ("b.MD", "text"), ("c.jsonl", "table"), ("d.csv", "table")],
)
def test_texts_and_tables_go_by_their_extension(name: str, kind: str) -> None:
    assert classify(name) == kind


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "JPEG2000", "AVIF"])
def test_an_image_without_an_extension_is_known_by_its_first_bytes(form: str) -> None:
    head = encoded(form)[:HEAD_BYTES]
    assert needs_head("IMG_0001")
    assert classify("IMG_0001", head) == "image"
    assert classify("photo.backup", head) == "image"
    assert signature(head) == form


@pytest.mark.parametrize(
    ("brand", "kind"), [(b"heic", "image"), (b"avif", "image"), (b"isom", None), (b"qt  ", None)]
)
def test_iso_media_brands_part_images_from_films(brand: bytes, kind: str | None) -> None:
    assert classify("unnamed", b"\0\0\0\x18ftyp" + brand + bytes(20)) == kind


@pytest.mark.parametrize("name", ["a.dng", "b.NEF", "c.cr2", "d.arw"])
def test_a_raw_file_is_not_taken_for_the_tiff_it_looks_like(name: str) -> None:
    assert not needs_head(name)
    assert classify(name, encoded("TIFF")[:HEAD_BYTES]) is None


@pytest.mark.parametrize("head", [b"", b"BM", b"BMW is a make of car, and no bitmap", b"hello"])
def test_unknown_content_is_not_read(head: bytes) -> None:
    assert classify("LICENSE", head) is None
