"""Finding near codes among very many: multi-index hashing by sorting.

Two codes that differ in few bits agree wholly in some band of them (Norouzi, Punjani and Fleet,
"Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012). One band at a time, the keys
of both sides are sorted and joined; what meets is compared in full. Memory holds one band of one
block of queries, whatever the size of the library.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers, NDArray[np.int64]]

_AT_ONCE = 4_000_000  # meetings compared at a time: 256 MB of codes of 32 bytes
# A key shared by more codes than this tells nothing: a plain sky, a page's margin.
CROWDED = 4096


def bands(codes: Codes, count: int, bits: int) -> Iterator[NDArray[np.uint16] | NDArray[np.uint32]]:
    """Give each code's key in each of `count` bands of `bits` bits (at most 32).

    `codes` (n, bytes) uint8; a band takes every count-th bit from its number on, since
    neighbouring bits of a picture's code go together and would crowd few keys.
    """
    length = codes.shape[1] * 8
    for band in range(count):
        places = np.arange(band, length, max(1, length // bits))[:bits]
        keys = np.zeros(len(codes), np.uint32)
        for place in places:
            bit = (codes[:, place // 8] >> np.uint8(7 - place % 8)) & np.uint8(1)
            keys = (keys << np.uint32(1)) | bit
        # Keys of 16 bits are sorted by counting, which is many times as fast.
        yield keys.astype(np.uint16) if bits <= 16 else keys


def near(
    queries: Codes, codes: Codes, most: int, count: int, bits: int, crowded: int = CROWDED
) -> Iterator[Pairs]:
    """Find pairs (query, code) at most `most` bits apart that agree in one of the bands.

    Gives (rows of queries, rows of codes, distances), in parts; a pair that agrees in several
    bands comes several times.
    """
    for asked, known in zip(bands(queries, count, bits), bands(codes, count, bits), strict=True):
        order = np.argsort(known, kind="stable")
        ordered = known[order]
        first = np.searchsorted(ordered, asked, "left")
        many = np.searchsorted(ordered, asked, "right") - first
        many[many > crowded] = 0
        for start, end in _parts(many):
            repeats = many[start:end]
            rows = np.repeat(np.arange(start, end), repeats)
            within = np.arange(len(rows)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
            met = order[np.repeat(first[start:end], repeats) + within]
            apart = distances(queries[rows], codes[met])
            close = apart <= most
            yield rows[close], met[close], apart[close]


def distances(some: Codes, others: Codes) -> NDArray[np.int64]:
    """Count the bits in which codes differ, row by row: (n, bytes) twice, (n,) out."""
    wide = np.uint64 if some.shape[1] % 8 == 0 else np.uint8
    differing = np.ascontiguousarray(some).view(wide) ^ np.ascontiguousarray(others).view(wide)
    return np.asarray(np.bitwise_count(differing).sum(axis=1), np.int64)


def _parts(many: Numbers) -> Iterator[tuple[int, int]]:
    """Cut the queries where about `_AT_ONCE` meetings are full."""
    total = np.cumsum(many)
    start = 0
    while start < len(many):
        before = int(total[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(total, before + _AT_ONCE, "right")))
        yield start, end
        start = end
