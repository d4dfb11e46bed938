"""Candidates: pairs of pictures worth comparing, found among very many without comparing all.

Each method remembers how far it came, so a library that grows by a thousand pictures pays for a
thousand. New rows are compared with all rows up to themselves: every pair is met once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.dedup.detect.kinds import Thresholds
from search.dedup.detect.lsh import near
from storage.catalogue import Catalogue
from storage.tables import duplicate_pairs, fingerprints
from storage.tables.duplicate_pairs import Method

Numbers = NDArray[np.int64]
HASH_BANDS = (16, 16)  # bands, bits: 18 changed bits leave one of the bands whole in 997 of 1,000
FEATURE_BANDS = (6, 20)
NEAR_FEATURES = 18  # bits of 128
# Features of each that must meet some of the other's: of 4,155 true pairs of a planted set 4,144
# had three and all had two, of false ones a fifth.
LEAST_VOTES = 3
CROWDED_FEATURES = 100  # pictures full of one texture, or with one caption's letters
# Votes that a feature has: skies and foliage are like those of any picture. With 20 a planted set
# of 30 copies a picture keeps 8,347 of 8,348 true pairs and of 5,917 false ones 3,363.
NEAREST_FEATURES = 20
_BLOCK = 131_072  # new pictures at a time: 32 MB of hashes
FEATURE_BLOCK = 32_768  # 52 MB of codes
_ASKED_FEATURES = 8_192  # new pictures at a time: some hundred MB of meetings
_WAITING = 8_000_000  # meetings of features until each one's are cut down to the nearest
_DISTANCES = NEAR_FEATURES + 1
_BITS = 31  # of an item's number


@dataclass(frozen=True, slots=True)
class Met:
    """Pairs to compare, and how far this method is."""

    pairs: Numbers  # (n, 2) of item numbers, the lower first
    watermark: int


def by_hashes(catalogue: Catalogue, limits: Thresholds, method: Method = "hashes") -> Iterator[Met]:
    """Find pairs whose perceptual hashes are near in any of the eight forms, block by block."""
    items, bases = _bases(catalogue, limits)
    with catalogue.reading() as connection:
        after = duplicate_pairs.watermark(connection, method)
        last = duplicate_pairs.last(connection, method)
    while after < last:
        upto, asked, forms = _block(catalogue, after, limits)
        rows = items[: np.searchsorted(items[:, 0], upto, "right")]
        pairs = [np.zeros((0, 2), np.int64)]
        for query, known, _ in near(forms, bases[: len(rows)], limits.hash_distance, *HASH_BANDS):
            pairs.append(np.unique(_pairs(asked[query // 8], rows[known, 1]), axis=0))
        yield Met(np.unique(np.concatenate(pairs), axis=0), upto)
        after = upto


def _bases(catalogue: Catalogue, limits: Thresholds) -> tuple[Numbers, NDArray[np.uint8]]:
    """Read all usable hashes as pictures lie: (n, 2) row and item numbers, (n, 32)."""
    numbers, bases = [np.zeros((0, 2), np.int64)], [np.zeros((0, 32), np.uint8)]
    with catalogue.reading() as connection:
        for page in fingerprints.bases(connection, limits.hash_quality):
            numbers.append(np.stack([page.ids, page.items], axis=1))
            bases.append(page.hashes)
    return np.concatenate(numbers), np.concatenate(bases)


def _block(
    catalogue: Catalogue, after: int, limits: Thresholds
) -> tuple[int, Numbers, NDArray[np.uint8]]:
    """Read the next block of new pictures: its last row, (n,) items, (8n, 32) hashes."""
    items, forms, upto, seen = [np.zeros(0, np.int64)], [np.zeros((0, 8, 32), np.uint8)], after, 0
    with catalogue.reading() as connection:
        for page in fingerprints.fingerprints(connection, after):
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
        after = duplicate_pairs.watermark(connection, "features")
        last = duplicate_pairs.last(connection, "features")
    while after < last:
        upto, codes, owners = _features(catalogue, after, None, _ASKED_FEATURES)
        pairs, known_after = [np.zeros((0, 2), np.int64)], 0
        while known_after < upto:
            known_upto, known, theirs = _features(catalogue, known_after, upto)
            pairs.append(_voted(codes, owners, known, theirs))
            known_after = known_upto
        yield Met(np.unique(np.concatenate(pairs), axis=0), upto)
        after = upto


def _features(
    catalogue: Catalogue, after: int, most: int | None, count: int = FEATURE_BLOCK
) -> tuple[int, NDArray[np.uint8], Numbers]:
    """Read a block of features: its last row, (m, 16) codes, (m,) items."""
    codes, owners, upto, seen = [np.zeros((0, 16), np.uint8)], [np.zeros(0, np.int64)], after, 0
    with catalogue.reading() as connection:
        for page in fingerprints.features(connection, after, most):
            codes.append(page.codes)
            owners.append(page.owners)
            upto, seen = int(page.ids[-1]), seen + len(page.ids)
            if seen >= count:
                break
    return upto, np.concatenate(codes), np.concatenate(owners)


def _voted(
    codes: NDArray[np.uint8], owners: Numbers, known: NDArray[np.uint8], theirs: Numbers
) -> Numbers:
    """Return the pairs of items that share features, the lower number first."""
    inside = np.isin(theirs, owners)  # of two new pictures each is a query: one of the ways counts

    def counts(query: Numbers, code: Numbers) -> NDArray[np.bool_]:
        return ~inside[code] | (owners[query] < theirs[code])

    return _pairs(*sharing(codes, owners, known, theirs, counts).T)


def sharing(
    codes: NDArray[np.uint8],
    owners: Numbers,
    known: NDArray[np.uint8],
    theirs: Numbers,
    counts: Callable[[Numbers, Numbers], NDArray[np.bool_]] = lambda query, _: query >= 0,
) -> Numbers:
    """Return the pairs (n, 2) of an owner and one of theirs that share `LEAST_VOTES` features.

    `codes` (m, 16) uint8 with `owners` (m,), `known` with `theirs`; `counts` tells of meetings,
    by the numbers of both features, which are any. Each feature votes with the known ones nearest
    to it, and what counts is how many of either side take part: one star of a flag may be like
    all the others.
    """
    best = waiting = np.zeros(0, np.int64)
    many = max(1, len(known))
    for query, code, apart in near(codes, known, NEAR_FEATURES, *FEATURE_BANDS, CROWDED_FEATURES):
        counted = counts(query, code)
        # One number for query, distance and code, in this order: such are sorted fast.
        met = (query[counted] * _DISTANCES + apart[counted]) * many + code[counted]
        waiting = np.concatenate([waiting, met])
        if len(waiting) > _WAITING:
            best = _nearest(np.concatenate([best, waiting]), _DISTANCES * many)
            waiting = waiting[:0]
    best = _nearest(np.concatenate([best, waiting]), _DISTANCES * many)
    query, code = best // (_DISTANCES * many), best % many
    pairs, place = np.unique((owners[query] << _BITS) | theirs[code], return_inverse=True)
    votes = [_different(place, side, len(pairs)) for side in (query, code)]
    chosen = pairs[np.minimum(*votes) >= LEAST_VOTES]
    return np.stack([chosen >> _BITS, chosen & ((1 << _BITS) - 1)], axis=1)


def _nearest(met: Numbers, query: int) -> Numbers:
    """Keep of each query, of which so many numbers begin alike, the least numbers, each once."""
    each = _distinct(met)  # a pair of features meets in several bands
    queries = each // query
    starts = np.flatnonzero(np.diff(queries, prepend=-1))
    place = np.arange(len(each)) - np.repeat(starts, np.diff(starts, append=len(each)))
    return each[place < NEAREST_FEATURES]


def _distinct(numbers: Numbers) -> Numbers:
    """Sort and take each once; `np.unique` goes by a hash table, ten times as long here."""
    ordered = np.sort(numbers)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[first])


def _different(place: Numbers, features: Numbers, count: int) -> Numbers:
    """Count the different features at each of `count` places."""
    width = int(features.max(initial=0)) + 1
    return np.bincount(_distinct(place * width + features) // width, minlength=count)


def _pairs(some: Numbers, others: Numbers) -> Numbers:
    """Put pairs of different items in order: (n, 2), the lower number first."""
    apart = some != others
    both = np.stack([some[apart], others[apart]], axis=1)
    both.sort(axis=1)
    return both
