"""Fine detail: do two images of one view show the same, down to a word, an eye, a small car?

Both are brought to the smaller one's grid and compared window by window, in gray at three scales
and in colour at two. What a codec or a resize did to a pair differs from pair to pair, so each
window is judged by a noise floor that is estimated from the pair itself, and the worst window
decides. The floor follows how losses behave: quantisation leaves a level in flat windows and one
that saturates with texture, resampling leaves a share of the contrast.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Channel = Literal["light", "colour", "transparency", "noise"]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_CELL, _SPAN = 2, 3  # pixels a cell, cells a window: windows of 6 pixels at every second one
_NEAR = 9  # cells around a window whose texture counts: a codec's block reaches that far
_SCALES = 3  # each half of the one before
_LEAST_SIDE = 48  # pixels of the short side at which a further scale begins
_ROUNDING = {"light": 1.35, "colour": 2.5, "transparency": 2.0}  # levels that decoders differ by
_RESAMPLED = 0.03  # of the texture near by: what another resampling filter leaves at edges
_FLAT = 6.0  # standard deviation of a window, in levels, below which it has no texture
_SATURATES = 3.0  # standard deviation at which half of quantisation's loss is reached
_FLAT_FLOOR, _TEXTURED_FLOOR = 4.5, 6.0  # levels: JPEG at quality 10 leaves no more
_ENOUGH = 64  # windows for a floor to be estimated by
_EVEN = 16.0  # variance, in levels, below which an image says nothing of its contrast
_UNLIKE = 0.8  # share of texture: JPEG at quality 10 came to 0.53, other words to 0.8 and more
_MOST = 99.0

# Two exposures of one scene: their grain is not the same. Copies down to JPEG at quality 50 and
# half the size kept a correlation of 0.22 and more wherever grain was left all over; two exposures
# reached 0.03. Below that quality single waves are left of it, and many blocks without any.
_GRAIN_PIXELS = 4096  # in flat windows
_GRAIN_LEVEL = 0.9  # standard deviation, in levels
_GRAIN_SPREAD, _GRAIN_SHARE = 0.6, 0.9  # of the level, in so much of the flat windows
_GRAIN_ALIKE = 0.1
DIFFERS = 3.1  # times the noise: copies stay below, see benchmarks/duplicates.py

# Files without losses differ by nothing: decoders round alike, and pale words on paper count.
_STEEP = 3  # levels within a pixel's neighbours, from which it is one of an edge
_EQUAL = 0.75  # of the pixels at edges are, then
_EXACT = 0.22  # of `_ROUNDING`
# What a codec left of the larger one is averaged away: its copies stayed below 2.2.
_SHRUNK, _STRICTER = 0.85, 1.3  # linear, and times the excess

_TILE, _OVERLAP = 4096, 64  # pixels: what is longer is compared in parts

_SQUARES = (np.arange(256) ** 2).astype(np.uint16)
_SCALED = (np.arange(256) * 255).astype(np.uint16)  # means keep eight bits behind the point


@dataclass(frozen=True, slots=True)
class Difference:
    """The window that differs most: by how many times the pair's noise, where, and in what.

    `excess` stays below 3 between copies and is mostly above 4 where a digit is another; `x` and
    `y` are the middle of the window as shares of width and height.
    """

    excess: float
    x: float
    y: float
    channel: Channel


def difference(first: Bytes, second: Bytes, edited: bool = False) -> Difference:
    """Compare two images, (height, width, 3) uint8, the first laid on the second.

    Sizes may differ, shapes nearly not: the larger one is shrunk to the smaller one's grid. Of
    `edited` images the colours are compared after one gain and shift of all, and not the grain,
    which a warp has smoothed.
    """

    def judge(ours: Bytes, theirs: Bytes) -> Difference:
        return _of_tile(ours, theirs, edited)

    found = _by_tiles(*_on_one_grid(first, second), judge)
    smaller, larger = sorted(image.shape[0] * image.shape[1] for image in (first, second))
    if smaller < _SHRUNK**2 * larger:
        return replace(found, excess=min(_MOST, _STRICTER * found.excess))
    return found


def difference_of_alpha(first: Bytes, second: Bytes) -> Difference:
    """Compare two planes of opacity, (height, width) uint8, the first laid on the second."""

    def judge(ours: Bytes, theirs: Bytes) -> Difference:
        return _worst(ours, theirs, "transparency", _rounding(ours, theirs))

    return _by_tiles(*_on_one_grid(first, second), judge)


def _of_tile(ours: Bytes, theirs: Bytes, edited: bool) -> Difference:
    rounding = _rounding(_gray(ours), _gray(theirs))
    found = [] if edited else [_grain(_gray(ours), _gray(theirs))]
    for scale in range(_SCALES):
        if scale:
            ours, theirs = _halved(ours), _halved(theirs)
            if scale == 1 or _is_large(ours):
                compare = _evened_out if edited else _worst
                hues = zip(_hues(ours), _hues(theirs), strict=True)
                found += [compare(one, other, "colour", rounding) for one, other in hues]
            if not _is_large(ours):
                break
        found.append(_evened_out(_gray(ours), _gray(theirs), "light", rounding))
    return max(found, key=lambda each: each.excess)


def _is_large(image: Bytes) -> bool:
    return bool(min(image.shape[:2]) >= _LEAST_SIDE)


def _by_tiles(
    first: Bytes, second: Bytes, judge: Callable[[Bytes, Bytes], Difference]
) -> Difference:
    """Return the difference of that part of two equally large images which differs most."""
    height, width = first.shape[:2]
    found = []
    for top, bottom in _parts(height):
        for left, right in _parts(width):
            part = slice(top, bottom), slice(left, right)
            each = judge(first[part], second[part])
            x = (left + each.x * (right - left)) / width
            y = (top + each.y * (bottom - top)) / height
            found.append(replace(each, x=x, y=y))
    return max(found, key=lambda each: each.excess)


def _parts(side: int) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of overlapping parts of a side."""
    count = max(1, ceil((side - _OVERLAP) / (_TILE - _OVERLAP)))
    for start in np.linspace(0, max(0, side - _TILE), count):
        yield int(start), min(side, int(start) + _TILE)


def _rounding(first: Bytes, second: Bytes) -> float:
    """Return the share of `_ROUNDING` by which the decoders of two gray planes may differ."""
    edges = cv2.morphologyEx(first, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) >= _STEEP
    if np.count_nonzero(edges) < _ENOUGH:
        return 1.0
    equal = np.count_nonzero((first == second) & edges) / np.count_nonzero(edges)
    return _EXACT if equal >= _EQUAL else 1.0


def _on_one_grid(first: Bytes, second: Bytes) -> tuple[Bytes, Bytes]:
    smaller = min(first, second, key=lambda image: image.shape[0] * image.shape[1])
    size = smaller.shape[1], smaller.shape[0]
    ours, theirs = (_shrinkings(image, size) for image in (first, second))
    # By which filter a copy was made is not known: the one that comes nearest is taken.
    pairs = [(one, other) for one in ours for other in theirs]
    return min(pairs, key=_apart) if len(pairs) > 1 else pairs[0]


def _apart(pair: tuple[Bytes, Bytes]) -> float:
    return float(np.mean(cv2.absdiff(*pair)))


def _shrinkings(image: Bytes, size: tuple[int, int]) -> list[Bytes]:
    if (image.shape[1], image.shape[0]) == size:
        return [image]
    averaged = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    filtered = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS)
    return [np.asarray(averaged, np.uint8), np.asarray(filtered, np.uint8)]


def _halved(image: Bytes) -> Bytes:
    height, width = (max(1, side // 2) for side in image.shape[:2])
    whole = image[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _gray(image: Bytes) -> Bytes:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _hues(image: Bytes) -> tuple[Bytes, Bytes]:
    parts = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    return np.ascontiguousarray(parts[..., 1]), np.ascontiguousarray(parts[..., 2])


def _evened_out(first: Bytes, second: Bytes, channel: Channel, rounding: float) -> Difference:
    """Compare two planes as they are and, where that differs, with the gain and bias of one."""
    found = _worst(first, second, channel, rounding)
    if found.excess < DIFFERS:
        return found
    # Either way round: what was too light for one of the two is lost in it.
    relit = ((_relit(first, second), second), (first, _relit(second, first)))
    others = (_worst(*pair, channel, rounding) for pair in relit)
    return min(found, *others, key=lambda one: one.excess)


def _relit(first: Bytes, second: Bytes) -> Bytes:
    """Return the first in the light of the second."""
    size = (max(1, first.shape[1] // 8), max(1, first.shape[0] // 8))
    ours, theirs = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        for plane in (first, second)
    )
    gain, bias = _line(ours, theirs)
    levels = np.clip(np.arange(256) * gain + bias, 0, 255)
    return np.asarray(cv2.LUT(first, np.rint(levels).astype(np.uint8)), np.uint8)


def _line(ours: Floats, theirs: Floats) -> tuple[float, float]:
    """Return the gain and bias that take most of one plane's cells to the other's."""
    kept = np.ones(len(ours), np.bool_)
    gain, bias = 1.0, 0.0
    for _ in range(3):
        x, y = ours[kept], theirs[kept]
        together = float(((x - x.mean()) * (y - y.mean())).mean())
        # Of what is nearly even, as paper is, only the bias is known.
        gain = (max(0.0, together) + _EVEN) / (float(x.var()) + _EVEN)
        bias = float(y.mean() - gain * x.mean())
        off = np.abs(theirs - gain * ours - bias)
        kept = off <= max(6.0, 4 * float(np.median(off)))
    return gain, bias


def _worst(first: Bytes, second: Bytes, channel: Channel, rounding: float) -> Difference:
    """Find the window of two planes whose difference stands out most from the pair's noise.

    `rounding`, 0 to 1, is the share of it to reckon with.
    """
    # What a codec loses is mostly of the highest frequency, what a reader sees is not.
    ours, theirs = (
        np.asarray(cv2.GaussianBlur(plane, (5, 5), 1.0), np.uint8) for plane in (first, second)
    )
    ours = _resharpened(ours, theirs)
    differing = np.sqrt(_means(np.asarray(cv2.absdiff(ours, theirs), np.uint8), _SQUARES))
    texture = np.sqrt(np.maximum(_variance(ours), _variance(theirs)))
    near = np.asarray(cv2.dilate(texture, np.ones((_NEAR, _NEAR), np.uint8)), np.float32)
    excess = differing / (rounding * _ROUNDING[channel] + _floor(differing, near))
    y, x = np.unravel_index(int(excess.argmax()), excess.shape)
    most = max(float(excess[y, x]), DIFFERS * _unlikeness(differing, texture) / _UNLIKE)
    return Difference(
        min(_MOST, most),
        (float(x) + 0.5) / excess.shape[1],
        (float(y) + 0.5) / excess.shape[0],
        channel,
    )


def _unlikeness(differing: Floats, texture: Floats) -> float:
    """Return the median share of texture that differs: where nearly all does, no floor is left."""
    textured = texture >= _FLAT
    if np.count_nonzero(textured) < _ENOUGH:
        return 0.0
    return float(np.median(differing[textured] / texture[textured]))


def _resharpened(first: Bytes, second: Bytes) -> Bytes:
    """Return the first as sharp as the second: resampling filters hardly differ in more."""
    soft = cv2.GaussianBlur(first, (0, 0), 1.5)
    some = (slice(None, None, 3), slice(None, None, 3))
    edges = first[some].astype(np.float32) - soft[some]
    off = second[some].astype(np.float32) - first[some]
    share = float((edges * off).sum()) / (float((edges * edges).sum()) + edges.size)
    share = min(2.0, max(-0.8, share))
    return np.asarray(cv2.addWeighted(first, 1 + share, soft, -share, 0), np.uint8)


def _floor(differing: Floats, texture: Floats) -> Floats:
    """Return the difference to expect of each window, as most windows of the pair show it."""
    flat = texture < _FLAT
    level = _typical(differing[flat], _FLAT_FLOOR)
    grown = texture / (texture + _SATURATES)
    loss = _typical((differing[~flat] - level) / grown[~flat], _TEXTURED_FLOOR)
    return np.asarray(level + loss * grown + _RESAMPLED * texture, np.float32)


def _typical(values: NDArray[np.floating], most: float) -> float:
    if values.size < _ENOUGH:
        return 0.0
    # Where most windows differ the median is no noise; what codecs leave is bounded.
    return min(most, max(0.0, float(np.median(values))))


def _grain(first: Bytes, second: Bytes) -> Difference:
    """Compare the grain of flat parts, which two exposures do not share, where both kept it."""
    planes = [plane.astype(np.float32) for plane in (first, second)]
    smooth = [np.asarray(cv2.GaussianBlur(plane, (5, 5), 1.0), np.float32) for plane in planes]
    grains = [plane - soft for plane, soft in zip(planes, smooth, strict=True)]
    flat = np.maximum(*(_spread(soft) for soft in smooth)) < _FLAT / 2
    kept = [grain[flat] for grain in grains]
    same = Difference(0.0, 0.5, 0.5, "noise")
    if np.count_nonzero(flat) < _GRAIN_PIXELS:
        return same
    levels = [float(grain.std()) for grain in kept]
    for grain, level in zip(grains, levels, strict=True):
        power = cv2.blur(grain * grain, (8, 8))[flat]
        everywhere = float((power > (_GRAIN_SPREAD * level) ** 2).mean())
        if level < _GRAIN_LEVEL or everywhere < _GRAIN_SHARE:
            return same
    alike = float((kept[0] * kept[1]).mean()) / (levels[0] * levels[1])
    return Difference(min(_MOST, DIFFERS * _GRAIN_ALIKE / max(alike, 1e-3)), 0.5, 0.5, "noise")


def _spread(plane: Floats) -> Floats:
    mean = cv2.blur(plane, (6, 6))
    return np.sqrt(np.maximum(cv2.blur(plane * plane, (6, 6)) - mean * mean, 0))


def _variance(plane: Bytes) -> Floats:
    mean = _means(plane, _SCALED) / 255
    return np.maximum(_means(plane, _SQUARES) - mean * mean, 0)


def _means(plane: Bytes, table: NDArray[np.uint16]) -> Floats:
    """Return the means of a table's values over windows, one at each cell."""
    height, width = (max(1, side // _CELL) for side in plane.shape)
    whole = cv2.LUT(plane, table)[: height * _CELL, : width * _CELL]
    cells = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.blur(cells, (_SPAN, _SPAN), borderType=cv2.BORDER_REPLICATE), np.float32)
