"""Laying one picture over another: a geometric check of their local features.

Features that look alike by chance do not agree on one shift, turn and scale; those of a crop do
(RANSAC: Fischler and Bolles, CACM 1981, as OpenCV has it).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.images.fingerprint import Features

LEAST_INLIERS = 5  # chance reached 4 in 1 of 8,000 pairs of distinct photos, 5 in none
_NEAR = 30  # bits of 128: features of one place differ in 12 in the median, of two in 60
_TOLERANCE = 0.0125  # of the long side: four pixels where features are found
_DRAWS = 500


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the first picture lies on the second.

    `matrix` (2, 3) float64 takes points of the first to the second, both in shares of their own
    long side. `scale` is in those shares too, `rotation` in degrees, clockwise.
    """

    matrix: NDArray[np.float64]
    inliers: int

    @property
    def scale(self) -> float:
        """Return the length on the second picture of a unit on the first."""
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    @property
    def rotation(self) -> float:
        """Return the angle by which the first is turned to lie on the second, -180 to 180."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))


def align(first: Features, second: Features) -> Alignment | None:
    """Find the shift, turn and scale that most features agree on; None where too few do."""
    ours, theirs = _matches(first, second)
    if len(ours) < LEAST_INLIERS:
        return None
    matrix, kept = cv2.estimateAffinePartial2D(
        ours, theirs, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE, maxIters=_DRAWS
    )
    if matrix is None:
        return None
    inside = kept.ravel() > 0
    # Several features of one place count once: a star found at three sizes is one witness.
    places = {(round(x * 100), round(y * 100)) for x, y in theirs[inside]}
    if len(places) < LEAST_INLIERS:
        return None
    return Alignment(np.asarray(matrix, np.float64), len(places))


def _matches(first: Features, second: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the places, (n, 2) each, of features that are each other's nearest."""
    none = np.zeros((0, 2), np.float32)
    if not (len(first.codes) and len(second.codes)):
        return none, none
    wide = first.codes.view(np.uint64), second.codes.view(np.uint64)
    # One word at a time: of 128 bits a byte holds the count, and nothing is summed over an axis.
    apart = np.zeros((len(wide[0]), len(wide[1])), np.uint8)
    for ours, theirs in zip(wide[0].T, wide[1].T, strict=True):
        apart += np.bitwise_count(ours[:, None] ^ theirs)
    nearest = apart.argmin(axis=1)
    rows = np.arange(len(nearest))
    mutual = (apart.argmin(axis=0)[nearest] == rows) & (apart[rows, nearest] <= _NEAR)
    return first.points[mutual, :2], second.points[nearest[mutual], :2]
