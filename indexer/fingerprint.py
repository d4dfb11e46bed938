"""Fingerprints: what a picture is recognised by, without a model.

Two sorts. A perceptual hash of the whole (PDQ: Meta, ThreatExchange, "The TMK+PDQF Video-Hashing
Algorithm and the PDQ Image-Hashing Algorithm", 2019) survives re-encoding, resizing and changes
of light, and comes in the eight turned and mirrored forms of the dihedral group. Local features
(SIFT: Lowe, IJCV 2004) survive crops, borders and small rotations; each is kept as the signs of
128 fixed random projections of its RootSIFT vector (Charikar, STOC 2002; Arandjelovic and
Zisserman, CVPR 2012), so that two of them are compared by counting bits.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

HASH_SIDE = 320  # five samples for each of PDQ's 64: mirrored pictures then give mirrored hashes
FEATURE_SIDE = 320  # pixels of the long side: more of them finds nothing more
MOST_FEATURES = 100
CODE_BYTES = 16
_SEED = 7
# The turn that leads from a picture to each form of its hash, in the order `pdqhash` gives them.
TURNS = ("none", "90", "180", "270", "flip", "mirror", "transpose", "transverse")

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """Places worth knowing a picture by.

    `codes` (n, 16) uint8 are 128 signs each; `points` (n, 4) float32 are x, y and size as shares
    of the long side, and the angle in degrees.
    """

    codes: Bytes
    points: Floats


def perceptual_hashes(image: Image.Image) -> tuple[Bytes, int]:
    """Hash an upright RGB picture in its eight forms: (8, 32) uint8, and PDQ's quality, 0 to 100.

    Below a quality of 50 a picture is too plain for its hash to mean anything.
    """
    square = image.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.BILINEAR)
    forms, quality = pdqhash.compute_dihedral(np.asarray(square))
    return np.packbits(np.array(forms, dtype=bool), axis=1), int(quality)


def local_features(image: Image.Image) -> Features:
    """Find at most 100 features of an upright RGB picture, the strongest."""
    gray = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY)
    shrink = FEATURE_SIDE / max(gray.shape)
    if shrink < 1:
        size = (max(1, round(gray.shape[1] * shrink)), max(1, round(gray.shape[0] * shrink)))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    found, vectors = _detector().detectAndCompute(gray, None)
    if vectors is None:
        return Features(np.zeros((0, CODE_BYTES), np.uint8), np.zeros((0, 4), np.float32))
    order = sorted(range(len(found)), key=lambda at: -found[at].response)[:MOST_FEATURES]
    long = max(gray.shape)
    points = [
        (*(side / long for side in found[at].pt), found[at].size / long, found[at].angle)
        for at in order
    ]
    return Features(
        _signs(np.asarray(vectors[order], np.float32)), np.array(points, np.float32).reshape(-1, 4)
    )


def _signs(vectors: Floats) -> Bytes:
    root = np.sqrt(vectors / np.maximum(vectors.sum(axis=1, keepdims=True), 1e-9))
    centred = root - root.mean(axis=1, keepdims=True)
    return np.packbits(centred @ _directions() > 0, axis=1)


@cache
def _detector() -> "cv2.SIFT":
    # Low thresholds: a smooth photo, too, has a hundred places that are better than none.
    return cv2.SIFT.create(nfeatures=MOST_FEATURES, contrastThreshold=0.01, edgeThreshold=12)


@cache
def _directions() -> Floats:
    """Give 128 orthogonal directions, the same on every machine."""
    drawn = np.random.default_rng(_SEED).normal(size=(128, 128))
    directions, _ = np.linalg.qr(drawn)
    return directions.astype(np.float32)
