"""Block matching: do two images, aligned with each other, agree in their pixels?

Hashes and features only propose candidates. Here the images themselves are compared, at a small
size and block by block, so that a page with other words or a second shot of a moving scene does
not count as the same picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from search.dedup.detect.align import Alignment

SIDE = 160  # pixels of the long side at which images are compared
_BLOCK = 8  # pixels
_LEAST_SHARE = 0.6  # of a block that both images must cover
_FLAT = 6.0  # standard deviation, in gray levels, below which a block has no texture
_CORRELATED = 0.6  # correlation of textured blocks; a shift by half a pixel leaves about 0.8
_LEVEL = 20.0  # gray levels by which flat blocks may differ after light normalisation

_LEAST_SPREAD = 8.0  # gray levels between the first and the ninth decile
_COLOURED = 0.97  # share of a coloured image's blocks that may be gray, as an object's background
_TINTED = 4.0  # levels of Cr or Cb that the other blocks must reach
_LIKE_TINTS = 0.2  # correlation of all blocks' colours; one outline in other colours had -0.1
_TINT = 16.0  # levels of Cr or Cb by which a block may differ

_EDGES = np.arange(257) - 0.5  # of gray levels

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of two images in their pixels.

    `share`, 0 to 1: share of the textured blocks covered by both that agree; one plain background
    is like any other, so flat blocks count only where they differ. `overlap`, 0 to 1: share of
    the smaller image that the other covers. `colour`: mean absolute difference of the channels,
    0 to 255, without light normalisation. `textured`: number of textured blocks. `patch`: the
    largest difference of two blocks in gray levels, after light normalisation: it shows words
    written over an image.
    """

    share: float
    overlap: float
    colour: float
    textured: int
    patch: float


def small(image: Pixels) -> Pixels:
    """Shrink (height, width, 3) uint8 to a long side of at most 160 pixels."""
    shrink = SIDE / max(image.shape[:2])
    if shrink >= 1:
        return image
    size = (max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def agreement(first: Pixels, second: Pixels, alignment: Alignment | None = None) -> Agreement:
    """Compare two small images (height, width, 3) uint8, the first warped onto the second.

    Without an alignment the first is stretched to the second's size. Nothing agrees if fewer than
    four blocks are covered, as on strips of more than 20 to 1.
    """
    height, width = second.shape[:2]
    matrix = _matrix(first, second, alignment)
    laid = np.asarray(cv2.warpAffine(first, matrix, (width, height)), np.uint8)
    whole = np.full(first.shape[:2], 255, np.uint8)
    covered = np.asarray(cv2.warpAffine(whole, matrix, (width, height)), np.uint8) > 250
    area = abs(float(np.linalg.det(matrix[:, :2]))) * whole.size
    pixels = int(np.count_nonzero(covered))
    overlap = pixels / max(1.0, min(area, covered.size))
    if pixels < 4 * _BLOCK**2 or min(height, width) < _BLOCK:
        return Agreement(0.0, overlap, 255.0, 0, 255.0)
    differing = cv2.mean(cv2.absdiff(laid, second), covered.view(np.uint8))
    colour = sum(differing[:3]) / 3
    share, textured, patch = _blocks(laid, second, covered)
    return Agreement(share, min(1.0, overlap), colour, textured, patch)


def _matrix(first: Pixels, second: Pixels, alignment: Alignment | None) -> NDArray[np.float64]:
    (fh, fw), (sh, sw) = first.shape[:2], second.shape[:2]
    if alignment is None:
        across, down = sw / fw, sh / fh
        # Pixel centres lie at halves: without the shift a stretched copy would be misplaced.
        return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]])
    ours, theirs = max(fh, fw), max(sh, sw)
    matrix = alignment.matrix.copy()
    matrix[:, :2] *= theirs / ours
    matrix[:, 2] *= theirs
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return matrix


def _gray(image: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _blocks(laid: Pixels, second: Pixels, covered: NDArray[np.bool_]) -> tuple[float, int, float]:
    """Return the `share`, `textured` and `patch` of an `Agreement`."""
    inside = covered.astype(np.float32)
    weight = _sums(inside)
    usable = weight >= _LEAST_SHARE * _BLOCK**2
    count = np.maximum(weight, 1)
    gray = _gray(second)
    planes = [_evened(_gray(laid), gray, covered) * inside, gray * inside]
    means = [_sums(plane) / count for plane in planes]
    spread = [
        np.sqrt(np.maximum(_sums(plane * plane) / count - mean * mean, 0))
        for plane, mean in zip(planes, means, strict=True)
    ]
    together = _sums(planes[0] * planes[1]) / count - means[0] * means[1]
    textured = usable & (np.maximum(*spread) >= _FLAT)
    correlation = together / np.maximum(spread[0] * spread[1], 1e-3)
    alike = textured & (correlation >= _CORRELATED)
    # One plain background is like any other: flat blocks that agree are no evidence, flat blocks
    # that differ are.
    unlike = usable & ~textured & (np.abs(means[0] - means[1]) > _LEVEL)
    if 2 * alike.sum() > textured.sum():  # else they differ already
        tinted = _of_one_tint(laid, _masked(second, covered), weight, usable)
        alike, unlike = alike & tinted, unlike | (usable & ~textured & ~tinted)
    witnesses, agreeing = int(textured.sum()), int(alike.sum())
    patch = float(np.abs(means[0] - means[1])[usable].max(initial=0.0))
    return agreeing / max(1.0, witnesses + 0.5 * int(unlike.sum())), witnesses, patch


def _of_one_tint(
    laid: Pixels, second: Pixels, weight: Floats, usable: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the blocks that agree in colour, after one shift and one saturation for all blocks.

    Both images are black where they are not covered; `weight` is the number of covered pixels
    of each block. If one of the two is gray, all blocks agree.
    """
    tinted = np.ones(usable.shape, np.bool_)
    ours, theirs = (_tints(image, weight)[:, usable] for image in (laid, second))
    if not (_is_coloured(ours) and _is_coloured(theirs)):
        return tinted
    theirs = theirs - np.median(theirs - ours, axis=1)[:, None]
    together, power = float((ours * theirs).sum()), float((ours * ours).sum())
    likeness = together / max(1.0, np.sqrt(power * float((theirs * theirs).sum())))
    gain = min(2.0, max(0.5, together / max(1.0, power)))
    off = np.abs(theirs - gain * ours).max(axis=0)
    tinted[usable] = (off <= _TINT) & (likeness >= _LIKE_TINTS)
    return tinted


def _is_coloured(tints: Floats) -> bool:
    return bool(np.count_nonzero(np.abs(tints) >= _TINTED) > (1 - _COLOURED) * tints.size)


def _tints(image: Pixels, weight: Floats) -> Floats:
    """Return the mean Cr and Cb of the covered pixels of blocks, (2, rows, columns), 0 for gray."""
    height, width = weight.shape
    whole = image[: height * _BLOCK, : width * _BLOCK]
    red, green, blue = cv2.split(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    share = np.maximum(weight, 1) / _BLOCK**2
    return np.asarray(np.stack([0.713 * (red - light), 0.564 * (blue - light)]) / share, np.float32)


def _masked(image: Pixels, covered: NDArray[np.bool_]) -> Pixels:
    if covered.all():
        return image
    return np.asarray(cv2.bitwise_and(image, image, mask=covered.view(np.uint8)), np.uint8)


def _evened(first: Pixels, second: Pixels, covered: NDArray[np.bool_]) -> Floats:
    """Return the first with the light of the second: gain and bias by medians and spreads."""
    low, middle, high = _levels(first[covered])
    below, centre, above = _levels(second[covered])
    gain = float(np.clip((above - below) / max(high - low, 1.0), 0.4, 2.5))
    # The spread of mostly uniform images, such as pages, does not measure their contrast.
    if min(high - low, above - below) < _LEAST_SPREAD:
        gain = 1.0
    return (first.astype(np.float32) - np.float32(middle)) * np.float32(gain) + np.float32(centre)


def _levels(gray: Pixels) -> tuple[float, float, float]:
    """Return the first decile, the median and the ninth decile of the gray levels.

    Computed from a histogram, without sorting; within a level the pixels count as uniform.
    """
    below = np.concatenate([[0], np.cumsum(np.bincount(gray, minlength=256))])
    low, middle, high = np.interp(np.array((0.1, 0.5, 0.9)) * len(gray), below, _EDGES)
    return float(low), float(middle), float(high)


def _sums(plane: Floats) -> Floats:
    """Sum each block; blocks cut off by the right or the lower edge are left out."""
    height, width = (side // _BLOCK for side in plane.shape)
    whole = plane[: height * _BLOCK, : width * _BLOCK]
    means = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(means, np.float32) * _BLOCK**2
