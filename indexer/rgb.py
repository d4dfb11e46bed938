"""Any picture mode to 8-bit RGB, the way a person would see it on white paper."""

import numpy as np
import numpy.typing as npt
from PIL import Image

_STRIP = 1 << 22  # pixels composed at a time, so that a large picture is not held three times


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded picture of any mode to RGB; transparency is laid over white.

    16-bit grey is scaled by its range. 32-bit integers and floats have no agreed white: values
    that fit 0…255 (floats: 0…1) are taken as they are, others are stretched from least to most.
    """
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image) >> 8)
    if image.mode in ("I", "F"):
        return _grey(_stretched(np.asarray(image)))
    if image.has_transparency_data:
        return _over_white(image.convert("LA") if image.mode == "La" else image)
    if image.mode == "RGB":
        return image
    return image.convert("RGB")


def alpha_of(image: Image.Image) -> Image.Image | None:
    """Return the opacity (L) of a loaded picture; None where all of it is opaque."""
    if not image.has_transparency_data:
        return None
    opacity = image.convert("RGBA").getchannel("A")
    return None if opacity.getextrema() == (255, 255) else opacity


def _grey(values: npt.NDArray[np.generic]) -> Image.Image:
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


def _over_white(image: Image.Image) -> Image.Image:
    paper = Image.new("RGB", image.size, "white")
    width, height = image.size
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(top + rows, height))).convert("RGBA")
        paper.paste(strip, (0, top), strip)
    return paper
