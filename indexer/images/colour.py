"""Colour management: the profile of an image, and its conversion to sRGB.

A profile that is broken, of another kind of colours than the image, or that no screen could have
is ignored, and so is one that changes nothing: it is told by what it does, not by its name.
"""

from contextlib import suppress
from functools import cache, lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from indexer.images import icc
from indexer.images.formats import jpeg2000
from indexer.images.formats.png import MAX_PROFILE_BYTES, Png

Numbers = NDArray[np.int64]

_SPACES = {"L": "GRAY", "I;16": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # by mode: as ICC writes it
_DEVICES = frozenset(("scnr", "mntr", "prtr", "spac"))  # classes whose samples an image may have
_KEPT = 32  # conversions: a library has photos of few devices
_SAME = 3  # levels of 255 by which sRGB's many editions differ from one another
_LEAST_RANGE = 64  # levels between white and black
_LEAST_WHITE = 128  # of white's darkest channel
_LEAST_APART = 16  # levels in some channel, of any two primaries
_ENDS = {  # of each mode: white and black
    "L": (255, 0),
    "I;16": (65535, 0),
    "RGB": ((255, 255, 255), (0, 0, 0)),
    "CMYK": ((0, 0, 0, 0), (255, 255, 255, 255)),
}
_FLAGS = ImageCms.Flags.NOCACHE  # for several threads share a conversion
_EMBEDDED = 0x4D424544  # "MBED": the profile is in the BMP itself


def profile(image: Image.Image, data: bytes) -> bytes | None:
    """Return the ICC profile of an opened image, or one made from its other colour metadata.

    `data` are the bytes of the file. None where nothing is said, which means sRGB, and where
    what is said cannot be read.
    """
    with suppress(Exception):  # strangers' bytes, and an image is worth more than its profile
        if image.format == "PNG":
            return next(each for each in Png(data).profiles() if each is None or _opens(each))
        if image.format == "JPEG2000":
            return jpeg2000.profile(data)
        if image.format == "BMP":
            return _of_bmp(data)
        found = image.info.get("icc_profile") or _of_codes(image, data)
        return found if isinstance(found, bytes) else None
    return None


def _opens(content: bytes) -> bool:
    with suppress(Exception):
        return bool(ImageCms.ImageCmsProfile(BytesIO(content)).profile.xcolor_space)
    return False


def _of_codes(image: Image.Image, data: bytes) -> bytes | None:
    """Return the profile of the code points in a HEIF's or AVIF's `colr` box (ISO/IEC 23008-12)."""
    codes = image.info.get("nclx_profile")
    if image.format == "AVIF":  # whose reader does not tell them
        from pillow_heif import open_heif

        codes = open_heif(BytesIO(data)).info.get("nclx_profile")
    if codes is None:
        return None
    grey = image.mode in ("L", "LA")
    return icc.coded_profile(codes["color_primaries"], codes["transfer_characteristics"], grey)


def _of_bmp(data: bytes) -> bytes | None:
    """Return the profile that a BITMAPV5HEADER points at."""
    header = data[14:138]
    if int.from_bytes(header[:4], "little") != 124:
        return None
    kind, place, size = (int.from_bytes(header[at : at + 4], "little") for at in (56, 112, 116))
    return data[14 + place : 14 + place + size] if kind == _EMBEDDED else None


@lru_cache(maxsize=_KEPT)
def conversion(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return a conversion of images of a mode (L, I;16, RGB or CMYK) to sRGB, of mode RGB.

    None where the profile does not fit the mode, makes no sense, or changes nothing. By
    LittleCMS, with the perceptual intent, as browsers do. One of I;16 is exact and slow, because
    the fast one loses the dark tones: it is for `grey_table`.
    """
    if mode not in _SPACES or not 128 <= len(profile) <= MAX_PROFILE_BYTES:
        return None
    with suppress(Exception):
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space, device = source.profile.xcolor_space.strip(), source.profile.device_class
        if space == _SPACES[mode] and device in _DEVICES:
            made = ImageCms.ImageCmsTransform(
                source,
                _srgb(),
                mode,
                "RGB",
                ImageCms.Intent.PERCEPTUAL,
                flags=_FLAGS | (ImageCms.Flags.NOOPTIMIZE if mode == "I;16" else 0),
            )
            return made if _makes_sense(made) and not _changes_nothing(made) else None
    return None


@lru_cache(maxsize=2)
def grey_table(made: ImageCms.ImageCmsTransform) -> NDArray[np.uint8]:
    """Return the result of a conversion of 16-bit grey for each value: (65536, 3)."""
    return _seen(made, np.arange(65536)).astype(np.uint8)


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _makes_sense(made: ImageCms.ImageCmsTransform) -> bool:
    """Return whether white is light, black is dark and the primaries are different colours."""
    light, dark = _seen(made, np.array(_ENDS[made.input_mode]))
    if light.min() < _LEAST_WHITE or (light - dark).max() < _LEAST_RANGE:
        return False
    if made.input_mode != "RGB":
        return True
    red, green, blue = _seen(made, 255 * np.eye(3, dtype=np.int64))
    pairs = ((red, green), (green, blue), (blue, red))
    return all(np.abs(one - other).max() >= _LEAST_APART for one, other in pairs)


def _changes_nothing(made: ImageCms.ImageCmsTransform) -> bool:
    if made.input_mode == "CMYK":
        return False
    grey = np.arange(256)
    meant = np.repeat(grey[:, None], 3, axis=1)
    if made.input_mode == "RGB":
        given = meant = np.concatenate((_grid(), meant))
    else:
        given = grey * (257 if made.input_mode == "I;16" else 1)
    return bool(np.abs(_seen(made, given) - meant).max() <= _SAME)


def _grid() -> Numbers:
    """Return colours from all over the cube: (729, 3) of 0 to 255."""
    steps = np.linspace(0, 255, 9).astype(np.int64)
    return np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)


def _seen(made: ImageCms.ImageCmsTransform, samples: Numbers) -> Numbers:
    """Convert colours, (n,) or (n, channels), to sRGB: (n, 3) of 0 to 255."""
    depth = np.uint16 if made.input_mode == "I;16" else np.uint8
    # Of four channels Pillow would make RGBA; the other modes it finds by itself.
    mode = "CMYK" if made.input_mode == "CMYK" else None
    row = Image.fromarray(samples[None].astype(depth), mode)
    seen: Numbers = np.asarray(made.apply(row)).astype(np.int64)[0]
    return seen
