"""The alignment of two images: geometric verification of their local features.

Features that match by chance do not agree on one translation, rotation and scale; those of a crop
do (RANSAC: Fischler and Bolles, CACM 1981, in OpenCV's implementation).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.images.fingerprint import Features

LEAST_INLIERS = 5  # of 8,000 pairs of distinct photos 1 had 4 by chance, none had 5
_NEAR = 30  # bits of 128: the median is 12 for features of one place, 60 for those of two
_TOLERANCE = 0.0125  # of the long side: four pixels at the size at which features are computed
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Alignment:
    """The similarity transform from the first image to the second.

    `matrix` (2, 3) float64 maps points of the first to the second, both in units of their own
    long side. `scale` is in those units too, `rotation` in degrees, clockwise.
    """

    matrix: NDArray[np.float64]
    inliers: int

    @property
    def scale(self) -> float:
        """Return the length on the second image of one unit on the first."""
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    @property
    def rotation(self) -> float:
        """Return the angle from the first to the second, -180 to 180 degrees."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))


def align(first: Features, second: Features) -> Alignment | None:
    """Estimate the transform that most features agree on; None if too few do."""
    ours, theirs = _matches(first, second)
    if len(ours) < LEAST_INLIERS:
        return None
    matrix, kept = cv2.estimateAffinePartial2D(
        ours, theirs, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE, maxIters=_DRAWS
    )
    if matrix is None:
        return None
    inside = kept.ravel() > 0
    # Several features at one place count once: a star found at three sizes is one inlier.
    places = {(round(x * 100), round(y * 100)) for x, y in theirs[inside]}
    if len(places) < LEAST_INLIERS:
        return None
    return Alignment(np.asarray(matrix, np.float64), len(places))


def _matches(first: Features, second: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the places, (n, 2) each, of features that are mutual nearest neighbours."""
    none = np.zeros((0, 2), np.float32)
    if not (len(first.codes) and len(second.codes)):
        return none, none
    wide = first.codes.view(np.uint64), second.codes.view(np.uint64)
    # One 64-bit word at a time: a byte holds a count of 128 bits, and no axis needs a sum.
    apart = np.zeros((len(wide[0]), len(wide[1])), np.uint8)
    for ours, theirs in zip(wide[0].T, wide[1].T, strict=True):
        apart += np.bitwise_count(ours[:, None] ^ theirs)
    nearest = apart.argmin(axis=1)
    rows = np.arange(len(nearest))
    mutual = (apart.argmin(axis=0)[nearest] == rows) & (apart[rows, nearest] <= _NEAR)
    return first.points[mutual, :2], second.points[nearest[mutual], :2]
