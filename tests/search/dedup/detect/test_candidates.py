"""Candidates: every near pair is met once, new rows pay for themselves alone."""

from pathlib import Path

import numpy as np
import pytest

from search.dedup.detect.candidates import by_features, by_hashes
from search.dedup.detect.kinds import Thresholds
from storage import Library
from storage.tables import fingerprints
from storage.tables.duplicate_pairs import set_watermark
from storage.tables.fingerprints import Bytes
from storage.tables.items import Content, add

LIMITS = Thresholds()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.create(tmp_path / "library")


def _add(library: Library, count: int, start: int = 0) -> list[int]:
    with library.catalogue.writing() as connection:
        return [
            add(connection, Content(f"{number:064x}", "image", 1, "PNG"))[0]
            for number in range(start, start + count)
        ]


def _hash(library: Library, items: list[int], hashes: np.ndarray, quality: int = 100) -> None:
    with library.catalogue.writing() as connection:
        rows = [(item, each, quality) for item, each in zip(items, hashes, strict=True)]
        fingerprints.add_fingerprints(connection, rows)


def _alike(count: int) -> Bytes:
    """Draw hashes of which the second is the first."""
    hashes = np.random.default_rng(0).integers(0, 256, (count, 8, 32), dtype=np.uint8)
    hashes[1] = hashes[0]
    return hashes


def test_a_near_hash_in_any_form_is_met_once(library: Library) -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 256, (40, 8, 32), dtype=np.uint8)
    hashes[30, 0] = hashes[3, 5]  # the 31st is the 4th, mirrored
    hashes[31, 0] = hashes[4, 0]
    hashes[31, 0, 0] ^= 0b1011
    items = _add(library, 40)
    _hash(library, items, hashes)
    [met] = by_hashes(library.catalogue, LIMITS)
    assert met.pairs.tolist() == [[items[3], items[30]], [items[4], items[31]]]


def test_only_what_is_new_is_compared_and_with_all(library: Library) -> None:
    old = _alike(10)
    items = _add(library, 10)
    _hash(library, items, old)
    [met] = by_hashes(library.catalogue, LIMITS)
    assert met.pairs.tolist() == [items[:2]]
    with library.catalogue.writing() as connection:
        set_watermark(connection, "hashes", met.watermark)
    assert list(by_hashes(library.catalogue, LIMITS)) == []
    new = _add(library, 1, 10)
    _hash(library, new, old[:1])
    [again] = by_hashes(library.catalogue, LIMITS)
    assert again.pairs.tolist() == [[items[0], *new], [items[1], *new]]


def test_plain_images_have_no_candidates(library: Library) -> None:
    _hash(
        library, _add(library, 5), np.zeros((5, 8, 32), np.uint8), quality=LIMITS.hash_quality - 1
    )
    [met] = by_hashes(library.catalogue, LIMITS)
    assert len(met.pairs) == 0


def test_three_shared_features_make_a_candidate_and_two_do_not(library: Library) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (4, 30, 16), dtype=np.uint8)
    codes[1, :3] = codes[0, 5:8]
    codes[2, :2] = codes[3, :2]
    codes[2, 2:5] = codes[3, 0]  # one star of a flag is like all the others
    items = _add(library, 4)
    with library.catalogue.writing() as connection:
        points = np.zeros((30, 4), np.float16)
        fingerprints.add_features(
            connection, [(item, each, points) for item, each in zip(items, codes, strict=True)]
        )
    [met] = by_features(library.catalogue)
    assert met.pairs.tolist() == [items[:2]]


def test_a_run_without_features_leaves_its_pairs_to_one_with_them(library: Library) -> None:
    hashes = _alike(2)
    _hash(library, _add(library, 2), hashes)
    [met] = by_hashes(library.catalogue, LIMITS, "hashes alone")
    with library.catalogue.writing() as connection:
        set_watermark(connection, "hashes alone", met.watermark)
    assert list(by_hashes(library.catalogue, LIMITS, "hashes alone")) == []
    assert len(list(by_hashes(library.catalogue, LIMITS, "hashes"))) == 1
    with library.catalogue.writing() as connection:
        set_watermark(connection, "hashes alone", 0)
        set_watermark(connection, "hashes", met.watermark)
    assert list(by_hashes(library.catalogue, LIMITS, "hashes alone")) == []


def test_what_was_forgotten_is_met_again(library: Library) -> None:
    hashes = _alike(2)
    items = _add(library, 2)
    _hash(library, items, hashes)
    [met] = by_hashes(library.catalogue, LIMITS)
    with library.catalogue.writing() as connection:
        set_watermark(connection, "hashes", met.watermark)
        fingerprints.forget(connection, items[:1])
    _hash(library, items[:1], hashes[:1])
    [again] = by_hashes(library.catalogue, LIMITS)
    assert again.pairs.tolist() == [items]
