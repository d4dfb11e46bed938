"""Registration: two images of one view brought onto one grid, whatever was cropped or tilted.

Local features (SIFT: Lowe, IJCV 2004) of both are matched, and the shift, turn and scale that most
of them agree on (RANSAC: Fischler and Bolles, CACM 1981) lays the finer image on the coarser one.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

SIDE = 1024  # pixels of the long side at which features are matched
_FEATURES = 1500
_RATIO = 0.8  # of the distances to the nearest and the second nearest feature (Lowe's test)
_TOLERANCE = 2.0  # pixels
_LEAST_INLIERS = 12
_CORNERS, _REFINEMENTS, _NEAR = 1000, 2, 0.5  # the last in pixels
_MOST_SCALE = 8.0  # of one by the other, at the size at which features are matched
_LEAST_COVER = 0.5  # of the smaller of the two, as they lie on each other
_MARGIN = 9  # pixels along the edges of one within the other that are left out


@dataclass(frozen=True, slots=True)
class Registration:
    """The transform between two images.

    `matrix` (2, 3) takes pixels of the finer one, the second where it is `swapped`, to those of the
    coarser one.
    """

    matrix: Floats
    swapped: bool

    def lay(self, first: Bytes, second: Bytes) -> tuple[Bytes, Bytes] | None:
        """Return what both images show on the coarser grid; they are equal in corners one lacks.

        Takes and returns planes or colours, (height, width) or (height, width, 3) uint8, of the
        sizes that were registered; None where little of one lies on the other.
        """
        moved, ground = (second, first) if self.swapped else (first, second)
        laid, covered = _warped(moved, ground.shape, self.matrix)
        smaller = min(ground[..., :1].size, _scale(self.matrix) ** 2 * moved[..., :1].size)
        if np.count_nonzero(covered) < _LEAST_COVER * smaller:
            return None
        left, top, wide, high = cv2.boundingRect(covered)
        box = slice(top, top + high), slice(left, left + wide)
        shown = covered[box] > 0 if ground.ndim == 2 else covered[box][..., None] > 0
        filled, ground = np.where(shown, laid[box], ground[box]), ground[box]
        return (ground, filled) if self.swapped else (filled, ground)


def register(first: Bytes, second: Bytes) -> Registration | None:
    """Find how two images lie on each other, (height, width, 3) uint8; None where it is unclear."""
    ours, theirs = _reduced(first), _reduced(second)
    matrix = _matrix(ours, theirs)
    if matrix is None:
        return None
    whole = _scaling(theirs, second) @ _square(matrix) @ _scaling(first, ours)
    swapped = _scale(whole) > 1  # else the first would be enlarged
    moved, ground = (second, first) if swapped else (first, second)
    fitted = np.asarray(np.linalg.inv(whole) if swapped else whole, np.float64)
    return Registration(_refined(fitted[:2], _gray(moved), _gray(ground)), swapped)


def _refined(matrix: Floats, moved: Bytes, ground: Bytes) -> Floats:
    """Return the matrix of two gray planes, exact to a fraction of a pixel of the whole images.

    Corners are tracked from one to the other (Lucas and Kanade, IJCAI 1981), in the same light.
    """
    for _ in range(_REFINEMENTS):
        laid, covered = _warped(moved, ground.shape, matrix)
        corners = cv2.goodFeaturesToTrack(ground, _CORNERS, 0.01, 8, mask=covered)
        if corners is None:
            return matrix
        seen = covered > 0
        gain = float(ground[seen].std()) / max(1.0, float(laid[seen].std()))
        bias = float(ground[seen].mean()) - gain * float(laid[seen].mean())
        levels = np.rint(np.clip(np.arange(256) * gain + bias, 0, 255)).astype(np.uint8)
        relit = np.asarray(cv2.LUT(laid, levels), np.uint8)
        there, found, _ = cv2.calcOpticalFlowPyrLK(ground, relit, corners, corners.copy())
        kept = found.ravel() > 0
        if np.count_nonzero(kept) < _LEAST_INLIERS:
            return matrix
        step, inside = cv2.estimateAffinePartial2D(
            there[kept], corners[kept], method=cv2.RANSAC, ransacReprojThreshold=_NEAR
        )
        if step is None or int(inside.sum()) < _LEAST_INLIERS:
            return matrix
        matrix = (_square(np.asarray(step, np.float64)) @ _square(matrix))[:2]
    return matrix


def _gray(image: Bytes) -> Bytes:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _square(matrix: Floats) -> Floats:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


def _scale(matrix: Floats) -> float:
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def _reduced(image: Bytes) -> Bytes:
    share = SIDE / max(image.shape[:2])
    if share >= 1:
        return image
    return _shrunk(image, share)


def _shrunk(image: Bytes, share: float) -> Bytes:
    size = max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _scaling(before: Bytes, after: Bytes) -> Floats:
    """Return the (3, 3) matrix of a resize; pixel centres lie at halves."""
    down, across = (new / old for new, old in zip(after.shape[:2], before.shape[:2], strict=True))
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])


def _matrix(first: Bytes, second: Bytes) -> Floats | None:
    """Find the (2, 3) matrix that takes points of the first image to the second."""
    detector = cv2.SIFT.create(nfeatures=_FEATURES)
    ours, codes = detector.detectAndCompute(_gray(first), None)
    theirs, known = detector.detectAndCompute(_gray(second), None)
    if codes is None or known is None or len(known) < 2:
        return None
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    nearest = matcher.knnMatch(codes, known, k=2)
    back = {match.queryIdx: match.trainIdx for match in matcher.match(known, codes)}
    good = [
        best
        for best, next_best in nearest
        if best.distance < _RATIO * next_best.distance and back[best.trainIdx] == best.queryIdx
    ]
    if len(good) < _LEAST_INLIERS:
        return None
    matrix, kept = cv2.estimateAffinePartial2D(
        np.array([ours[match.queryIdx].pt for match in good], np.float32),
        np.array([theirs[match.trainIdx].pt for match in good], np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=_TOLERANCE,
    )
    if matrix is None or int(kept.sum()) < _LEAST_INLIERS:
        return None
    # Where one thing stands many times in an image, its places may all be laid on one.
    fitted = np.asarray(matrix, np.float64)
    return fitted if 1 / _MOST_SCALE < _scale(fitted) < _MOST_SCALE else None


def _warped(moved: Bytes, shape: tuple[int, ...], matrix: Floats) -> tuple[Bytes, Bytes]:
    """Return the moved image on a grid of that shape, and 255 where it covers it, less a margin."""
    size, share = (shape[1], shape[0]), _scale(matrix)
    if share < 0.7:  # averaged first: a warp only looks at the pixels around a point
        reduced = _shrunk(moved, share)
        matrix = (_square(matrix) @ _scaling(reduced, moved))[:2]
        moved = reduced
    laid = np.asarray(cv2.warpAffine(moved, matrix, size, flags=cv2.INTER_CUBIC), np.uint8)
    whole = np.full(moved.shape[:2], 255, np.uint8)
    covered = cv2.warpAffine(whole, matrix, size, flags=cv2.INTER_NEAREST)
    eroded = cv2.erode(covered, np.ones((_MARGIN, _MARGIN), np.uint8))  # not where both end
    return laid, np.asarray(eroded, np.uint8)
