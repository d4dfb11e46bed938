"""An image made ready for a tower: the square of pixels it was trained to see.

The geometry is that of torchvision's Resize and CenterCrop and of open_clip's transforms on
PIL images, or of transformers' image processors, to the pixel, without importing torch;
normalisation is left to the encoder.
"""

import math

import numpy as np
from PIL import Image

from indexer.images.thumbnail import LEAST_SIDE
from indexer.models.protocols import ImageSpec, Pixels

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}
# A codec's own scaling is coarse. Of what it leaves, a tower's size and this much more keep the
# cosine to a full decode above 0.998 (benchmarks/downscaling.py), and let a 12-megapixel photo,
# 4000 × 3000, be scaled by eight for a tower of 256 pixels.
_OVERSAMPLING = 1.45
_EXTREME_RATIO = 64  # long side over short side, up to which resizing in full costs a few MB


def sides_needed(spec: ImageSpec) -> tuple[int, int]:
    """Return the least (short, long) side in pixels that a decoder may scale an image down to.

    Enough for the tower with room for a proper resize, and for the thumbnail.
    """
    tower = math.ceil(_OVERSAMPLING * max(spec.size, spec.crop))
    return (0, max(tower, LEAST_SIDE)) if spec.resize == "longest" else (tower, LEAST_SIDE)


def prepare(image: Image.Image, spec: ImageSpec) -> Pixels:
    """Resize and crop (or pad) an RGB image: → (size, size, 3) uint8."""
    if spec.resize == "squash":
        square = _squashed(image, spec)
    elif spec.resize == "longest":
        square = _padded(image, spec)
    else:
        square = _cropped(image, spec)
    return np.asarray(square)  # (size, size, 3) uint8


def _squashed(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """Resize both sides to size, or to `crop` and cut the middle out."""
    side, resample = spec.crop or spec.size, _FILTERS[spec.interpolation]
    square = image.resize((side, side), resample)
    start = _start(side, spec)
    return square.crop((start, start, start + spec.size, start + spec.size))


def _cropped(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """Resize the short side to size, or to `crop`, and cut the middle out."""
    size, resample = spec.size, _FILTERS[spec.interpolation]
    width, height = image.size
    short, long = sorted(image.size)
    shorter = spec.crop or size
    longer = int(shorter * long / short)
    wide, high = (shorter, longer) if width <= height else (longer, shorter)
    left, top = _start(wide, spec), _start(high, spec)
    if long <= _EXTREME_RATIO * short:
        resized = image.resize((wide, high), resample)
        return resized.crop((left, top, left + size, top + size))
    # A hair of 1 × 50,000 would be resized to millions of rows to keep 224 of them. Not the way
    # for all, because Pillow then orders its two passes differently and rounds differently.
    across, down = width / wide, height / high
    box = (left * across, top * down, (left + size) * across, (top + size) * down)
    return image.resize((size, size), resample, box=box)


def _start(side: int, spec: ImageSpec) -> int:
    """Return where the middle begins on a side of that many pixels."""
    extra = side - spec.size
    return extra // 2 if spec.crop else int(round(extra / 2.0))


def _padded(image: Image.Image, spec: ImageSpec) -> Image.Image:
    """Resize the long side to size and pad the short one evenly."""
    ratio = max(image.size) / spec.size
    wide, high = (max(1, round(side / ratio)) for side in image.size)
    square = Image.new("RGB", (spec.size, spec.size), (spec.fill,) * 3)
    resized = image.resize((wide, high), _FILTERS[spec.interpolation])
    square.paste(resized, ((spec.size - wide) // 2, (spec.size - high) // 2))
    return square
