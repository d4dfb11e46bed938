"""Images of 1 to 16 bits beside their twins of 8: they look the same."""

import struct
import zlib
from io import BytesIO
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from indexer.images.decode import open_image
from indexer.images.formats.tiff import Directory
from storage.errors import DecodeFailure
from tests.indexer.images.encoded import chunk, difference, encode, grain, png, tiff
from tests.indexer.images.jxl_header import deepened

Bytes = NDArray[np.uint8]


def seen(data: bytes) -> Image.Image:
    return open_image(data).image


def grey() -> Bytes:
    return np.asarray(grain().convert("L"))


def rgb() -> Bytes:
    return np.asarray(grain())


def deep(values: Bytes, bits: int) -> NDArray[np.uint16]:
    """Return 8-bit samples as they are with so many bits (PNG Third Edition 13.12)."""
    most = (1 << bits) - 1
    return ((values.astype(np.uint32) * most + 127) // 255).astype(np.uint16)


def trns(*values: int) -> bytes:
    return chunk(b"tRNS", np.array(values, ">u2").tobytes())


@pytest.mark.parametrize("place", [(3, 5), (60, 90)])
def test_grey_of_16_bits_with_a_transparent_value_is_as_its_twin(place: tuple[int, int]) -> None:
    value = int(grey()[place])
    twin = seen(png(grey(), 8, trns(value)))
    assert difference(seen(png(deep(grey(), 16), 16, trns(value * 257))), twin) == 0
    assert twin.getpixel(place[::-1]) == (255, 255, 255)


def test_rgb_of_16_bits_with_a_transparent_colour_is_as_its_twin() -> None:
    colour = [int(value) for value in rgb()[20, 30]]
    twin = seen(png(rgb(), 8, trns(*colour)))
    found = seen(png(deep(rgb(), 16), 16, trns(*(value * 257 for value in colour))))
    assert difference(found, twin) == 0
    assert found.getpixel((30, 20)) == (255, 255, 255)


def test_only_the_very_colour_of_all_16_bits_is_transparent() -> None:
    samples = deep(rgb(), 16)
    samples[0, 0], samples[0, 1] = (0x1234, 0x5678, 0x9ABC), (0x1234, 0x5678, 0x9ABD)
    samples[0, 2] = (0x1234, 0x5678, 0x9A00)
    found = seen(png(samples, 16, trns(0x1234, 0x5678, 0x9ABC)))
    assert [found.getpixel((x, 0)) for x in range(3)] == [
        (255, 255, 255),
        (0x12, 0x56, 0x9A),
        (0x12, 0x56, 0x9A),
    ]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_with_a_transparent_value_are_as_their_twin(depth: int) -> None:
    samples = grey() >> (8 - depth)
    scale = 255 // ((1 << depth) - 1)
    twin = seen(png(samples * np.uint8(scale), 8, trns(scale)))
    assert difference(seen(png(samples, depth, trns(1))), twin) == 0


def test_of_a_transparent_value_only_the_low_bits_count() -> None:
    # PNG Third Edition 11.3.1.1: "only the low-order bits are used and all others are 0".
    value = int(grey()[3, 5])
    twin = seen(png(grey(), 8, trns(value)))
    assert twin.getpixel((5, 3)) == (255, 255, 255)
    assert difference(seen(png(grey(), 8, trns(0xFF00 | value))), twin) == 0
    colour = [0x0100 | int(value) for value in rgb()[20, 30]]
    assert seen(png(rgb(), 8, trns(*colour))).getpixel((30, 20)) == (255, 255, 255)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_white_may_be_zero_in_a_tiff_of_any_depth(bits: int, order: Literal["<", ">"]) -> None:
    samples = grey() if bits == 8 else deep(grey(), 16)
    found = seen(tiff(~samples, order, t262=(0,)))
    assert difference(found, Image.fromarray(grey())) == 0


def test_a_compressed_tiff_whose_white_is_zero_is_turned_over_too() -> None:
    data = encode(Image.fromarray(~deep(grey(), 16)), "TIFF", compression="tiff_lzw")
    at = data.find(b"\x06\x01\x03\0\x01\0\0\0\x01\0")  # tag 262, one short integer
    assert at > 0
    inverted = data[: at + 8] + b"\0\0" + data[at + 10 :]
    assert difference(seen(inverted), Image.fromarray(grey())) == 0


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("kind", ["grey", "rgb"])
@pytest.mark.parametrize("form", ["png", "tiff <", "tiff >"])
def test_few_bits_stored_in_16_are_stretched(bits: int, kind: str, form: str) -> None:
    values = grey() if kind == "grey" else rgb()
    samples = deep(values, bits)
    data = png(samples, 16) if form == "png" else tiff(samples, "<" if form == "tiff <" else ">")
    assert difference(seen(data), Image.fromarray(values)) <= 1


def test_the_inverted_one_is_stretched_before_it_is_turned_over() -> None:
    samples = (4095 - deep(grey(), 12)).astype(np.uint16)
    assert difference(seen(tiff(samples, t262=(0,))), Image.fromarray(grey())) <= 1


@pytest.mark.parametrize("bits", [9, 11, 14])
def test_sbit_says_how_many_bits_there_are(bits: int) -> None:
    for values in (grey(), rgb()):
        samples = deep(values, bits)
        sbit = chunk(b"sBIT", bytes([bits] * (1 if samples.ndim == 2 else 3)))
        wanted = Image.fromarray(values) if bits < 14 else None
        found = seen(png(samples, 16, sbit))
        if wanted is not None or samples.ndim == 2:
            assert difference(found, Image.fromarray(values)) <= 1


def test_max_sample_value_says_how_many_bits_there_are() -> None:
    samples = deep(grey(), 11)
    assert difference(seen(tiff(samples, t281=(2047,))), Image.fromarray(grey())) <= 1
    dark = deep(grey(), 12)
    assert (
        difference(seen(tiff(dark, t281=(65535,))), Image.fromarray((dark >> 8).astype(np.uint8)))
        == 0
    )


def test_a_transparent_colour_counts_where_the_samples_are_stretched() -> None:
    samples = deep(rgb(), 12)
    colour = [int(value) for value in samples[20, 30]]
    found = seen(png(samples, 16, trns(*colour)))
    assert found.getpixel((30, 20)) == (255, 255, 255)
    assert found.getpixel((31, 20)) == pytest.approx(tuple(rgb()[20, 31]), abs=1)


def test_alpha_is_stretched_with_the_colours_unless_it_fills_its_range() -> None:
    colours, alpha = rgb(), grey()
    few = np.dstack((deep(colours, 12), deep(alpha, 12)))
    twin = seen(png(np.dstack((colours, alpha)), 8))
    assert difference(seen(png(few, 16)), twin) <= 2
    mixed = np.dstack((deep(colours, 12), deep(alpha, 16)))
    assert difference(seen(png(mixed, 16)), twin) <= 2


@pytest.mark.parametrize("kind", ["grey", "rgb"])
@pytest.mark.parametrize("factor", [256, 257])
def test_a_dark_image_of_8_bits_stored_in_16_stays_dark(kind: str, factor: int) -> None:
    values = (grey() if kind == "grey" else rgb()) // np.uint8(16)
    found = seen(png(values.astype(np.uint16) * np.uint16(factor), 16))
    assert difference(found, Image.fromarray(values)) == 0


def test_a_nearly_black_image_of_16_bits_stays_black() -> None:
    noise = np.random.default_rng(1).integers(0, 400, (64, 96)).astype(np.uint16)
    assert difference(seen(png(noise, 16)), Image.new("RGB", (96, 64))) <= 1


@pytest.mark.parametrize("kind", ["grey", "rgb"])
def test_16_bits_that_fill_their_range_are_as_their_twin(kind: str) -> None:
    values = grey() if kind == "grey" else rgb()
    assert difference(seen(png(deep(values, 16), 16)), Image.fromarray(values)) == 0
    assert difference(seen(tiff(deep(values, 16), ">")), Image.fromarray(values)) == 0


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("opaque", [True, False])
def test_grey_with_alpha_of_few_bits_is_stretched_in_a_png(bits: int, opaque: bool) -> None:
    alpha = np.full_like(grey(), 255)
    alpha[:, 30:50] = 255 if opaque else 0
    twin = seen(png(np.dstack((grey(), alpha)), 8))
    few = np.dstack((deep(grey(), bits), deep(alpha, bits)))
    assert difference(seen(png(few, 16)), twin) <= 1
    mixed = np.dstack((deep(grey(), bits), deep(alpha, 16)))
    assert difference(seen(png(mixed, 16)), twin) <= 1


def test_grey_with_alpha_of_16_bits_is_as_its_twin() -> None:
    samples = np.dstack((grey(), np.asarray(grain().getchannel("R"))))
    assert difference(seen(png(deep(samples, 16), 16)), seen(png(samples, 8))) == 0
    dark = samples // np.uint8(16)
    assert (
        difference(seen(png(dark.astype(np.uint16) * np.uint16(257), 16)), seen(png(dark, 8))) == 0
    )


def in_planes(
    samples: NDArray[np.uint16], rows: int, order: Literal["<", ">"], **more: tuple[int, ...]
) -> bytes:
    """Return samples as a TIFF stored plane by plane in strips (TIFF 6.0, PlanarConfiguration).

    With `t259=(8,)` the strips are deflated.
    """
    height, width, channels = samples.shape
    planes = np.moveaxis(samples, -1, 0).astype(np.dtype(np.uint16).newbyteorder(order))
    strips = [plane[at : at + rows].tobytes() for plane in planes for at in range(0, height, rows)]
    if "t259" in more:
        strips = [zlib.compress(strip) for strip in strips]
    ends = np.cumsum([len(strip) for strip in strips]).tolist()
    tags: dict[str, tuple[int, ...]] = {
        "t256": (width,),
        "t257": (height,),
        "t258": (16,) * channels,
        "t262": (5 if channels == 4 else 2,),
        "t273": (8, *(8 + end for end in ends[:-1])),
        "t277": (channels,),
        "t278": (rows,),
        "t279": tuple(len(strip) for strip in strips),
        "t284": (2,),
    }
    return tiff(np.frombuffer(b"".join(strips), np.uint8)[None], order, **(tags | more))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("rows", [64, 32, 20])  # of one strip, two, or some with a rest
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_colours_stored_plane_by_plane_are_as_their_twin(
    bits: int, rows: int, order: Literal["<", ">"]
) -> None:
    samples = deep(rgb(), bits)
    image = open_image(in_planes(samples, rows, order))
    assert difference(image.image, grain()) <= 1
    assert image.reads_since == 1
    assert difference(seen(in_planes(samples, rows, order, t259=(8,))), grain()) <= 1


def test_a_missing_part_of_a_plane_is_a_failure() -> None:
    data = bytearray(in_planes(deep(rgb(), 16), 32, "<"))
    entry = next(each for each in Directory(bytes(data)).entries if each.tag == 273)
    struct.pack_into("<I", data, entry.value + 20, len(data) - 100)  # the last strip
    with pytest.raises(DecodeFailure, match="the TIFF is cut short"):
        open_image(bytes(data))


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_fourth_plane_is_what_the_file_says(kind: int) -> None:
    alpha = np.full_like(grey(), 0 if kind == 0 else 128)
    colours = rgb() // np.uint8(2) if kind == 1 else rgb()  # multiplied with their alpha
    samples = deep(np.dstack((colours, alpha)), 16)
    twin = Image.fromarray(np.dstack((rgb(), alpha)) if kind else rgb())
    found = seen(in_planes(samples, 32, "<", t262=(2,), t338=(kind,)))
    assert difference(found, seen(encode(twin, "PNG"))) <= 2


@pytest.mark.parametrize("bits", [12, 16])
def test_ink_stored_plane_by_plane_or_not_is_as_its_twin(bits: int) -> None:
    ink = np.dstack((255 - rgb(), np.zeros_like(grey())))
    twin = seen(tiff(ink, t262=(5,)))
    assert difference(seen(tiff(deep(ink, bits), t262=(5,))), twin) <= 2
    assert difference(seen(in_planes(deep(ink, bits), 32, "<")), twin) <= 2


@pytest.mark.parametrize("tag", [6, 3])
def test_planes_are_turned_as_the_file_says(tag: int) -> None:
    found = open_image(in_planes(deep(rgb(), 16), 64, "<", t274=(tag,)))
    turns = {6: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}
    wanted = grain().transpose(turns[tag])
    assert (found.width, found.height) == wanted.size
    assert difference(found.image, wanted) == 0


def bitmap(alpha: int) -> bytes:
    """Return a BMP of 32 bits with masks for four channels (MS-WMF 2.2.2.4)."""
    plain = encode(grain().convert("RGBA"), "BMP")
    pixels = np.frombuffer(plain[-96 * 64 * 4 :], np.uint8).reshape(-1, 4).copy()
    pixels[:, 3] = alpha
    masks = np.array([0xFF0000, 0xFF00, 0xFF, 0xFF000000], "<u4").tobytes()
    header = bytearray(plain[14:54].ljust(56, b"\0"))
    header[:4], header[16:20], header[40:56] = b"\x38\0\0\0", b"\x03\0\0\0", masks
    file = b"BM" + np.array([70 + pixels.size, 0, 70], "<u4").tobytes()
    return file + bytes(header) + pixels.tobytes()


def test_alpha_of_zero_everywhere_means_nothing_in_a_bitmap() -> None:
    assert difference(seen(bitmap(0)), grain()) == 0
    assert difference(seen(bitmap(255)), grain()) == 0
    assert difference(seen(bitmap(128)), grain()) > 20


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("extra", [None, (0,), (2,)])
def test_alpha_of_zero_everywhere_means_nothing_where_a_tiff_does_not_call_it_so(
    depth: int, extra: tuple[int, ...] | None
) -> None:
    samples = np.dstack((rgb(), np.zeros_like(grey())))
    tags: dict[str, Any] = {} if extra is None else {"t338": extra}
    data = tiff(samples if depth == 8 else deep(samples, 16), **tags)
    wanted = grain() if extra != (2,) else Image.new("RGB", (96, 64), "white")
    assert difference(seen(data), wanted) == 0


def test_alpha_of_zero_everywhere_is_meant_in_a_png() -> None:
    samples = np.dstack((rgb(), np.zeros_like(grey())))
    assert difference(seen(png(samples, 8)), Image.new("RGB", (96, 64), "white")) == 0


def test_12_bits_of_a_tiff_that_says_so_are_stretched() -> None:
    samples = deep(grey(), 12)
    pairs = samples.reshape(-1, 2).astype(np.uint32)  # two samples in three bytes
    packed = np.stack(
        (pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255), -1
    ).astype(np.uint8)
    data = tiff(packed.reshape(64, 144), t256=(96,), t258=(12,))
    assert difference(seen(data), Image.fromarray(grey())) <= 1


def test_16_bit_jpeg_2000_fills_its_range_already() -> None:
    data = encode(Image.fromarray(deep(grey(), 16)), "JPEG2000", irreversible=False)
    with Image.open(BytesIO(data)) as raw:
        assert raw.mode == "I;16"
    assert difference(seen(data), Image.fromarray(grey())) == 0


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("opacity", ["opaque", "clear in part", "half", "clear"])
def test_grey_with_alpha_of_jpeg_xl_is_read_by_its_depth(bits: int, opacity: str) -> None:
    levels = {"opaque": 255, "clear in part": 0, "half": 128, "clear": 0}
    alpha = np.full_like(grey(), levels[opacity])
    if opacity == "clear in part":
        alpha[:, 40:] = 255
    eight = Image.merge("LA", (Image.fromarray(grey()), Image.fromarray(alpha)))
    stream = encode(eight, "JXL", lossless=True)
    assert difference(seen(stream), seen(encode(eight, "PNG"))) == 0
    darker = Image.fromarray(np.rint(grey() * (255 / ((1 << bits) - 1))).astype(np.uint8))
    twin = seen(encode(Image.merge("LA", (darker, Image.fromarray(alpha))), "PNG"))
    found = open_image(deepened(stream, bits), alpha=True)
    assert difference(found.image, twin) <= 1
    assert found.reads_since == 1
    if opacity != "opaque":
        assert found.alpha is not None
        assert difference(found.alpha, Image.fromarray(alpha)) <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("most", [1, 255, 1000])
def test_white_may_be_zero_in_a_tiff_of_floats(most: int, order: Literal["<", ">"]) -> None:
    floats = (grey() / np.float32(255) * most).astype(np.float32)
    twin = seen(tiff(floats, order, t339=(3,)))
    found = seen(tiff(most - floats, order, t262=(0,), t339=(3,)))
    assert difference(found, twin) <= 1
    if most < 1000:  # no stretching from the least to the most
        assert difference(found, Image.fromarray(grey())) <= 1


@pytest.mark.parametrize("shift", [20, 24])
def test_unsigned_integers_of_32_bits_are_not_taken_for_negative_ones(shift: int) -> None:
    values = np.where(grey() > 200, 200, grey()).astype(np.uint32)
    values[0, :2] = 0, 255
    samples = values << np.uint32(shift)
    twin = Image.fromarray(values.astype(np.uint8))
    assert difference(seen(tiff(samples)), twin) <= 1
    assert difference(seen(tiff((255 << shift) - samples, t262=(0,))), twin) <= 1
    assert open_image(tiff(samples)).reads_since == 1


def test_integers_of_32_bits_that_fit_into_8_are_as_their_twin() -> None:
    for signed in (1, 2):
        found = open_image(tiff(grey().astype(np.uint32), t339=(signed,)))
        assert difference(found.image, Image.fromarray(grey())) == 0
    assert found.reads_since == 0
