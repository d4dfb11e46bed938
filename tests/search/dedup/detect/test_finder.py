"""Finding goes on where one pair cannot be compared."""

from pathlib import Path

import cv2
import pytest

from search.dedup.detect import finder
from search.dedup.detect.compare import ImageSignature, compare
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.finder import DuplicateFinder
from search.dedup.detect.kinds import KINDS, Thresholds
from storage import Library
from storage.tables import duplicate_pairs
from tests.conftest import Index
from tests.drawn_images import photo


def test_a_pair_that_cannot_be_compared_costs_no_other(
    tmp_path: Path, library: Library, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in (1, 2):
        photo(seed).save(folder / f"{seed}.png")
        photo(seed).save(folder / f"{seed}.jpg", quality=90)
    index(folder)
    refused: set[bytes] = set()

    def odd(first: ImageSignature, second: ImageSignature, limits: Thresholds) -> Evidence | None:
        refused.update([] if refused else [first.hashes.tobytes()])
        if first.hashes.tobytes() in refused:
            raise cv2.error("an assertion failed")
        return compare(first, second, limits)

    monkeypatch.setattr(finder, "compare", odd)
    found = DuplicateFinder(library, Thresholds()).run()
    assert found.failed == 2  # by their hashes, and again by their features
    with library.catalogue.reading() as connection:
        pairs = [pair for page in duplicate_pairs.pairs(connection, KINDS) for pair in page]
    assert len(pairs) == found.pairs == 1
