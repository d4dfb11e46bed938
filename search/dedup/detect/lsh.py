"""Finding near codes among very many: multi-index hashing by sorting.

Two codes that differ in few bits agree wholly in some band of them (Norouzi, Punjani and Fleet,
"Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012). One band at a time, the keys
of both sides are sorted and joined; what meets is compared in full. Memory holds one band of one
block of queries beside the codes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Keys = NDArray[np.uint16] | NDArray[np.uint32]
Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers, NDArray[np.int64]]

_AT_ONCE = 4_000_000  # meetings compared at a time: 256 MB of codes of 32 bytes
# A key shared by more codes than this tells nothing: a plain sky, a page's margin.
CROWDED = 4096


def bands(codes: Codes, count: int, bits: int) -> Iterator[Keys]:
    """Yield each code's key in each of `count` bands of `bits` bits (at most 32).

    `codes` (n, bytes) uint8; a band takes every count-th bit from its number on, since
    neighbouring bits of a picture's code go together and would crowd few keys.
    """
    columns = np.ascontiguousarray(codes.T)
    length = len(columns) * 8
    for band in range(count):
        keys = _nothing(len(codes), bits)
        for place in range(band, length, max(1, length // bits))[:bits]:
            bit = (columns[place // 8] >> np.uint8(7 - place % 8)) & np.uint8(1)
            np.left_shift(keys, 1, out=keys)
            np.bitwise_or(keys, bit, out=keys)
        yield keys


def _nothing(count: int, bits: int) -> Keys:
    return np.zeros(count, np.uint16) if bits <= 16 else np.zeros(count, np.uint32)


def near(
    queries: Codes, codes: Codes, most: int, count: int, bits: int, crowded: int = CROWDED
) -> Iterator[Pairs]:
    """Find pairs (query, code) at most `most` bits apart that agree in one of the bands.

    Gives (rows of queries, rows of codes, distances), in parts; a pair that agrees in several
    bands comes several times.
    """
    for asked, known in zip(bands(queries, count, bits), bands(codes, count, bits), strict=True):
        # What no query asks for is left out first: few queries sort few of many codes.
        held = np.bincount(asked, minlength=2**bits) > 0
        candidates = np.flatnonzero(held[known])
        order = candidates[_sorting(known[candidates])]
        sharing = np.bincount(known[candidates], minlength=2**bits)
        first = (np.cumsum(sharing) - sharing)[asked]
        many = sharing[asked]
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


def _sorting(keys: Keys) -> Numbers:
    """Return the order that sorts keys, 16 bits at a time: those are sorted by counting."""
    order = np.argsort(keys.astype(np.uint16), kind="stable")
    if keys.dtype == np.uint16:
        return order
    return order[np.argsort((keys[order] >> np.uint32(16)).astype(np.uint16), kind="stable")]


def _parts(many: Numbers) -> Iterator[tuple[int, int]]:
    """Cut the queries where about `_AT_ONCE` meetings are full."""
    total = np.cumsum(many)
    start = 0
    while start < len(many):
        before = int(total[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(total, before + _AT_ONCE, "right")))
        yield start, end
        start = end
