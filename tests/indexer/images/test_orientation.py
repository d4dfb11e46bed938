"""Each row of the table of orientations, by files that say two different things."""

from io import BytesIO
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin, TiffTags

from indexer.images.decode import open_header, open_image
from indexer.images.limits import Limits
from indexer.images.orientation import RULES
from tests.indexer.images.encoded import difference, encode, scene
from tests.indexer.images.jxl_header import container, turned

UPRIGHT = {  # CIPA DC-008, Orientation: what the stored rows and columns are
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def oriented(tag: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = tag
    return exif


def test_every_format_that_is_read_has_its_rule() -> None:
    formats = {"JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF", "BMP", "JPEG2000", "JXL"}
    assert set(RULES) == formats


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("tag", [3, 6, 7, 8])
def test_exif_turns_these(form: str, tag: int) -> None:
    image = open_image(encode(scene(), form, exif=oriented(tag)))
    wanted = scene().transpose(UPRIGHT[tag])
    assert (image.width, image.height) == wanted.size
    assert difference(image.image.crop((4, 4, 20, 20)), wanted.crop((4, 4, 20, 20))) < 12


@pytest.mark.parametrize("tag", [6, 3])
def test_an_exif_chunk_behind_the_pixels_of_a_png_counts(tag: int) -> None:
    plain, turned_one = encode(scene(), "PNG"), encode(scene(), "PNG", exif=oriented(tag))
    at = turned_one.find(b"eXIf") - 4
    size = 12 + int.from_bytes(turned_one[at : at + 4], "big")
    image = open_image(plain[:-12] + turned_one[at : at + size] + plain[-12:])
    assert image.image.size == scene().transpose(UPRIGHT[tag]).size


def xmp(tag: int, as_attribute: bool = True) -> bytes:
    """Return an XMP packet (ISO 16684-1) that states an orientation (CIPA DC-010)."""
    element = f"><tiff:Orientation>{tag}</tiff:Orientation>"
    says = f' tiff:Orientation="{tag}">' if as_attribute else element
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{says}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def with_xmp(form: str, packet: bytes, exif: Image.Exif | None = None) -> bytes:
    options: dict[str, Any] = {} if exif is None else {"exif": exif}
    if form == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
    elif form == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags.tagtype[700] = TiffTags.BYTE
        tags[700] = packet
        if exif is not None:
            tags[274] = exif[ExifTags.Base.Orientation]
        options = {"tiffinfo": tags}
    else:
        options["xmp"] = packet
    return encode(scene(), form, **options)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("as_attribute", [True, False])
@pytest.mark.parametrize("tag", [3, 6])
def test_what_xmp_says_turns_none(form: str, as_attribute: bool, tag: int) -> None:
    data = with_xmp(form, xmp(tag, as_attribute))
    with Image.open(BytesIO(data)) as raw:
        assert raw.getexif()[ExifTags.Base.Orientation] == tag  # Pillow would
    image = open_image(data)
    assert (image.width, image.height) == scene().size
    assert difference(_middle(image.image), _middle(scene())) < 24
    assert image.reads_since == open_header(data, Limits()).reads_since == 1


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_tag_turns_these_whatever_xmp_says(form: str) -> None:
    data = with_xmp(form, xmp(3), oriented(6))
    image = open_image(data)
    assert difference(_middle(image.image), _middle(scene().transpose(UPRIGHT[6]))) < 24
    assert image.reads_since == 0
    assert open_image(with_xmp(form, xmp(1))).reads_since == 0


def test_exif_in_a_text_of_a_png_does_not_turn_it() -> None:
    block = oriented(6).tobytes()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
    image = open_image(encode(scene(), "PNG", pnginfo=texts))
    assert image.image.size == scene().size
    assert image.reads_since == 1


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_exif_does_not_turn_what_irot_has_turned(form: str) -> None:
    # The encoders write `irot` for the tag, and the tag into Exif as well (HEIF) or not (AVIF).
    image = open_image(encode(scene(), form, exif=oriented(6).tobytes()))
    assert difference(_middle(image.image), _middle(scene().transpose(UPRIGHT[6]))) < 24


def test_exif_alone_does_not_turn_heif() -> None:
    made = encode(scene(), "HEIF", exif=oriented(6).tobytes())
    irot = made.find(b"irot")
    assert irot > 0
    unturned = made[: irot + 4] + b"\0" + made[irot + 5 :]  # by 0 degrees
    image = open_image(unturned)
    assert image.image.size == scene().size


@pytest.mark.parametrize(
    ("codestream", "exif"), [(6, None), (6, 6), (6, 1), (8, 8), (3, 3), (3, 6), (1, 6), (7, 2)]
)
def test_the_codestream_turns_jpeg_xl_and_exif_does_not(codestream: int, exif: int | None) -> None:
    stream = turned(encode(scene(), "JXL", quality=95), codestream)
    image = open_image(stream if exif is None else container(stream, exif))
    wanted = scene() if codestream == 1 else scene().transpose(UPRIGHT[codestream])
    assert (image.width, image.height) == wanted.size
    assert difference(_middle(image.image), _middle(wanted)) < 24


@pytest.mark.filterwarnings("ignore:Using JPEG reconstruction")
@pytest.mark.parametrize("tag", [1, 3, 6])
def test_a_jpeg_packed_into_jpeg_xl_is_turned_once(tag: int, tmp_path: object) -> None:
    path = f"{tmp_path}/photo.jpg"
    scene().save(path, exif=oriented(tag), quality=95)
    into = BytesIO()
    with Image.open(path) as photo:
        photo.save(into, "JXL")
    packed = open_image(into.getvalue())
    assert packed.format == "JXL"
    assert difference(packed.image, open_image(path).image) <= 2


@pytest.mark.parametrize("form", ["GIF", "BMP", "JPEG2000"])
def test_these_are_stored_upright(form: str) -> None:
    assert open_image(encode(scene(), form)).image.size == scene().size


def _middle(image: Image.Image) -> Image.Image:
    """Cut a patch out of the first quarter, off the edges that codecs blur."""
    return image.crop((8, 8, 16, 16))
