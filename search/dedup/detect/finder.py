"""The search for duplicates: fingerprints → candidates → comparison → pairs, stored block by block.

The driving class is `DuplicateFinder`; `search.dedup.plan.groups` forms groups of its pairs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from search.dedup.detect.block_match import Pixels, small
from search.dedup.detect.candidates import CandidateBlock, Numbers, by_features, by_hashes
from search.dedup.detect.compare import ImageSignature, compare
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.fingerprinting import Fingerprinter, image_of
from search.dedup.detect.kinds import CHECKED, KINDS, Thresholds
from search.dedup.detect.signatures import read_signatures
from search.dedup.detect.similar import similar
from storage.library import Library
from storage.tables import duplicate_pairs, fingerprints
from storage.tables.duplicate_pairs import Method

_TOGETHER = 512  # pairs whose images are read at a time
_CACHED = 2048  # small images kept: 120 MB
ProgressCallback = Callable[[str, int], None]  # the stage, and how many more are done


@dataclass(frozen=True, slots=True)
class DedupCounts:
    """The counts of one run."""

    compared: int
    pairs: int
    unseen: int  # images without a thumbnail, which could not be compared
    failed: int = 0  # pairs whose comparison raised an unexpected error


class DuplicateFinder:
    """Finds the duplicate pairs among a library's new images and all others."""

    def __init__(
        self,
        library: Library,
        limits: Thresholds,
        crops: bool = True,
        by_vectors: bool = False,
        progress: ProgressCallback | None = None,
    ) -> None:
        """Create a finder; `crops` also compares local features, `by_vectors` also vectors."""
        self._library, self._limits = library, limits
        self._crops, self._by_vectors = crops, by_vectors
        self._progress = progress or (lambda _what, _many: None)
        self._pixels = lru_cache(_CACHED)(self._read)
        self._unreadable: set[int] = set()
        self._failed = 0

    def run(self) -> DedupCounts:
        """Compare new images with all images; an interrupted run is continued.

        With other limits than the last run's everything is compared again. Raises LibraryInUse
        while another process writes.
        """
        catalogue = self._library.catalogue
        with self._library.writing("dedup") as counts:
            with catalogue.writing() as connection:
                duplicate_pairs.compare_by(connection, self._limits.digest())
            fingerprinting = Fingerprinter(
                self._library, self._crops, lambda many: self._progress("fingerprints", many)
            )
            fingerprinting.run()
            compared = pairs = 0
            for method, block in self._candidate_blocks():
                found = list(self._compare(block.pairs))
                with catalogue.writing() as connection:
                    duplicate_pairs.add_pairs(connection, found)
                    duplicate_pairs.set_watermark(connection, method, block.watermark)
                    fingerprints.forget(connection, self._unreadable)
                compared, pairs = compared + len(block.pairs), pairs + len(found)
            if self._by_vectors:
                pairs += self._add_similar()
            counts.update(compared=compared, pairs=pairs)
        return DedupCounts(
            compared, pairs, fingerprinting.unseen + len(self._unreadable), self._failed
        )

    def _candidate_blocks(self) -> Iterator[tuple[Method, CandidateBlock]]:
        catalogue = self._library.catalogue
        # Without features fewer pairs are recognised; a run with them compares all pairs again.
        method: Method = "hashes" if self._crops else "hashes alone"
        for block in by_hashes(catalogue, self._limits, method):
            yield method, block
        if self._crops:
            for block in by_features(catalogue):
                yield "features", block

    def _add_similar(self) -> int:
        """Store the similar pairs that no other method found; return how many."""
        space, added = self._library.space(), 0
        if space is None or space.id is None:
            return 0
        method = f"vectors:{space.id}"
        with self._library.catalogue.writing() as connection:
            duplicate_pairs.keep_space(connection, space.id)
            after = duplicate_pairs.watermark(connection, method)
        for alike in similar(self._library, space, after, self._limits):
            with self._library.catalogue.writing() as connection:
                known = duplicate_pairs.known_pairs(connection, alike.pairs[:, 0].tolist(), KINDS)
                rows = [
                    (first, second, evidence.kind, evidence.as_row())
                    for (first, second), evidence in zip(
                        alike.pairs.tolist(), alike.evidence, strict=True
                    )
                    if (first, second) not in known
                ]
                duplicate_pairs.add_pairs(connection, rows)
                duplicate_pairs.set_watermark(connection, method, alike.watermark)
            added += len(rows)
            self._progress("pairs", len(alike.pairs))
        return added

    def _compare(self, pairs: Numbers) -> Iterator[tuple[int, int, str, dict[str, object]]]:
        for start in range(0, len(pairs), _TOGETHER):
            part = pairs[start : start + _TOGETHER]
            part = self._without_known(part)
            signatures = self._signatures(np.unique(part).tolist())
            for first, second in part.tolist():
                if first not in signatures or second not in signatures:
                    continue
                evidence = self._compare_pair(signatures[first], signatures[second])
                if evidence is not None:
                    yield first, second, evidence.kind, evidence.as_row()
            self._progress("pairs", len(part))

    def _compare_pair(self, first: ImageSignature, second: ImageSignature) -> Evidence | None:
        try:
            return compare(first, second, self._limits)
        except Exception:
            # One bad pair must not stop the others: without evidence both of its files stay.
            self._failed += 1
            return None

    def _without_known(self, pairs: Numbers) -> Numbers:
        """Return the pairs whose pixels were not compared before: (n, 2) in, (m, 2) out."""
        with self._library.catalogue.reading() as connection:
            known = duplicate_pairs.known_pairs(connection, pairs[:, 0].tolist(), CHECKED)
        unknown = [
            (first, second) for first, second in pairs.tolist() if (first, second) not in known
        ]
        return np.array(unknown, np.int64).reshape(-1, 2)

    def _signatures(self, numbers: Sequence[int]) -> dict[int, ImageSignature]:
        signatures = read_signatures(self._library, numbers, self._crops, self._pixels)
        # An image that cannot be read now is compared in a later run.
        self._unreadable |= set(numbers) - set(signatures)
        return signatures

    def _read(self, content: str) -> Pixels | None:
        image = image_of(self._library, content)
        return None if image is None else small(np.asarray(image))


def evidence_of(pair: duplicate_pairs.Pair) -> Evidence:
    """Return the evidence of a stored pair."""
    return Evidence.from_row(pair.kind, pair.evidence)  # type: ignore[arg-type]
