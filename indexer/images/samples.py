"""Samples of more than eight bits, a transparent colour among them, and alpha without meaning.

What was stored in 16 bits looks as it would in 8. Where 10 or 12 bits were stored as they are,
the image is nearly black; it is stretched where the file says how many bits it has, or where no
sample exceeds what 10 or 12 bits hold, unless every one is a multiple of 256 or 257: that is
how 8 bits are stored in 16, and such an image is as dark as it looks.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFile

from indexer.images.formats.png import Png
from indexer.images.formats.tiff import (
    BITS_PER_SAMPLE,
    EXTRA_SAMPLES,
    MAX_SAMPLE_VALUE,
    PLANAR_CONFIGURATION,
    Directory,
)
from indexer.images.rgb import to_rgb

Shorts = NDArray[np.uint16]

_GUESSED = ((10, 512, 1023), (12, 1024, 4095))  # bits, and where the largest sample then lies
_MOST_GUESSED = 12
_HIGHEST_HIGH_BYTE = 15  # of samples that 12 bits hold
_STRIP = 1 << 20  # pixels that are joined from their bytes at a time
_GREY, _GREY_ALPHA = 0, 4  # PNG's colour types
_ASSOCIATED = 1  # of TIFF's ExtraSamples: alpha with which the colours are multiplied
_ALPHA_KINDS = frozenset((_ASSOCIATED, 2))  # what is an alpha channel for certain
_IN_PLANES = 2  # of TIFF's PlanarConfiguration


def normalised(
    image: ImageFile.ImageFile, data: bytes, original: bytes
) -> tuple[Image.Image, Image.Image | None]:
    """Load an image and return it with samples that fill their range, and its opacity, if apart.

    `data` are the bytes it was opened from, `original` those before they were mended. The
    opacity is of mode L, 255 where nothing shines through. 16-bit grey stays so (mode I;16).
    """
    if image.format == "TIFF":
        return _of_tiff(image, data, Directory(original).is_inverted), None
    image.load()
    if image.format == "PNG":
        return _of_png(image, data)
    if deep_grey_alpha(image) is not None:
        return _of_deep_grey_alpha(image), None
    return (_opaque(image, None) if image.format == "BMP" else image), None


def deep_grey_alpha(image: ImageFile.ImageFile) -> bytes | None:
    """Return the samples of grey with alpha of more than 8 bits in JPEG XL; None for any other.

    The plugin hands over two of 16 bits or two floats a pixel, and calls them mode LA as well.
    """
    if image.format != "JXL" or image.mode != "LA":
        return None
    samples: bytes = vars(image)["_data"]  # there is no public door to it
    return None if len(samples) == 2 * image.width * image.height else samples


def _of_deep_grey_alpha(image: ImageFile.ImageFile) -> Image.Image:
    samples = deep_grey_alpha(image) or b""
    if len(samples) == 8 * image.width * image.height:
        floats = np.frombuffer(samples, np.float32)
        eight = np.rint(np.nan_to_num(floats).clip(0, 1) * 255).astype(np.uint8)
    else:
        eight = (np.frombuffer(samples, np.uint16) >> 8).astype(np.uint8)
    return Image.fromarray(eight.reshape(image.height, image.width, 2))


def _of_png(image: ImageFile.ImageFile, data: bytes) -> tuple[Image.Image, Image.Image | None]:
    png = Png(data)
    header, colour = png.header, png.transparent()
    if header is None:
        return image, None
    if header.depth == 16 and header.colour == _GREY:
        opacity = None if colour is None else _opacity(np.asarray(image) != colour[0])
        return _grey(image, png.significant_bits()), opacity
    if header.depth == 16:
        low = partial(_low_bytes, image, data)
        if header.colour == _GREY_ALPHA:
            low = partial(_low_bytes_of_grey_alpha, png)
        return _of_halves(image, low, png.significant_bits(), colour)
    if colour is not None:
        scaled = tuple(value * 255 // ((1 << header.depth) - 1) for value in colour)
        image.info["transparency"] = scaled[0] if header.colour == _GREY else scaled
    return image, None


def _of_tiff(image: ImageFile.ImageFile, data: bytes, is_inverted: bool) -> Image.Image:
    directory = Directory(data)
    bits = set(directory.numbers(BITS_PER_SAMPLE))
    largest = max(directory.numbers(MAX_SAMPLE_VALUE), default=0)
    declared = largest.bit_length() if largest else None
    if bits == {16} and image.mode in ("RGB", "RGBA", "CMYK"):
        return _of_deep_colours(image, data, directory, declared)
    image.load()
    if image.mode.startswith("I;16"):
        grey = _grey(image, 12 if bits == {12} else declared, bits == {12})
        return Image.fromarray(~np.asarray(grey)) if is_inverted else grey
    if image.mode in ("I", "F"):
        return _of_wide_grey(image, directory.is_unsigned, is_inverted)
    return _opaque(image, directory)


def _of_wide_grey(image: Image.Image, is_unsigned: bool, is_inverted: bool) -> Image.Image:
    """Return grey of 32 bits, which Pillow takes for signed and for black at zero, as it is."""
    if image.mode == "I" and is_unsigned:
        samples = np.asarray(image).view(np.uint32)
        if samples.max() >> 31:
            image = Image.fromarray(samples.astype(np.float32))
    return ImageChops.invert(to_rgb(image).convert("L")) if is_inverted else image


def _of_deep_colours(
    image: ImageFile.ImageFile, data: bytes, directory: Directory, declared: int | None
) -> Image.Image:
    is_associated = _ASSOCIATED in directory.numbers(EXTRA_SAMPLES)
    seen: Image.Image = image
    low = partial(_low_bytes, image, data)
    if directory.numbers(PLANAR_CONFIGURATION)[:1] == (_IN_PLANES,):
        seen = _of_planes(directory, image.mode, is_associated, 8)
        low = partial(_of_planes, directory, image.mode, is_associated, 0)
    seen.load()
    if not is_associated:  # colours that were divided by their alpha have no other bytes
        _of_halves(seen, low, declared, None)
    return _opaque(seen, directory)


def _of_planes(directory: Directory, mode: str, is_associated: bool, shift: int) -> Image.Image:
    """Return 8 bits of samples stored plane by plane, shifted by 8 for the high ones or by 0.

    Pillow reads such samples as of 8 bits, or their high bytes only.
    """
    bands = []
    for index in range(Image.getmodebands(mode)):
        with Image.open(BytesIO(directory.plane(index)), formats=("TIFF",)) as plane:
            bands.append(Image.fromarray((np.asarray(plane) >> shift).astype(np.uint8)))
    return Image.merge("RGBa", bands).convert(mode) if is_associated else Image.merge(mode, bands)


def _opaque(image: Image.Image, directory: Directory | None) -> Image.Image:
    """Return an image without the alpha that is zero everywhere where nothing calls it alpha."""
    if directory is not None and _ALPHA_KINDS & set(directory.numbers(EXTRA_SAMPLES)):
        return image
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        image.putalpha(255)
    return image


def _grey(image: Image.Image, declared: int | None, certain: bool = False) -> Image.Image:
    """Return 16-bit grey that fills its range; `certain` where `declared` bits are beyond doubt."""
    samples = np.asarray(image)
    bits = declared if certain else _bits([samples], declared)
    if bits is None:
        return image
    return Image.fromarray((_scale(bits).astype(np.uint16) * np.uint16(257))[samples])


def _bits(parts: Iterable[NDArray[Any]], declared: int | None) -> int | None:
    """Return in how many bits samples were stored as they are; None for all 16."""
    if declared is not None and not 8 <= declared < 16:
        return None
    limit = 1 << (declared or _MOST_GUESSED)
    largest, odd = 0, [False, False]  # whether some are no multiples of 256, of 257
    for part in parts:
        largest = max(largest, int(part.max()))
        if largest >= limit:
            return None
        odd = [
            seen or bool((part % step).any()) for seen, step in zip(odd, (256, 257), strict=True)
        ]
    if not all(odd):
        return None
    guessed = (bits for bits, least, most in _GUESSED if least <= largest <= most)
    return declared or next(guessed, None)


def _scale(bits: int) -> NDArray[np.uint8]:
    """Return the table from samples of `bits` to 8 bits: (65536,); larger values are white."""
    most = (1 << bits) - 1
    values = np.minimum(np.arange(65536), most)
    scaled: NDArray[np.uint8] = ((values * 255 + most // 2) // most).astype(np.uint8)
    return scaled


def _opacity(opaque: NDArray[np.bool_]) -> Image.Image:
    return Image.fromarray(np.where(opaque, np.uint8(255), np.uint8(0)))


def _of_halves(
    image: Image.Image,
    low_bytes: Callable[[], Image.Image],
    declared: int | None,
    colour: tuple[int, ...] | None,
) -> tuple[Image.Image, Image.Image | None]:
    """Return an image by both bytes of each sample, where the high ones, which it has, do not do.

    `low_bytes` returns the others. What is stretched is the image itself.
    """
    extrema = [channel[1] for channel in image.getextrema()[: _colours(image)]]  # type: ignore[index]
    is_dark = max(extrema) <= _HIGHEST_HIGH_BYTE
    if colour is None and not is_dark:
        return image, None
    try:
        low = low_bytes()
    except Exception:  # memory, or an unpacker that Pillow lacks: the high bytes alone, then
        return image, None
    opacity = None
    if colour is not None:
        differs = [(part != np.array(colour, np.uint16)).any(-1) for _, part in _strips(image, low)]
        opacity = _opacity(np.concatenate(differs))
        image.info.pop("transparency", None)
    if is_dark:
        _stretch(image, low, declared)
    return image, opacity


def _stretch(image: Image.Image, low: Image.Image, declared: int | None) -> None:
    """Fill the range of 8 bits in an image of high bytes, if its samples had fewer than 16."""
    colours = _colours(image)
    bits = _bits((part[..., :colours] for _, part in _strips(image, low)), declared)
    if bits is None:
        return
    scale = _scale(bits)
    alpha = image.getchannel("A").histogram() if image.mode == "RGBA" else []
    fills = any(alpha[_HIGHEST_HIGH_BYTE + 1 :])
    for top, part in _strips(image, low):
        scaled = scale[part]
        if fills:  # alpha has all 16 bits
            scaled[..., 3] = part[..., 3] >> 8
        image.paste(Image.fromarray(scaled, image.mode), (0, top))


def _colours(image: Image.Image) -> int:
    """Return how many channels of an image are no alpha."""
    return 4 if image.mode == "CMYK" else 3


def _strips(high: Image.Image, low: Image.Image) -> Iterator[tuple[int, Shorts]]:
    """Yield samples joined from their bytes, (rows, width, channels), and where they begin."""
    rows = max(1, _STRIP // high.width)
    for top in range(0, high.height, rows):
        box = (0, top, high.width, min(top + rows, high.height))
        upper, lower = (np.asarray(half.crop(box)).astype(np.uint16) for half in (high, low))
        yield top, (upper << np.uint16(8)) | lower


def _low_bytes(image: ImageFile.ImageFile, data: bytes) -> Image.Image:
    """Decode again, keeping the other byte of each sample."""
    twin = type(image)(BytesIO(data))
    twin.tile = [tile._replace(args=_other_half(tile.args)) for tile in twin.tile]
    twin.load()
    return twin


def _low_bytes_of_grey_alpha(png: Png) -> Image.Image:
    with Image.open(BytesIO(png.by_bytes()), formats=("PNG",)) as both:
        _, grey, _, alpha = both.split()
    return Image.merge("RGBA", (grey, grey, grey, alpha))


def _other_half(args: Any) -> Any:
    if isinstance(args, tuple):
        return (_other_half(args[0]), *args[1:])
    form, _, order = str(args).rpartition(";16")
    native = "L" if sys.byteorder == "little" else "B"
    return f"{form};16{'B' if (native if order == 'N' else order) == 'L' else 'L'}"
