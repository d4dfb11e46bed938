"""The candidate pairs: images worth comparing, found without comparing all with all.

Each method stores a watermark, so a library that grows by a thousand images pays for a
thousand. New rows are compared with all rows up to themselves, so each pair comes up once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.dedup.detect.kinds import Thresholds
from search.dedup.detect.lsh import near_pairs
from storage.catalogue import Catalogue
from storage.tables import duplicate_pairs, fingerprints
from storage.tables.duplicate_pairs import Method

Numbers = NDArray[np.int64]
HASH_BANDS = (16, 16)  # bands, bits: with 18 changed bits one band is equal in 997 of 1,000
FEATURE_BANDS = (6, 20)
NEAR_FEATURES = 18  # bits of 128
# Features of each image that must match one of the other's: of 4,155 true pairs of a planted
# set 4,144 had three and all had two; of the false pairs a fifth had two.
LEAST_VOTES = 3
CROWDED_FEATURES = 100  # a key shared by more comes from one texture, or one caption's letters
# Matches kept for a feature: skies and foliage match those of any image. With 20 a planted set
# of 30 copies an image keeps 8,347 of 8,348 true pairs and 3,363 of 5,917 false ones.
NEAREST_FEATURES = 20
_BLOCK = 131_072  # new images at a time: 32 MB of hashes
FEATURE_BLOCK = 32_768  # 52 MB of codes
_QUERY_FEATURES = 8_192  # new images at a time: some hundred MB of matches
_WAITING = 8_000_000  # matches collected before each query's are reduced to the nearest
_DISTANCES = NEAR_FEATURES + 1
_ITEM_BITS = 31  # of an item's number


@dataclass(frozen=True, slots=True)
class CandidateBlock:
    """The candidate pairs of a block of rows, and the watermark once they are compared."""

    pairs: Numbers  # (n, 2) of item numbers, the lower first
    watermark: int


def by_hashes(
    catalogue: Catalogue, limits: Thresholds, method: Method = "hashes"
) -> Iterator[CandidateBlock]:
    """Yield pairs whose perceptual hashes are near in any of the eight orientations."""
    items, bases = _read_bases(catalogue, limits)
    with catalogue.reading() as connection:
        after = duplicate_pairs.watermark(connection, method)
        last = duplicate_pairs.last(connection, method)
    while after < last:
        upto, query_items, forms = _read_new_hashes(catalogue, after, limits)
        rows = items[: np.searchsorted(items[:, 0], upto, "right")]
        pairs = [np.zeros((0, 2), np.int64)]
        for query, known, _ in near_pairs(
            forms, bases[: len(rows)], limits.hash_distance, *HASH_BANDS
        ):
            pairs.append(np.unique(_ordered(query_items[query // 8], rows[known, 1]), axis=0))
        yield CandidateBlock(np.unique(np.concatenate(pairs), axis=0), upto)
        after = upto


def _read_bases(catalogue: Catalogue, limits: Thresholds) -> tuple[Numbers, NDArray[np.uint8]]:
    """Read all usable hashes of upright images: (n, 2) row and item numbers, (n, 32)."""
    numbers, bases = [np.zeros((0, 2), np.int64)], [np.zeros((0, 32), np.uint8)]
    with catalogue.reading() as connection:
        for page in fingerprints.bases(connection, limits.hash_quality):
            numbers.append(np.stack([page.ids, page.items], axis=1))
            bases.append(page.hashes)
    return np.concatenate(numbers), np.concatenate(bases)


def _read_new_hashes(
    catalogue: Catalogue, after: int, limits: Thresholds
) -> tuple[int, Numbers, NDArray[np.uint8]]:
    """Read the next block of new images: its last row, (n,) items, (8n, 32) hashes."""
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


def by_features(catalogue: Catalogue) -> Iterator[CandidateBlock]:
    """Yield pairs that share local features, as crops and framed images do."""
    with catalogue.reading() as connection:
        after = duplicate_pairs.watermark(connection, "features")
        last = duplicate_pairs.last(connection, "features")
    while after < last:
        upto, codes, owners = _read_features(catalogue, after, None, _QUERY_FEATURES)
        pairs, known_after = [np.zeros((0, 2), np.int64)], 0
        while known_after < upto:
            known_upto, known, known_owners = _read_features(catalogue, known_after, upto)
            pairs.append(_new_pairs_sharing_features(codes, owners, known, known_owners))
            known_after = known_upto
        yield CandidateBlock(np.unique(np.concatenate(pairs), axis=0), upto)
        after = upto


def _read_features(
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


def _new_pairs_sharing_features(
    codes: NDArray[np.uint8], owners: Numbers, known: NDArray[np.uint8], known_owners: Numbers
) -> Numbers:
    """Return the pairs of items that share features, the lower number first."""
    # Two new images are each other's query: only one of the two directions counts.
    inside = np.isin(known_owners, owners)

    def counts(query: Numbers, code: Numbers) -> NDArray[np.bool_]:
        return ~inside[code] | (owners[query] < known_owners[code])

    return _ordered(*pairs_sharing_features(codes, owners, known, known_owners, counts).T)


def pairs_sharing_features(
    codes: NDArray[np.uint8],
    owners: Numbers,
    known: NDArray[np.uint8],
    known_owners: Numbers,
    counts: Callable[[Numbers, Numbers], NDArray[np.bool_]] = lambda query, _: query >= 0,
) -> Numbers:
    """Return the pairs (n, 2) of an owner and a known owner that share `LEAST_VOTES` features.

    `codes` (m, 16) uint8 with `owners` (m,), `known` with `known_owners`; `counts` returns which
    matches count, given the rows of both features. Only the nearest matches of a feature count,
    and a pair's votes are the lower number of distinct features on either side: one star of a
    flag matches all the others.

    Matches are packed into one int64 each, since sorting those orders them by query and distance:

        packed = query · span + distance · len(known) + code,  span = _DISTANCES · len(known)

    so `packed // span` is the query's row and `packed % len(known)` the row in `known`. Pairs of
    owners are packed likewise: the one above, the other in the lower `_ITEM_BITS` bits.
    """
    best = waiting = np.zeros(0, np.int64)
    rows = max(1, len(known))
    span = _DISTANCES * rows
    found = near_pairs(codes, known, NEAR_FEATURES, *FEATURE_BANDS, CROWDED_FEATURES)
    for query, code, distance in found:
        counted = counts(query, code)
        packed = query[counted] * span + distance[counted] * rows + code[counted]
        waiting = np.concatenate([waiting, packed])
        if len(waiting) > _WAITING:
            best = _keep_nearest(np.concatenate([best, waiting]), span)
            waiting = waiting[:0]
    best = _keep_nearest(np.concatenate([best, waiting]), span)
    query, code = best // span, best % rows
    owner_pairs = (owners[query] << _ITEM_BITS) | known_owners[code]
    pairs, pair = np.unique(owner_pairs, return_inverse=True)
    votes = [_count_distinct(pair, features, len(pairs)) for features in (query, code)]
    chosen = pairs[np.minimum(*votes) >= LEAST_VOTES]
    return np.stack([chosen >> _ITEM_BITS, chosen & ((1 << _ITEM_BITS) - 1)], axis=1)


def _keep_nearest(packed: Numbers, span: int) -> Numbers:
    """Return the `NEAREST_FEATURES` nearest matches of each query, sorted; `packed // span` is it.

    Packed matches of one query sort by distance, so its first ones are the nearest.
    """
    matches = _sorted_unique(packed)  # a pair of features may match in several bands
    queries = matches // span
    starts = np.flatnonzero(np.diff(queries, prepend=-1))
    rank = np.arange(len(matches)) - np.repeat(starts, np.diff(starts, append=len(matches)))
    return matches[rank < NEAREST_FEATURES]


def _sorted_unique(numbers: Numbers) -> Numbers:
    """Return the sorted distinct numbers; `np.unique` hashes them and takes ten times as long."""
    ordered = np.sort(numbers)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[first])


def _count_distinct(pair: Numbers, features: Numbers, count: int) -> Numbers:
    """Count the distinct features of each of `count` pairs, given (pair, feature) rows."""
    width = int(features.max(initial=0)) + 1
    return np.bincount(_sorted_unique(pair * width + features) // width, minlength=count)


def _ordered(some: Numbers, others: Numbers) -> Numbers:
    """Return the pairs of different items, (n, 2), the lower number first."""
    apart = some != others
    both = np.stack([some[apart], others[apart]], axis=1)
    both.sort(axis=1)
    return both
