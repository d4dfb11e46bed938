"""Registration: two images of one view brought onto one grid, whatever was cropped or tilted.

Local features (SIFT: Lowe, IJCV 2004) of both are matched, and the shift, turn and scale that most
of them agree on (RANSAC: Fischler and Bolles, CACM 1981) lays the finer image on the coarser one.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

SIDE = 1024  # pixels of the long side at which images are registered
_FEATURES = 1500
_RATIO = 0.8  # of the distances to the nearest and the second nearest feature (Lowe's test)
_TOLERANCE = 2.0  # pixels
_LEAST_INLIERS = 12
_MOST_SCALE = 8.0  # of one by the other, at the size at which they are registered
_LEAST_COVER = 0.5  # of the smaller of the two, as they lie on each other
_MARGIN = 9  # pixels along the edges of one within the other that are left out


def registered(first: Bytes, second: Bytes) -> tuple[Bytes, Bytes] | None:
    """Return both images on one grid, equal where only one of them shows something.

    Takes and returns (height, width, 3) uint8; None where too few features agree, or where they lay
    little of one on the other.
    """
    ours, theirs = _reduced(first), _reduced(second)
    matrix = _matrix(ours, theirs)
    if matrix is None:
        return None
    if np.hypot(matrix[0, 0], matrix[1, 0]) > 1:  # the first would be enlarged
        back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
        pair = _laid(theirs, ours, back)
        return None if pair is None else (pair[1], pair[0])
    return _laid(ours, theirs, matrix)


def _reduced(image: Bytes) -> Bytes:
    share = SIDE / max(image.shape[:2])
    if share >= 1:
        return image
    size = max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _matrix(first: Bytes, second: Bytes) -> Floats | None:
    """Find the (2, 3) matrix that takes points of the first image to the second."""
    detector = cv2.SIFT.create(nfeatures=_FEATURES)
    ours, codes = detector.detectAndCompute(cv2.cvtColor(first, cv2.COLOR_RGB2GRAY), None)
    theirs, known = detector.detectAndCompute(cv2.cvtColor(second, cv2.COLOR_RGB2GRAY), None)
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
    if not 1 / _MOST_SCALE < float(np.hypot(matrix[0, 0], matrix[1, 0])) < _MOST_SCALE:
        return None
    return np.asarray(matrix, np.float64)


def _laid(moved: Bytes, ground: Bytes, matrix: Floats) -> tuple[Bytes, Bytes] | None:
    """Return the moved image on the grid of the ground, filled up from the ground, and that."""
    size = ground.shape[1], ground.shape[0]
    share = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    smaller = min(size[0] * size[1], share**2 * moved.shape[0] * moved.shape[1])
    if share < 0.7:  # averaged first: a warp only looks at the pixels around a point
        reduced = max(1, round(moved.shape[1] * share)), max(1, round(moved.shape[0] * share))
        across, down = reduced[0] / moved.shape[1], reduced[1] / moved.shape[0]
        moved = np.asarray(cv2.resize(moved, reduced, interpolation=cv2.INTER_AREA), np.uint8)
        # Pixel centres lie at halves.
        grown = np.array([[1 / across, 0, (1 / across - 1) / 2], [0, 1 / down, (1 / down - 1) / 2]])
        matrix = (np.vstack([matrix, [0, 0, 1]]) @ np.vstack([grown, [0, 0, 1]]))[:2]
    laid = np.asarray(cv2.warpAffine(moved, matrix, size, flags=cv2.INTER_CUBIC), np.uint8)
    whole = np.full(moved.shape[:2], 255, np.uint8)
    covered = cv2.warpAffine(whole, matrix, size, flags=cv2.INTER_NEAREST)
    covered = cv2.erode(covered, np.ones((_MARGIN, _MARGIN), np.uint8))  # not where both end
    if np.count_nonzero(covered) < _LEAST_COVER * smaller:
        return None
    return np.where(covered[..., None] > 0, laid, ground), ground
