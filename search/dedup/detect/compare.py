"""Comparing two pictures: which kind of duplicates they are, if any, and on what evidence."""

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

_LEVEL, _ENLARGED = 2.0, 0.03  # degrees, and by how much: features are placed to that
_DOUBT, _MANY = 0.02, 12  # of agreement, for each inlier that is lacking of so many
_FEW = 16  # inliers: pages of one application had 8 at the most; true copies have more, but for few
_TO_THE_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_GRID = 16  # cells a side by which light and colour are compared: finer ones see JPEG's loss
# Of a nearly even page a slope says nothing: JPEG at quality 20 moved the cells of one by 0.6
# levels and all of its paper's tint by 6; the least edits of photos moved theirs by 3.4.
_MOVED = 1.5  # levels by which contrast and saturation must move the cells
_COLOURFUL, _HUE = 6.0, 8.0  # levels: of an image, else of the cells that differ most
_DIFFERING = 0.98  # the share of cells that differ less than those


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a picture.

    `hashes` (8, 32) uint8 and `quality` as `indexer.images.fingerprint` gives them; `pixels` as
    `agreement.small` does; without `features` crops go unseen.
    """

    hashes: NDArray[np.uint8]
    quality: int
    pixels: Pixels
    capture: Capture
    features: Features | None = None


def compare(first: Look, second: Look, limits: Thresholds) -> Evidence | None:
    """Judge what two pictures of different bytes are to each other, or None for strangers.

    "same-picture" and "edited" are decided by pixels; two shots of one camera are "similar"
    however much they are alike.
    """
    seen = _by_hash(first, second, limits) or _by_features(first, second, limits)
    return None if seen is None else _two_shots(seen, first.capture, second.capture, limits)


def _by_hash(first: Look, second: Look, limits: Thresholds) -> Evidence | None:
    quality = min(first.quality, second.quality)
    if quality < limits.hash_quality:
        return None
    apart = distances(first.hashes[:1], second.hashes)
    # On a tie the picture as it lies: a symmetrical one is not mirrored.
    form = int(apart.argmin())
    if apart[form] > limits.hash_distance:
        return None
    upright = turned(second.pixels, form)
    if not _same_shape(first.pixels, upright, limits.aspect):
        return None
    # The larger is laid on the smaller: enlarged, a small copy lacks what the other shows.
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
        turned=TURNS[form] if form else None,
        agreement=agreed.share,
        colour=agreed.colour,
        patch=agreed.patch,
        contrast=contrast,
        brightness=brightness,
        saturation=saturation if tinted else None,
    )


def _by_features(first: Look, second: Look, limits: Thresholds) -> Evidence | None:
    if first.features is None or second.features is None:
        return None
    alignment = align(first.features, second.features)
    if alignment is None:
        return None
    agreed = agreement(first.pixels, second.pixels, alignment)
    if not _enough(agreed, limits) or agreed.overlap < limits.overlap:
        return None
    # Few features agree by chance where they lie on like outlines: the pixels then have to.
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
    """Return whether few features have one picture lie on all of the other, as it is."""
    level = abs(alignment.rotation) < _LEVEL and abs(alignment.scale - 1) < _ENLARGED
    return level and agreed.overlap > 1 - _ENLARGED and alignment.inliers < _FEW


def _hashes_deny(first: Look, second: Look, limits: Thresholds) -> bool:
    """Return whether hashes that mean something are far apart.

    Pages of one application have their frame in common and no more; an edit that crops nothing
    leaves the hash nearly as it was.
    """
    apart = int(distances(first.hashes[:1], second.hashes[:1])[0])
    clear = min(first.quality, second.quality) >= limits.hash_quality
    return clear and apart > limits.page_distance


def _enough(agreed: Agreement, limits: Thresholds) -> bool:
    return agreed.share >= limits.agreement and agreed.textured >= limits.textured


def _same_shape(first: Pixels, second: Pixels, most: float) -> bool:
    ours, theirs = (pixels.shape[1] / pixels.shape[0] for pixels in (first, second))
    # The shorter side is known to a pixel: of a strip that is a good part of it.
    exact = most + 1.0 / min(*first.shape[:2], *second.shape[:2])
    return bool(abs(np.log(ours / theirs)) <= exact)


def _light(first: Pixels, second: Pixels) -> tuple[float, float, float, bool]:
    """Return contrast, brightness and saturation of the second by the first, and if it has hues.

    Slopes of a regression through the cells of a coarse grid; one that moves no cell is 1.
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
    """Return the slope of one's hues by the other's, of both ways to fit it the one nearer to 1.

    What a codec loses of colour makes each slope too small, and so one of them right.
    """
    together = float((hues * other).sum())
    ours, theirs = (max(1.0, float((each**2).sum())) for each in (hues, other))
    slope = together / ours
    if together * slope < 0.5 * theirs:  # not of one another: gray beside colour, for one
        return slope
    return min(slope, theirs / together, key=lambda each: abs(each - 1))


def _power(hues: NDArray[np.float64]) -> float:
    return float(np.sqrt((hues**2).mean()))


def _cells(pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cells = cv2.resize(pixels, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float64)
    gray = cells @ (0.299, 0.587, 0.114)
    return gray, np.stack([cells[..., 0] - gray, cells[..., 2] - gray])


def _two_shots(seen: Evidence, first: Capture, second: Capture, limits: Thresholds) -> Evidence:
    """Call two exposures similar: a burst's pictures are no copies of each other.

    Pixels that agree to a gray level are one exposure, whatever the dates say.
    """
    apart = seconds_between(first, second)
    if not apart or first.camera != second.camera:
        return seen
    if seen.colour is not None and seen.colour <= limits.exposure and not seen.turned:
        return seen
    return replace(seen, kind="similar", seconds_apart=apart, camera=first.camera)


def seconds_between(first: Capture, second: Capture) -> float | None:
    """Return the seconds between two exposures, or None where one is not known to the second."""
    written = [at.taken_at or "" for at in (first, second)]
    if not all(_TO_THE_SECOND.match(at) for at in written):  # "2015-07" is as much as some say
        return None
    ours, theirs = (datetime.fromisoformat(at).replace(tzinfo=None) for at in written)
    if not all("." in at for at in written):
        # Programs that write a copy may lose the part of a second.
        ours, theirs = ours.replace(microsecond=0), theirs.replace(microsecond=0)
    return abs((ours - theirs).total_seconds())
