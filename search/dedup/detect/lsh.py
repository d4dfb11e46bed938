"""Near neighbours of binary codes by multi-index hashing, with sorted joins.

Two codes that differ in few bits are equal in some band of bits (Norouzi, Punjani and Fleet,
"Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012). One band at a time, the keys
of both sides are sorted and joined, and joined codes are compared in full. Memory holds one band
of one block of queries beside the codes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Keys = NDArray[np.uint16] | NDArray[np.uint32]
Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers, NDArray[np.int64]]

_AT_ONCE = 4_000_000  # joined pairs compared at a time: 256 MB of codes of 32 bytes
# A key shared by more codes than this is meaningless: a plain sky, a page's margin.
CROWDED = 4096


def bands(codes: Codes, count: int, bits: int) -> Iterator[Keys]:
    """Yield each code's key in each of `count` bands of `bits` bits (at most 32).

    `codes` (n, bytes) uint8; a band takes every count-th bit, starting at its own number, since
    neighbouring bits of an image's code are correlated and would crowd few keys.
    """
    columns = np.ascontiguousarray(codes.T)
    length = len(columns) * 8
    for band in range(count):
        keys = _zeros(len(codes), bits)
        for place in range(band, length, max(1, length // bits))[:bits]:
            bit = (columns[place // 8] >> np.uint8(7 - place % 8)) & np.uint8(1)
            np.left_shift(keys, 1, out=keys)
            np.bitwise_or(keys, bit, out=keys)
        yield keys


def _zeros(count: int, bits: int) -> Keys:
    return np.zeros(count, np.uint16) if bits <= 16 else np.zeros(count, np.uint32)


def near_pairs(
    queries: Codes, codes: Codes, most: int, count: int, bits: int, crowded: int = CROWDED
) -> Iterator[Pairs]:
    """Yield pairs at most `most` bits apart that agree in one of the bands.

    Each part is (rows of queries, rows of codes, distances); a pair that agrees in several bands
    comes several times.
    """
    for query_keys, code_keys in zip(
        bands(queries, count, bits), bands(codes, count, bits), strict=True
    ):
        # Codes whose key no query has are left out first: few queries need few codes sorted.
        held = np.bincount(query_keys, minlength=2**bits) > 0
        candidates = np.flatnonzero(held[code_keys])
        order = candidates[_sorting(code_keys[candidates])]
        group_sizes = np.bincount(code_keys[candidates], minlength=2**bits)
        first = (np.cumsum(group_sizes) - group_sizes)[query_keys]
        many = group_sizes[query_keys]
        many[many > crowded] = 0
        for start, end in _parts(many):
            repeats = many[start:end]
            rows = np.repeat(np.arange(start, end), repeats)
            within = np.arange(len(rows)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
            matched = order[np.repeat(first[start:end], repeats) + within]
            apart = distances(queries[rows], codes[matched])
            close = apart <= most
            yield rows[close], matched[close], apart[close]


def distances(some: Codes, others: Codes) -> NDArray[np.int64]:
    """Count the bits in which codes differ, row by row: (n, bytes) twice, (n,) out."""
    wide = np.uint64 if some.shape[1] % 8 == 0 else np.uint8
    differing = np.ascontiguousarray(some).view(wide) ^ np.ascontiguousarray(others).view(wide)
    return np.asarray(np.bitwise_count(differing).sum(axis=1), np.int64)


def _sorting(keys: Keys) -> Numbers:
    """Return the order that sorts keys, 16 bits at a time: NumPy radix-sorts those."""
    order = np.argsort(keys.astype(np.uint16), kind="stable")
    if keys.dtype == np.uint16:
        return order
    return order[np.argsort((keys[order] >> np.uint32(16)).astype(np.uint16), kind="stable")]


def _parts(many: Numbers) -> Iterator[tuple[int, int]]:
    """Yield ranges of queries with about `_AT_ONCE` joined pairs each."""
    total = np.cumsum(many)
    start = 0
    while start < len(many):
        before = int(total[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(total, before + _AT_ONCE, "right")))
        yield start, end
        start = end
