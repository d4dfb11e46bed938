import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from indexer.images.decode import Limits, open_header, open_image
from storage.errors import DecodeFailure, FileFailure, UnreadableFile
from tests.indexer.images.encoded import chunk, encode, scene

TURNED = {  # CIPA DC-008, Orientation: how an upright scene lies in the file
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "HEIF", "JXL"]

OTHERS = {"pillow_heif", "pillow_jxl", "PIL.AvifImagePlugin"}


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return float(np.abs(np.asarray(one, float) - np.asarray(other.convert("RGB"), float)).mean())


def oriented(tag: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = tag
    return exif


def png(width: int, height: int) -> bytes:
    """Write the header of a PNG of any size, and next to nothing behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_decoded_to_rgb(form: str) -> None:
    image = open_image(encode(scene(), form))
    assert (image.format, image.width, image.height) == (form, 96, 64)
    assert image.image.mode == "RGB"
    assert difference(image.image, scene()) < 8


@pytest.mark.parametrize(
    ("form", "loaded"),
    [("JPEG", set()), ("PNG", set()), ("TIFF", set()), ("WEBP", set()), ("HEIF", OTHERS)],
)
def test_a_process_loads_the_decoders_that_its_images_need(
    form: str, loaded: set[str], tmp_path: Path
) -> None:
    path = tmp_path / "image"
    path.write_bytes(encode(scene(), form))
    script = (
        "import sys; from indexer.images.decode import open_image; "
        "image = open_image(sys.argv[1]); print(image.format, *sys.modules)"
    )
    words = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    read, *modules = done.stdout.split()
    assert (read, OTHERS & set(modules)) == (form, loaded)


def test_a_file_of_one_format_that_begins_like_another_is_refused_as_that() -> None:
    heif = encode(scene(), "HEIF")
    with pytest.raises(DecodeFailure, match="begins like JPEG"):
        open_image(b"\xff\xd8\xff" + heif[3:])


def test_an_image_is_opened_by_its_path_too(tmp_path: Path) -> None:
    path = tmp_path / "a name that lies.jpg"
    path.write_bytes(encode(scene(), "PNG"))
    assert open_image(path).format == "PNG"
    assert open_image(str(path)).format == "PNG"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("tag", range(9))
def test_the_nine_orientations_of_one_image_are_the_same_upright(form: str, tag: int) -> None:
    stored = scene()
    if tag in TURNED:
        stored = stored.transpose(TURNED[tag])
    image = open_image(encode(stored, form, exif=oriented(tag)))
    assert (image.width, image.height) == (96, 64)
    assert difference(image.image, scene()) < 6


def test_what_libheif_has_turned_is_not_turned_again() -> None:
    data = encode(scene().transpose(Image.Transpose.ROTATE_90), "HEIF", exif=oriented(6).tobytes())
    image = open_image(data)
    assert (image.width, image.height) == (96, 64)
    assert difference(image.image, scene()) < 8


def test_a_scaled_jpeg_keeps_its_stored_size_in_mind() -> None:
    data = encode(scene(1600, 1200), "JPEG", exif=oriented(6))
    image = open_image(data, smallest=(128, 200))
    assert (image.width, image.height) == (1200, 1600)
    assert image.image.size == (150, 200)


@pytest.mark.parametrize("smallest", [(64, 100), (600, 512), (64, 801), (1201, 0), (2000, 2000)])
def test_no_side_is_scaled_below_what_is_needed(smallest: tuple[int, int]) -> None:
    image = open_image(encode(scene(1600, 1200), "JPEG"), smallest=smallest)
    short, long = sorted(image.image.size)
    assert short >= min(smallest[0], 1200)
    assert long >= min(smallest[1], 1600)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_a_moving_image_is_its_first_frame(form: str) -> None:
    rest = [Image.new("RGB", (96, 64), shade) for shade in ("black", "white")]
    data = encode(scene(), form, save_all=True, append_images=rest)
    assert difference(open_image(data).image, scene()) < 8


def test_cmyk_of_a_press_is_not_seen_as_its_negative() -> None:
    data = encode(Image.new("RGB", (32, 32), (220, 40, 30)).convert("CMYK"), "JPEG")
    found = np.asarray(open_image(data).image)[16, 16]
    assert found[0] > 180
    assert found[1] < 90


def test_dates_and_places_come_with_the_image() -> None:
    exif = oriented(1)
    exif[ExifTags.Base.DateTime] = "2015:07:04 12:30:00"
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        image = open_image(encode(scene(), form, exif=exif))
        assert image.capture.taken_at == "2015-07-04T12:30:00", form


def test_a_header_is_read_without_the_pixels() -> None:
    exif = oriented(1)
    exif[ExifTags.Base.DateTime] = "2015:07:04 12:30:00"
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        whole = encode(scene(1600, 1200), form, exif=exif)
        header = open_header(whole, Limits())
        assert header.capture == open_image(whole).capture, form
        assert header.capture.taken_at == "2015-07-04T12:30:00"
    with pytest.raises(DecodeFailure):
        open_header(b"no image", Limits())


def test_exif_behind_the_pixels_of_a_png_is_in_its_header() -> None:
    exif = oriented(1)
    exif[ExifTags.Base.DateTime] = "2015:07:04 12:30:00"
    plain, whole = encode(scene(), "PNG"), encode(scene(), "PNG", exif=exif)
    at = whole.find(b"eXIf") - 4
    chunk = whole[at : at + 12 + int.from_bytes(whole[at : at + 4], "big")]
    moved = plain[:-12] + chunk + plain[-12:]
    assert open_header(moved, Limits()).capture.taken_at == "2015-07-04T12:30:00"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"Dear diary, today I named a text .jpg. " * 20, "not an image of a supported format"),
        (b"\x89PNG\r\n\x1a\n", "begins like PNG, but its header is damaged"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "JPEG"),
        (b"GIF89a" + bytes(40), "GIF"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
            "not an image of a supported format",
        ),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image of a supported format"),
    ],
)
def test_what_is_no_image_is_a_failure_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeFailure, match=reason) as caught:
        open_image(data)
    assert "\n" not in caught.value.reason
    assert "BytesIO" not in caught.value.reason


@pytest.mark.parametrize("form", FORMATS)
def test_a_truncated_image_is_a_failure(form: str) -> None:
    noise = Image.effect_noise((200, 150), 90).convert("RGB")
    data = encode(noise, form)
    with pytest.raises(DecodeFailure) as caught:
        open_image(data[: len(data) * 2 // 5])
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize("form", FORMATS)
def test_a_few_wrong_bytes_give_an_image_or_a_failure_and_nothing_else(form: str) -> None:
    whole = encode(scene(), form)
    dice = np.random.default_rng(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(30):
            data = bytearray(whole)
            for at in dice.integers(0, len(data), 4):
                data[at] = dice.integers(0, 256)
            try:
                image = open_image(bytes(data), limits=Limits(pixels=1_000_000))
            except FileFailure as failure:
                assert failure.reason.strip()
            else:
                assert image.image.mode == "RGB"


def bombs() -> dict[str, bytes]:
    gif = bytearray(encode(scene(), "GIF"))
    gif[6:10] = struct.pack("<HH", 50_000, 50_000)
    bmp = bytearray(encode(scene(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 50_000, 50_000)
    webp = bytearray(encode(scene(), "WEBP", lossless=True, exif=oriented(1)))
    webp[24:30] = (16_382).to_bytes(3, "little") * 2
    return {"PNG": png(50_000, 50_000), "GIF": bytes(gif), "BMP": bytes(bmp), "WEBP": bytes(webp)}


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "WEBP"])
def test_a_bomb_is_refused_by_its_header(form: str) -> None:
    with pytest.raises(DecodeFailure, match="the limit is 100,000,000: make a smaller copy"):
        open_image(bombs()[form])


def test_a_jpeg_xl_bomb_is_refused_before_the_plugin_decodes_it() -> None:
    data = encode(scene(800, 600), "JXL")
    with pytest.raises(DecodeFailure, match="480,000 pixels"):
        open_image(data, limits=Limits(pixels=400_000))


@pytest.mark.parametrize("pixels", [96 * 64 - 1, 96 * 64])
def test_the_pixel_limit_is_exact(pixels: int) -> None:
    data = encode(scene(), "PNG")
    if pixels < 96 * 64:
        with pytest.raises(DecodeFailure, match=r"6,144 pixels, the limit is 6,143"):
            open_image(data, limits=Limits(pixels=pixels))
    else:
        assert open_image(data, limits=Limits(pixels=pixels)).width == 96


def test_a_limit_above_pillows_own_is_honoured_and_pillow_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert open_image(encode(scene(), "PNG")).width == 96
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="vanished"):
        open_image(tmp_path / "gone.png")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        open_image(tmp_path)


def test_a_file_over_the_byte_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(bytes(3 << 20))
    with pytest.raises(UnreadableFile, match="3.0 MiB, the limit is 1.0 MiB"):
        open_image(path, limits=Limits(file_bytes=1 << 20))
