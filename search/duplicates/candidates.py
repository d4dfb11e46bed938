"""Candidates: pairs of pictures worth comparing, found among very many without comparing all.

Each method remembers how far it came, so a library that grows by a thousand pictures pays for a
thousand. New rows are compared with all rows up to themselves: every pair is met once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.duplicates.banding import near
from search.duplicates.kinds import Thresholds
from storage import duplicates
from storage.catalogue import Catalogue

Numbers = NDArray[np.int64]
_HASH_BANDS = (16, 16)  # bands, bits: 18 changed bits leave one of the bands whole in 997 of 1,000
_FEATURE_BANDS = (6, 20)
_NEAR_FEATURES = 18  # bits of 128
_LEAST_VOTES = 2  # features that two pictures share
_CROWDED_FEATURES = 300  # pictures full of one texture, or with one caption's letters
_BLOCK = 131_072  # new pictures at a time: 32 MB of hashes
_FEATURE_BLOCK = 32_768  # 52 MB of codes


@dataclass(frozen=True, slots=True)
class Met:
    """Pairs to compare, (n, 2) int64 item numbers, the lower first, and how far this method is."""

    items: Numbers
    watermark: int


def by_hashes(catalogue: Catalogue, limits: Thresholds) -> Iterator[Met]:
    """Find pairs whose perceptual hashes are near in any of the eight forms, block by block."""
    items, bases = _bases(catalogue, limits)
    with catalogue.reading() as connection:
        after = duplicates.watermark(connection, "hashes")
        last = duplicates.last(connection, "hashes")
    while after < last:
        upto, asked, forms = _block(catalogue, after, limits)
        rows = items[: np.searchsorted(items[:, 0], upto, "right")]
        pairs = [np.zeros((0, 2), np.int64)]
        for query, known, _ in near(forms, bases[: len(rows)], limits.hash_distance, *_HASH_BANDS):
            pairs.append(np.unique(_pairs(asked[query // 8], rows[known, 1]), axis=0))
        yield Met(np.unique(np.concatenate(pairs), axis=0), upto)
        after = upto


def _bases(catalogue: Catalogue, limits: Thresholds) -> tuple[Numbers, NDArray[np.uint8]]:
    """Read all usable hashes as pictures lie: (n, 2) row and item numbers, (n, 32)."""
    numbers, bases = [np.zeros((0, 2), np.int64)], [np.zeros((0, 32), np.uint8)]
    with catalogue.reading() as connection:
        for page in duplicates.fingerprints(connection):
            good = page.quality >= limits.hash_quality
            numbers.append(np.stack([page.ids[good], page.items[good]], axis=1))
            bases.append(page.hashes[good, 0])
    return np.concatenate(numbers), np.concatenate(bases)


def _block(
    catalogue: Catalogue, after: int, limits: Thresholds
) -> tuple[int, Numbers, NDArray[np.uint8]]:
    """Read the next block of new pictures: its last row, (n,) items, (8n, 32) hashes."""
    items, forms, upto, seen = [np.zeros(0, np.int64)], [np.zeros((0, 8, 32), np.uint8)], after, 0
    with catalogue.reading() as connection:
        for page in duplicates.fingerprints(connection, after):
            good = page.quality >= limits.hash_quality
            items.append(page.items[good])
            forms.append(page.hashes[good])
            upto, seen = int(page.ids[-1]), seen + len(page.ids)
            if seen >= _BLOCK:
                break
    return upto, np.concatenate(items), np.concatenate(forms).reshape(-1, 32)


def by_features(catalogue: Catalogue) -> Iterator[Met]:
    """Find pairs that share local features, whatever else was cut off or put around them."""
    with catalogue.reading() as connection:
        after = duplicates.watermark(connection, "features")
        last = duplicates.last(connection, "features")
    while after < last:
        upto, codes, owners = _features(catalogue, after, None)
        pairs, known_after = [np.zeros((0, 2), np.int64)], 0
        while known_after < upto:
            known_upto, known, theirs = _features(catalogue, known_after, upto)
            pairs.append(_voted(codes, owners, known, theirs))
            known_after = known_upto
        yield Met(np.unique(np.concatenate(pairs), axis=0), upto)
        after = upto


def _features(
    catalogue: Catalogue, after: int, most: int | None
) -> tuple[int, NDArray[np.uint8], Numbers]:
    """Read a block of features: its last row, (m, 16) codes, (m,) items."""
    codes, owners, upto, seen = [np.zeros((0, 16), np.uint8)], [np.zeros(0, np.int64)], after, 0
    with catalogue.reading() as connection:
        for page in duplicates.features(connection, after, most):
            codes.append(page.codes)
            owners.append(page.owners)
            upto, seen = int(page.ids[-1]), seen + len(page.ids)
            if seen >= _FEATURE_BLOCK:
                break
    return upto, np.concatenate(codes), np.concatenate(owners)


def _voted(
    codes: NDArray[np.uint8], owners: Numbers, known: NDArray[np.uint8], theirs: Numbers
) -> Numbers:
    """Give the pairs of items that share at least `_LEAST_VOTES` features."""
    inside = np.isin(theirs, owners)  # of two new pictures each is a query: one of the ways counts
    met = [np.zeros((0, 2), np.int64)]
    for query, code, _ in near(codes, known, _NEAR_FEATURES, *_FEATURE_BANDS, _CROWDED_FEATURES):
        asked, found = owners[query], theirs[code]
        once = (asked != found) & (~inside[code] | (asked < found))
        met.append(np.stack([query[once], code[once]], axis=1))
    each = np.unique(np.concatenate(met), axis=0)  # a pair of features meets in several bands
    together = _pairs(owners[each[:, 0]], theirs[each[:, 1]])
    pairs, votes = np.unique(together, axis=0, return_counts=True)
    return np.asarray(pairs[votes >= _LEAST_VOTES], np.int64).reshape(-1, 2)


def _pairs(some: Numbers, others: Numbers) -> Numbers:
    """Put pairs of different items in order: (n, 2), the lower number first."""
    apart = some != others
    both = np.stack([some[apart], others[apart]], axis=1)
    both.sort(axis=1)
    return both
