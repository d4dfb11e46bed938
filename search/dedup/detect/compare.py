"""The comparison of two images: which kind of duplicates they are, if any, on what evidence."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.images.fingerprint import TURNS, Features, turned
from search.dedup.detect.align import Alignment, align
from search.dedup.detect.block_match import Agreement, Pixels, agreement
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import Thresholds
from search.dedup.detect.lsh import distances
from storage.records import Capture

_LEVEL, _ENLARGED = 2.0, 0.03  # rotation in degrees and scale: the precision of feature places
_DOUBT, _MANY = 0.02, 12  # agreement to add for each inlier below that many
_FEW = 16  # inliers: pages of one application had 8 at most; nearly all true copies have more
_TO_THE_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_GRID = 16  # cells a side on which light and colour are compared: finer ones show JPEG's loss
# The slope of a nearly uniform page is meaningless: JPEG at quality 20 moved its cells by 0.6
# levels and the tint of its paper by 6; the smallest edits of photos moved theirs by 3.4.
_MOVED = 1.5  # levels by which contrast and saturation must move the cells
_COLOURFUL, _HUE = 6.0, 8.0  # levels: of the whole image, or of the cells that differ most
_DIFFERING = 0.98  # quantile of the cells' difference that is compared with _HUE


@dataclass(frozen=True, slots=True)
class ImageSignature:
    """The data by which an image is compared.

    `hashes` (8, 32) uint8 and `quality` come from `indexer.images.fingerprint`, `pixels` from
    `block_match.small`; without `features` crops are not found.
    """

    hashes: NDArray[np.uint8]
    quality: int
    pixels: Pixels
    capture: Capture
    features: Features | None = None


def compare(first: ImageSignature, second: ImageSignature, limits: Thresholds) -> Evidence | None:
    """Compare two images of different bytes; return None unless they are duplicates.

    Pixels decide between "same-picture" and "edited"; two shots of one camera are "similar"
    however much they are alike.
    """
    seen = _by_hash(first, second, limits) or _by_features(first, second, limits)
    return None if seen is None else _two_shots(seen, first.capture, second.capture, limits)


def _by_hash(first: ImageSignature, second: ImageSignature, limits: Thresholds) -> Evidence | None:
    quality = min(first.quality, second.quality)
    if quality < limits.hash_quality:
        return None
    apart = distances(first.hashes[:1], second.hashes)
    # On a tie argmin chooses the upright form: a symmetrical image is not called mirrored.
    form = int(apart.argmin())
    if apart[form] > limits.hash_distance:
        return None
    upright = turned(second.pixels, form)
    if not _same_shape(first.pixels, upright, limits.aspect):
        return None
    # The larger is warped onto the smaller: an enlarged small copy lacks the other's detail.
    smaller, larger = sorted((first.pixels, upright), key=lambda pixels: pixels.size)
    agreed = agreement(larger, smaller)
    if not _enough(agreed, limits):
        return None
    contrast, brightness, saturation, tinted = _light(first.pixels, upright)
    changed = (
        abs(contrast - 1) > limits.contrast
        or abs(brightness) > limits.brightness
        or agreed.patch > limits.patch
        or (tinted and abs(saturation - 1) > limits.saturation)
    )
    return Evidence(
        kind="edited" if form or changed else "same-picture",
        hash_distance=int(apart[form]),
        quality=quality,
        orientation=TURNS[form] if form else None,
        agreement=agreed.share,
        colour=agreed.colour,
        patch=agreed.patch,
        contrast=contrast,
        brightness=brightness,
        saturation=saturation if tinted else None,
    )


def _by_features(
    first: ImageSignature, second: ImageSignature, limits: Thresholds
) -> Evidence | None:
    if first.features is None or second.features is None:
        return None
    alignment = align(first.features, second.features)
    if alignment is None:
        return None
    agreed = agreement(first.pixels, second.pixels, alignment)
    if not _enough(agreed, limits) or agreed.overlap < limits.overlap:
        return None
    # A few features agree by chance on similar outlines: then more of the pixels must agree.
    if agreed.share < limits.agreement + _DOUBT * max(0, _MANY - alignment.inliers):
        return None
    if _lies_whole(alignment, agreed) and _hashes_deny(first, second, limits):
        return None
    return Evidence(
        kind="edited",
        agreement=agreed.share,
        colour=agreed.colour,
        inliers=alignment.inliers,
        scale=alignment.scale,
        rotation=alignment.rotation,
        overlap=agreed.overlap,
    )


def _lies_whole(alignment: Alignment, agreed: Agreement) -> bool:
    """Return whether, by few features, one image covers the other unturned and unscaled."""
    level = abs(alignment.rotation) < _LEVEL and abs(alignment.scale - 1) < _ENLARGED
    return level and agreed.overlap > 1 - _ENLARGED and alignment.inliers < _FEW


def _hashes_deny(first: ImageSignature, second: ImageSignature, limits: Thresholds) -> bool:
    """Return whether two meaningful hashes are far apart.

    Pages of one application share only their frame; an edit that crops nothing hardly changes
    the hash.
    """
    apart = int(distances(first.hashes[:1], second.hashes[:1])[0])
    clear = min(first.quality, second.quality) >= limits.hash_quality
    return clear and apart > limits.page_distance


def _enough(agreed: Agreement, limits: Thresholds) -> bool:
    return agreed.share >= limits.agreement and agreed.textured >= limits.textured


def _same_shape(first: Pixels, second: Pixels, most: float) -> bool:
    ours, theirs = (pixels.shape[1] / pixels.shape[0] for pixels in (first, second))
    # Sides are rounded to a pixel, which matters for the shorter side of a strip.
    exact = most + 1.0 / min(*first.shape[:2], *second.shape[:2])
    return bool(abs(np.log(ours / theirs)) <= exact)


def _light(first: Pixels, second: Pixels) -> tuple[float, float, float, bool]:
    """Return contrast, brightness and saturation of the second by the first, and if hues differ.

    Contrast and saturation are regression slopes over the cells of a coarse grid, and 1 if they
    hardly move the cells.
    """
    gray, hues = _cells(first)
    other_gray, other_hues = _cells(second)
    centred = gray - gray.mean()
    contrast = float((centred * (other_gray - other_gray.mean())).sum() / (centred**2).sum())
    if abs(contrast - 1) * float(gray.std()) < _MOVED:
        contrast = 1.0
    brightness = float(other_gray.mean() - gray.mean())
    saturation, power = _saturation(hues, other_hues), max(map(_power, (hues, other_hues)))
    if abs(saturation - 1) * power < _MOVED:
        saturation = 1.0
    return contrast, brightness, saturation, _is_tinted(hues, other_hues)


def _is_tinted(hues: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    apart = np.abs(hues - other)
    if float(apart.mean()) <= 0.8:
        return False
    if max(map(_power, (hues, other))) >= _COLOURFUL:
        return True
    return float(np.quantile(apart.max(axis=0), _DIFFERING)) > _HUE


def _saturation(hues: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the regression slope of one image's hues by the other's, nearer to 1 of both ways.

    The colour that a codec loses makes each slope too small, so one of the two is right.
    """
    together = float((hues * other).sum())
    ours, theirs = (max(1.0, float((each**2).sum())) for each in (hues, other))
    slope = together / ours
    if together * slope < 0.5 * theirs:  # uncorrelated, such as gray beside colour
        return slope
    return min(slope, theirs / together, key=lambda each: abs(each - 1))


def _power(hues: NDArray[np.float64]) -> float:
    return float(np.sqrt((hues**2).mean()))


def _cells(pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cells = cv2.resize(pixels, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float64)
    gray = cells @ (0.299, 0.587, 0.114)
    return gray, np.stack([cells[..., 0] - gray, cells[..., 2] - gray])


def _two_shots(seen: Evidence, first: Capture, second: Capture, limits: Thresholds) -> Evidence:
    """Return "similar" for two exposures: images of a burst are no copies of each other.

    Pixels that agree to a gray level are one exposure, whatever the dates.
    """
    apart = seconds_between(first, second)
    if not apart or first.camera != second.camera:
        return seen
    if seen.colour is not None and seen.colour <= limits.exposure and not seen.orientation:
        return seen
    return replace(seen, kind="similar", seconds_apart=apart, camera=first.camera)


def seconds_between(first: Capture, second: Capture) -> float | None:
    """Return the seconds between two exposures, or None if one is not known to the second."""
    written = [at.taken_at or "" for at in (first, second)]
    if not all(_TO_THE_SECOND.match(at) for at in written):  # some dates are only "2015-07"
        return None
    ours, theirs = (datetime.fromisoformat(at).replace(tzinfo=None) for at in written)
    if not all("." in at for at in written):
        # Programs that write a copy may drop the fraction of a second.
        ours, theirs = ours.replace(microsecond=0), theirs.replace(microsecond=0)
    return abs((ours - theirs).total_seconds())
