"""Fingerprints: perceptual hashes and local features of an image, without a model.

A perceptual hash of the whole (PDQ: Meta, ThreatExchange, "The TMK+PDQF Video-Hashing
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

HASH_SIDE = 320  # five samples for each of PDQ's 64: mirrored images then give mirrored hashes
# Short side at least, long side at most: such images are hashed as they are, since enlarged they
# came 14 bits from the hashes that Meta published for them. The price: PDQ samples every size at
# other places, so a small copy is up to 38 bits from its original (28 if all were enlarged), and
# below 100 pixels up to 50.
SMALL_SIDES = (100, 256)
FEATURE_SIDE = 320  # pixels of the long side: more of them finds nothing more
MOST_FEATURES = 100
CODE_BYTES = 16
_SEED = 7
# The turn that leads from an image to each form of its hash, in the order `pdqhash` gives them.
TURNS = ("none", "90", "180", "270", "flip", "mirror", "transpose", "transverse")

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """The local features of an image.

    `codes` (n, 16) uint8 are 128 signs each; `points` (n, 4) float32 are x, y and size as shares
    of the long side, and the angle in degrees.
    """

    codes: Bytes
    points: Floats


def perceptual_hashes(image: Image.Image) -> tuple[Bytes, int]:
    """Hash an upright RGB image in eight orientations: (8, 32) uint8, and PDQ quality, 0 to 100.

    Below a quality of 50 an image is too plain for its hash to mean anything. Small images
    (SMALL_SIDES: the short side, the long one) get PDQ's own hash to the bit, others one near it.
    """
    least, most = SMALL_SIDES
    if least <= min(image.size) and max(image.size) <= most:
        return _hashes_of_turns(np.asarray(image))
    square = image.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.BICUBIC)
    forms, quality = pdqhash.compute_dihedral(np.asarray(square))
    return np.packbits(np.array(forms, dtype=bool), axis=1), int(quality)


def turned(pixels: Bytes, form: int) -> Bytes:
    """Return an image (height, width, 3) in one of the eight orientations, by index in TURNS."""
    if form >= TURNS.index("transpose"):
        across = pixels.transpose(1, 0, 2)
        return np.ascontiguousarray(across if form == 6 else across[::-1, ::-1])
    if form >= TURNS.index("flip"):
        return np.ascontiguousarray(pixels[::-1] if form == 4 else pixels[:, ::-1])
    return np.ascontiguousarray(np.rot90(pixels, form))


def _hashes_of_turns(pixels: Bytes) -> tuple[Bytes, int]:
    """Hash each turned image separately.

    PDQ samples beside the middle of its cells, and in a small image that is far: the forms it
    derives from one hash are then up to 52 bits from those of the turned image.
    """
    made = [pdqhash.compute(turned(pixels, form)) for form in range(len(TURNS))]
    hashes = np.packbits(np.array([each for each, _ in made], dtype=bool), axis=1)
    return hashes, int(made[0][1])


def local_features(image: Image.Image) -> Features:
    """Find at most 100 features of an upright RGB image, the strongest."""
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
    """Return 128 orthogonal directions, the same on every machine."""
    drawn = np.random.default_rng(_SEED).normal(size=(128, 128))
    directions, _ = np.linalg.qr(drawn)
    return directions.astype(np.float32)
