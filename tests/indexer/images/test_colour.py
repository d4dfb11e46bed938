"""Profiles in every format: colours as LittleCMS gives them, and nothing where nothing is meant."""

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from indexer.images import colour, icc
from indexer.images.decode import open_image
from tests.indexer.images.converted import PROFILES, SRGB, by_littlecms, colours, seen
from tests.indexer.images.encoded import (
    box,
    difference,
    encode,
    profile,
    scene,
)
from tests.indexer.images.jxl_header import turned

EXACT = {  # formats that keep samples to the bit, and how they are asked to
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
}


@pytest.mark.parametrize("form", EXACT)
@pytest.mark.parametrize("name", PROFILES)
def test_an_exact_format_gives_the_colours_of_littlecms(form: str, name: str) -> None:
    data = encode(colours(), form, icc_profile=PROFILES[name], **EXACT[form])
    assert difference(seen(data), by_littlecms(colours(), PROFILES[name])) <= 1


@pytest.mark.parametrize("form", ["JPEG", "HEIF", "AVIF"])
@pytest.mark.parametrize("name", PROFILES)
def test_a_lossy_format_gives_them_too(form: str, name: str) -> None:
    data = encode(colours(), form, icc_profile=PROFILES[name], quality=95)
    decoded = Image.open(BytesIO(data)).convert("RGB")
    assert difference(seen(data), by_littlecms(decoded, PROFILES[name])) <= 1


def test_a_scaled_jpeg_is_converted_after_its_scaling() -> None:
    data = encode(scene(1600, 1200), "JPEG", icc_profile=PROFILES["ProPhoto"], quality=95)
    image = open_image(data, smallest=(128, 200))
    assert image.image.size == (200, 150)
    assert difference(image.image, by_littlecms(scene(200, 150), PROFILES["ProPhoto"])) < 60
    assert np.abs(_means(image.image) - _means(seen(data))).max() < 2


@pytest.mark.parametrize("form", ["PNG", "HEIF"])
def test_a_large_image_is_made_smaller_before_it_is_converted(form: str) -> None:
    data = encode(colours().resize((1600, 1200)), form, icc_profile=PROFILES["Display P3"])
    image = open_image(data, smallest=(128, 200))
    assert (image.width, image.height) == (1600, 1200)
    assert 200 <= image.image.width < 400
    assert np.abs(_means(image.image) - _means(seen(data))).max() < 2
    plain = encode(colours().resize((1600, 1200)), "PNG")
    assert open_image(plain, smallest=(128, 200)).image.size == (1600, 1200)


def _means(image: Image.Image) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.asarray(image.reduce(image.width // 20), float).mean((0, 1))
    return means


def test_jpeg_xl_is_converted_from_the_primaries_of_its_codestream() -> None:
    stream = encode(Image.new("RGB", (96, 64), (255, 0, 0)), "JXL", quality=98)
    data = turned(stream, 1, primaries=11)
    with Image.open(BytesIO(data)) as raw:
        assert difference(raw, Image.new("RGB", raw.size, (234, 51, 35))) < 6  # sRGB's red in P3
    assert difference(seen(data), Image.new("RGB", (96, 64), (255, 0, 0))) < 6


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 1), (1, 8), (1, 4)])
def test_code_points_count_where_there_is_no_profile(
    form: str, primaries: int, transfer: int
) -> None:
    data = _coded(form, primaries, transfer)
    decoded = Image.open(BytesIO(data)).convert("RGB")
    made = icc.coded_profile(primaries, transfer, False)
    assert made is not None
    assert difference(seen(data), by_littlecms(decoded, made)) <= 1
    plain = _coded(form, 1, 13)
    assert difference(seen(plain), Image.open(BytesIO(plain)).convert("RGB")) == 0


def _coded(form: str, primaries: int, transfer: int) -> bytes:
    """Encode with a `colr` box of code points; an encoder of AVIF always writes one, of sRGB."""
    if form == "HEIF":
        return encode(
            colours(),
            form,
            quality=95,
            color_primaries=primaries,
            transfer_characteristics=transfer,
            matrix_coefficients=6,
            full_range_flag=1,
        )
    data = encode(colours(), form, quality=95)
    at = data.find(b"colrnclx") + 8
    assert at > 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_grey_is_converted_by_its_curve(form: str, gamma: float) -> None:
    grey = Image.linear_gradient("L")
    content = icc.grey_profile(icc.gamma_curve(gamma))
    data = encode(grey, form, icc_profile=content, **({"quality": 95} if form == "JPEG" else {}))
    decoded = Image.open(BytesIO(data))
    decoded.load()
    assert difference(seen(data), by_littlecms(decoded, content)) <= 1


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_of_linear_grey_keep_their_dark_tones(form: str) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    data = encode(Image.fromarray(ramp), form, icc_profile=icc.grey_profile(icc.gamma_curve(1.0)))
    found = np.asarray(seen(data))[..., 0].reshape(-1)
    light = np.arange(65536) / 65535  # IEC 61966-2-1
    meant = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(found - meant).max() <= 1.5


def cmyk_profile() -> bytes:
    """Make a CMYK profile whose black is weak, by a lut8Type table of two steps (ICC.1 10.10)."""
    table = bytearray()
    for number in range(16):
        cyan, magenta, yellow, black = (number >> bit & 1 for bit in (3, 2, 1, 0))
        light = (1 - 0.5 * black) * (1 - 0.3 * cyan - 0.4 * magenta - 0.05 * yellow)
        table += bytes((int(255 * light), 128 - 40 * cyan + 60 * magenta, 128 + 90 * yellow))
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    lut = b"mft1\0\0\0\0\x04\x03\x02\0" + matrix + ramp * 4 + bytes(table) + ramp * 3
    lut += bytes(-len(lut) % 4)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    tags = ((b"A2B0", lut), (b"wtpt", white))
    start = 128 + 4 + 12 * len(tags)
    entries, body = b"", b""
    for name, content in tags:
        entries += name + struct.pack(">II", start + len(body), len(content))
        body += content
    head = struct.pack(">I4sI", start + len(body), b"", 0x02400000) + b"prtrCMYKLab "
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + body


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_is_converted_by_its_profile(form: str) -> None:
    inks = colours().convert("CMYK")
    data = encode(
        inks, form, icc_profile=cmyk_profile(), **({"quality": 95} if form == "JPEG" else {})
    )
    decoded = Image.open(BytesIO(data))
    decoded.load()
    expected = by_littlecms(decoded, cmyk_profile())
    assert difference(seen(data), expected) <= 1
    assert difference(expected, decoded.convert("RGB")) > 40


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile_is_ink_on_white(form: str) -> None:
    data = encode(Image.new("RGB", (32, 32), (220, 40, 30)).convert("CMYK"), form)
    assert difference(seen(data), Image.new("RGB", (32, 32), (220, 40, 30))) < 8


def test_a_palette_is_converted() -> None:
    few = colours().quantize(16)
    data = encode(few, "PNG", icc_profile=PROFILES["ProPhoto"])
    assert difference(seen(data), by_littlecms(few.convert("RGB"), PROFILES["ProPhoto"])) <= 1


def test_transparency_is_laid_over_white_after_the_conversion() -> None:
    image = colours()
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    for form in ("PNG", "TIFF", "WEBP"):
        exact = {"lossless": True, "exact": True} if form == "WEBP" else {}
        data = encode(image, form, icc_profile=PROFILES["Display P3"], **exact)
        paper = Image.new("RGB", image.size, "white")
        paper.paste(by_littlecms(image.convert("RGB"), PROFILES["Display P3"]), (0, 0), alpha)
        assert difference(seen(data), paper) <= 2


def test_grey_with_alpha_is_converted() -> None:
    image = Image.merge("LA", (Image.linear_gradient("L"), Image.new("L", (256, 256), 128)))
    content = icc.grey_profile(icc.gamma_curve(1.0))
    grey = by_littlecms(image.getchannel(0), content)
    paper = Image.blend(Image.new("RGB", grey.size, "white"), grey, 128 / 255)
    assert difference(seen(encode(image, "PNG", icc_profile=content)), paper) <= 2


def test_lab_is_what_it_says_whatever_the_profile() -> None:
    lab = ImageCms.profileToProfile(
        colours(), SRGB, ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    data = encode(lab, "TIFF", icc_profile=PROFILES["ProPhoto"])
    assert difference(seen(data), lab.convert("RGB")) == 0


def test_jpeg_2000_is_converted_by_the_profile_of_its_box() -> None:
    data = encode(colours(), "JPEG2000", irreversible=False)
    content = PROFILES["Adobe RGB"]
    assert difference(seen(_with_colr(data, content)), by_littlecms(colours(), content)) <= 1
    assert difference(seen(data), colours()) == 0


def _with_colr(data: bytes, content: bytes) -> bytes:
    """Replace the `colr` box of a JPEG 2000 by one of method 2 (ISO/IEC 15444-1 I.5.3.3)."""
    at, header = data.find(b"colr") - 4, data.find(b"jp2h") - 4
    old = int.from_bytes(data[at : at + 4], "big")
    new = box(b"colr", b"\2\0\0" + content)
    size = int.from_bytes(data[header : header + 4], "big") + len(new) - old
    head = data[:header] + struct.pack(">I", size)
    return head + data[header + 4 : at] + new + data[at + old :]


def test_a_bitmap_is_converted_by_the_profile_in_it() -> None:
    plain, content = encode(colours(), "BMP"), PROFILES["Adobe RGB"]
    pixels = plain[54:]
    header = bytearray(plain[14:54].ljust(124, b"\0"))
    struct.pack_into("<I", header, 0, 124)
    struct.pack_into("<I", header, 56, 0x4D424544)  # PROFILE_EMBEDDED (MS-WMF 2.1.1.6)
    struct.pack_into("<II", header, 112, 124 + len(pixels), len(content))
    size = 14 + 124 + len(pixels) + len(content)
    file = b"BM" + struct.pack("<IHHI", size, 0, 0, 14 + 124) + bytes(header) + pixels + content
    assert difference(seen(file), by_littlecms(colours(), content)) <= 1


def simplified_srgb() -> bytes:
    """Make an sRGB profile as the smallest ones are: a curve of 26 points."""
    points = np.interp(np.linspace(0, 4095, 26), np.arange(4096), icc.srgb_curve())
    made = icc.matrix_profile(icc.SRGB, points)
    assert made is not None
    return made


@pytest.mark.parametrize(
    "make", [SRGB.tobytes, lambda: profile(icc.SRGB), simplified_srgb], ids=["lcms", "own", "small"]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_profile_of_srgb_changes_no_pixel(form: str, make: Callable[[], bytes]) -> None:
    plain, with_profile = encode(colours(), form), encode(colours(), form, icc_profile=make())
    assert np.array_equal(np.asarray(seen(plain)), np.asarray(seen(with_profile)))
    assert colour.conversion(make(), "RGB") is None
    assert open_image(with_profile).reads_since == 0


def broken() -> dict[str, bytes]:
    whole = PROFILES["ProPhoto"]
    flat = icc.Primaries((0.31, 0.33), (0.3128, 0.33), (0.3127, 0.3291))
    one = icc.matrix_profile(icc.SRGB, np.full(4096, 0.01))
    return {
        "empty": b"",
        "text": b"this is no profile " * 40,
        "cut": whole[:200],
        "half": whole[: len(whole) // 2],
        "zeros": whole[:128] + bytes(len(whole) - 128),
        "grey": icc.grey_profile(icc.gamma_curve(1.0)),
        "CMYK": cmyk_profile(),
        "Lab": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        "a link": whole[:12] + b"link" + whole[16:],
        "all one colour": one or b"",
        "no colours": icc.matrix_profile(flat, icc.srgb_curve()) or b"",
        "negative": _inverted(whole),
    }


def _inverted(content: bytes) -> bytes:
    """Turn the curve of a profile round, so that white is dark."""
    at = content.find(b"curv\0\0\0\0") + 12
    values = np.frombuffer(content, ">u2", 4096, at)[::-1]
    return content[:at] + values.tobytes() + content[at + 8192 :]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "HEIF", "AVIF"])
@pytest.mark.parametrize("name", sorted(broken()))
def test_a_profile_that_makes_no_sense_is_ignored(form: str, name: str) -> None:
    plain = seen(encode(colours(), form))
    with_profile = seen(encode(colours(), form, icc_profile=broken()[name]))
    assert difference(plain, with_profile) <= 1


def test_a_profile_of_colours_says_nothing_of_grey() -> None:
    grey = Image.linear_gradient("L")
    data = encode(grey, "PNG", icc_profile=PROFILES["ProPhoto"])
    assert difference(seen(data), grey) == 0


def test_conversions_are_kept_for_the_next_file_and_may_be_shared() -> None:
    first = colour.conversion(PROFILES["Display P3"], "RGB")
    assert first is not None
    assert colour.conversion(PROFILES["Display P3"], "RGB") is first


def test_threads_see_the_same_colours() -> None:
    files = [
        encode(colours(), form, icc_profile=PROFILES[name])
        for name in PROFILES
        for form in ("PNG", "JPEG", "TIFF")
    ]
    colour.conversion.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda data: seen(data).tobytes(), files * 8))
    assert found == [seen(data).tobytes() for data in files] * 8


def test_a_profile_in_several_segments_is_joined() -> None:
    content = PROFILES["ProPhoto"] + bytes(150_000)
    data = encode(colours(), "JPEG", icc_profile=content, quality=95)
    assert data.count(b"ICC_PROFILE\0") == 3
    decoded = Image.open(BytesIO(data)).convert("RGB")
    assert difference(seen(data), by_littlecms(decoded, PROFILES["ProPhoto"])) <= 1


def test_a_profile_beyond_its_limit_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour, "MAX_PROFILE_BYTES", 1000)
    assert colour.conversion(PROFILES["ProPhoto"] + b"\0", "RGB") is None
