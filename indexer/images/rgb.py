"""Conversion of any image mode to 8-bit sRGB, as it looks on white paper."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from indexer.images.colour import conversion, grey_table

_STRIP = 1 << 22  # pixels composed at a time, so that a large image is not held three times
_GREY = frozenset(("1", "L", "LA", "La"))


def to_rgb(
    image: Image.Image, profile: bytes | None = None, opacity: Image.Image | None = None
) -> Image.Image:
    """Convert a loaded image of any mode to sRGB; what is transparent is laid over white.

    `profile` is the ICC profile of its colours, None for sRGB; `opacity` (mode L) is its alpha,
    where the mode has none. The image itself may be changed.

    16-bit grey is scaled by its range. 32-bit integers and floats have no agreed white: values
    that fit 0…255 (floats: 0…1) are taken as they are, others are stretched from least to most.
    """
    if image.mode in ("I", "F"):
        return _rgb_of_grey(_stretched(np.asarray(image)))
    change = (
        None if profile is None or image.mode == "LAB" else conversion(profile, base_mode(image))
    )
    if opacity is None and not image.has_transparency_data:
        if image.mode == "RGB":
            return image if change is None else _changed_in_place(image, change)
        if change is None and not image.mode.startswith("I;16"):
            return image.convert("RGB")
    return _over_white(image, change, opacity)


def alpha_of(image: Image.Image, opacity: Image.Image | None = None) -> Image.Image | None:
    """Return the opacity (L) of a loaded image; None where all of it is opaque.

    `opacity` is its alpha, where its mode has none.
    """
    if opacity is None:
        if not image.has_transparency_data:
            return None
        opacity = image.convert("RGBA").getchannel("A")
    return None if opacity.getextrema() == (255, 255) else opacity


def base_mode(image: Image.Image) -> str:
    """Return the mode that an image has without alpha and palette: L, I;16, CMYK or RGB."""
    if image.mode in _GREY:
        return "L"
    if image.mode.startswith("I;16"):
        return "I;16"
    return "CMYK" if image.mode == "CMYK" else "RGB"


def _changed_in_place(image: Image.Image, change: ImageCms.ImageCmsTransform) -> Image.Image:
    change.apply_in_place(image)
    return image


def _rgb_of_grey(values: npt.NDArray[np.generic]) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8), "L").convert("RGB")


def _stretched(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    known = np.nan_to_num(values.astype(np.float32), copy=False, posinf=0, neginf=0)
    least, most = float(known.min()), float(known.max())
    if values.dtype.kind == "f" and 0 <= least and most <= 1:
        least, most = 0.0, 1.0
    elif 0 <= least and most <= 255:
        least, most = 0.0, 255.0
    scaled: npt.NDArray[np.float32] = (known - least) * (255 / ((most - least) or 1))
    return np.rint(scaled)


def _over_white(
    image: Image.Image,
    change: ImageCms.ImageCmsTransform | None,
    opacity: Image.Image | None,
) -> Image.Image:
    paper = Image.new("RGB", image.size, "white")
    width, height = image.size
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        strip, mask = _apart(image.crop(box), base_mode(image))
        if opacity is not None:
            mask = opacity.crop(box)
        paper.paste(_rgb(strip, change), (0, top), mask)
    return paper


def _apart(strip: Image.Image, base: str) -> tuple[Image.Image, Image.Image | None]:
    """Separate the colours of a strip from its alpha."""
    if base in ("I;16", "CMYK"):
        return strip, None
    if not strip.has_transparency_data:
        return strip.convert(base), None
    whole = strip.convert("LA" if base == "L" else "RGBA")
    return whole.convert(base), whole.getchannel("A")


def _rgb(strip: Image.Image, change: ImageCms.ImageCmsTransform | None) -> Image.Image:
    if strip.mode.startswith("I;16"):
        values = np.asarray(strip)
        if change is None:
            return _rgb_of_grey(values >> 8)
        return Image.fromarray(grey_table(change)[values])
    return strip.convert("RGB") if change is None else change.apply(strip)
