"""Banding finds what comparing all with all finds, as often as its bands promise."""

import numpy as np

from search.dedup.detect.lsh import distances, near_pairs


def _noisy(codes: np.ndarray, bits: int, rng: np.random.Generator) -> np.ndarray:
    wide = np.unpackbits(codes, axis=1)
    for row in wide:
        row[rng.choice(wide.shape[1], bits, replace=False)] ^= 1
    return np.packbits(wide, axis=1)


def test_every_pair_near_enough_to_share_a_band_is_found() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (500, 32), dtype=np.uint8)
    asked = _noisy(codes, 15, rng)  # fewer bits than bands: one band stays whole
    found = {
        (int(query), int(code)): int(apart)
        for part in near_pairs(asked, codes, 31, 16, 16)
        for query, code, apart in zip(*part, strict=True)
    }
    assert {(row, row): 15 for row in range(500)} == found


def test_what_is_found_is_what_brute_force_finds() -> None:
    rng = np.random.default_rng(1)
    base = rng.integers(0, 256, (60, 32), dtype=np.uint8)
    codes = np.concatenate([_noisy(base, bits, rng) for bits in (0, 6, 14)])
    exact = {
        (one, other)
        for one in range(len(codes))
        for other in range(len(codes))
        if np.bitwise_count(codes[one] ^ codes[other]).sum() <= 24
    }
    found = {
        pair
        for queries, known, _ in near_pairs(codes, codes, 24, 16, 16)
        for pair in zip(queries.tolist(), known.tolist(), strict=True)
    }
    assert found <= exact
    assert len(found) >= 0.98 * len(exact)


def test_a_key_that_everything_shares_is_passed_over() -> None:
    codes = np.zeros((50, 16), np.uint8)
    assert sum(len(part[0]) for part in near_pairs(codes, codes, 18, 6, 20, crowded=49)) == 0
    assert (
        sum(len(part[0]) for part in near_pairs(codes, codes, 18, 6, 20, crowded=50)) == 6 * 50 * 50
    )


def test_distances_count_bits() -> None:
    some = np.array([[0] * 8, [255] * 8], np.uint8)
    assert distances(some, some[::-1]).tolist() == [64, 64]
    assert distances(some[:, :3], some[:, :3]).tolist() == [0, 0]
