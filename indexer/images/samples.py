"""Samples of more than eight bits, a transparent colour among them, and alpha without meaning.

What was stored in 16 bits looks as it would in 8. Where 10 or 12 bits were stored as they are,
the image is nearly black; it is stretched where the file says how many bits it has, or where no
sample exceeds what 10 or 12 bits hold, unless every one is a multiple of 256 or 257: that is
how 8 bits are stored in 16, and such an image is as dark as it looks.
"""

import sys
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from indexer.images.png import Png
from indexer.images.tiff import BITS_PER_SAMPLE, EXTRA_SAMPLES, MAX_SAMPLE_VALUE, Directory

Shorts = NDArray[np.uint16]

_GUESSED = ((10, 512, 1023), (12, 1024, 4095))  # bits, and where the largest sample then lies
_HIGHEST_HIGH_BYTE = 15  # of samples that 12 bits hold
_STRIP = 1 << 20  # pixels that are joined from their bytes at a time
_GREY, _RGB, _RGBA = 0, 2, 6  # PNG's colour types
_ALPHA_KINDS = frozenset((1, 2))  # of TIFF's ExtraSamples: what is an alpha channel for certain


def normalised(
    image: ImageFile.ImageFile, data: bytes, original: bytes
) -> tuple[Image.Image, Image.Image | None]:
    """Return a loaded image whose samples fill their range, and its opacity, if apart.

    `data` are the bytes it was opened from, `original` those before they were mended. The
    opacity is of mode L, 255 where nothing shines through. 16-bit grey stays so (mode I;16).
    """
    if image.format == "PNG":
        return _of_png(image, data)
    if image.format == "TIFF":
        return _of_tiff(image, data, Directory(original).is_inverted), None
    return (_opaque(image) if image.format == "BMP" else image), None


def _of_png(image: ImageFile.ImageFile, data: bytes) -> tuple[Image.Image, Image.Image | None]:
    png = Png(data)
    header, colour = png.header, png.transparent()
    if header is None:
        return image, None
    if header.depth == 16 and header.colour == _GREY:
        values = np.asarray(image)
        opacity = None if colour is None else _opacity(values != colour[0])
        return _grey(values, png.significant_bits()), opacity
    if header.depth == 16 and header.colour in (_RGB, _RGBA):
        return _of_halves(image, data, png.significant_bits(), colour)
    if colour is not None:
        scaled = tuple(value * 255 // ((1 << header.depth) - 1) for value in colour)
        image.info["transparency"] = scaled if header.colour == _RGB else scaled[0]
    return image, None


def _of_tiff(image: ImageFile.ImageFile, data: bytes, is_inverted: bool) -> Image.Image:
    directory = Directory(data)
    bits = set(directory.numbers(BITS_PER_SAMPLE))
    largest = max(directory.numbers(MAX_SAMPLE_VALUE), default=0)
    declared = largest.bit_length() if largest else None
    if image.mode.startswith("I;16"):
        grey = _grey(np.asarray(image), 12 if bits == {12} else declared, bits == {12})
        return Image.fromarray(~np.asarray(grey)) if is_inverted else grey
    if bits == {16} and image.mode in ("RGB", "RGBA"):
        image, _ = _of_halves(image, data, declared, None)  # type: ignore[assignment]
    if set(directory.numbers(EXTRA_SAMPLES)) & _ALPHA_KINDS:
        return image
    return _opaque(image)


def _opaque(image: Image.Image) -> Image.Image:
    """Take alpha that is zero everywhere for unused, where the format does not say it is alpha."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        image.putalpha(255)
    return image


def _grey(values: NDArray[Any], declared: int | None, certain: bool = False) -> Image.Image:
    samples: Shorts = values.astype(np.uint16)
    bits = declared if certain else _bits(samples, declared)
    if bits is None or bits == 16:
        return Image.fromarray(samples)
    return Image.fromarray(_stretched(samples, bits).astype(np.uint16) * np.uint16(257))


def _bits(samples: Shorts, declared: int | None) -> int | None:
    """Return in how many bits samples were stored as they are; None for all 16."""
    largest = int(samples.max())
    if declared is not None and not 8 <= declared < 16:
        return None
    guessed = (bits for bits, least, most in _GUESSED if least <= largest <= most)
    bits = next(guessed, None) if declared is None else declared
    if bits is None or largest >= 1 << bits:
        return None
    is_eight = not (samples % 256).any() or not (samples % 257).any()
    return None if is_eight else bits


def _stretched(samples: Shorts, bits: int) -> NDArray[np.uint8]:
    most = (1 << bits) - 1
    scaled: NDArray[np.uint8] = (
        (np.minimum(samples, most).astype(np.uint32) * 255 + most // 2) // most
    ).astype(np.uint8)
    return scaled


def _opacity(opaque: NDArray[np.bool_]) -> Image.Image:
    return Image.fromarray(np.where(opaque, np.uint8(255), np.uint8(0)))


def _of_halves(
    image: ImageFile.ImageFile,
    data: bytes,
    declared: int | None,
    colour: tuple[int, ...] | None,
) -> tuple[Image.Image, Image.Image | None]:
    """Look at both bytes of each sample, where the high ones, which Pillow keeps, do not do."""
    extrema = [channel[1] for channel in image.getextrema()[:3]]  # type: ignore[index]
    is_dark = max(extrema) <= _HIGHEST_HIGH_BYTE
    if colour is None and not is_dark:
        return image, None
    low = _low_bytes(image, data)
    opacity = None if colour is None else _opacity(_differs(image, low, colour))
    if is_dark:
        samples = _joined(image, low, 0, image.height)
        bits = _bits(samples[..., :3], declared)
        if bits is not None:
            form = image.mode
            scaled = _stretched(samples, bits)
            if form == "RGBA" and int(samples[..., 3].max()) >= 1 << bits:
                scaled[..., 3] = samples[..., 3] >> 8  # alpha that fills its range already
            return Image.fromarray(scaled), opacity
    return image, opacity


def _low_bytes(image: ImageFile.ImageFile, data: bytes) -> Image.Image:
    """Decode again, keeping the other byte of each sample."""
    twin = type(image)(BytesIO(data))
    twin.tile = [tile._replace(args=_other_half(tile.args)) for tile in twin.tile]
    twin.load()
    return twin


def _other_half(args: Any) -> Any:
    if isinstance(args, tuple):
        return (_other_half(args[0]), *args[1:])
    form, _, order = str(args).rpartition(";16")
    native = "L" if sys.byteorder == "little" else "B"
    return f"{form};16{'B' if (native if order == 'N' else order) == 'L' else 'L'}"


def _joined(high: Image.Image, low: Image.Image, top: int, bottom: int) -> Shorts:
    box = (0, top, high.width, bottom)
    upper, lower = (np.asarray(half.crop(box), np.uint16) for half in (high, low))
    joined: Shorts = (upper << np.uint16(8)) | lower
    return joined


def _differs(high: Image.Image, low: Image.Image, colour: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell where a pixel is not of this colour, all 16 bits considered: (height, width)."""
    rows = max(1, _STRIP // high.width)
    parts = [
        (_joined(high, low, top, min(top + rows, high.height)) != np.array(colour, np.uint16)).any(
            -1
        )
        for top in range(0, high.height, rows)
    ]
    return np.concatenate(parts)
