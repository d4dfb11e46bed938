"""Finding duplicates: fingerprints → candidates → comparison → pairs, each stored as it is done.

The driving class is `Finder`; `groups` makes of its pairs what a person decides on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from search.dedup.detect.block_match import Pixels, small
from search.dedup.detect.candidates import Met, Numbers, by_features, by_hashes
from search.dedup.detect.compare import Look, compare
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.fingerprinting import Fingerprinting, picture_of
from search.dedup.detect.kinds import CHECKED, KINDS, Thresholds
from search.dedup.detect.signatures import looks_of
from search.dedup.detect.similar import similar
from storage.library import Library
from storage.tables import duplicate_pairs, fingerprints
from storage.tables.duplicate_pairs import Method

_TOGETHER = 512  # pairs whose pictures are read at a time
_HELD = 2048  # small pictures kept: 120 MB
Watch = Callable[[str, int], None]  # what is done, and how many more of it


@dataclass(frozen=True, slots=True)
class Found:
    """What one run added."""

    compared: int
    pairs: int
    unseen: int  # pictures without a thumbnail, which nothing was compared with
    failed: int = 0  # pairs whose comparison was stopped by something unforeseen


class Finder:
    """Brings the pairs of a library up to date with its pictures."""

    def __init__(
        self,
        library: Library,
        limits: Thresholds,
        crops: bool = True,
        scenes: bool = False,
        watch: Watch | None = None,
    ) -> None:
        """Take the limits, and whether to look for `crops` by features, for `scenes` by vectors."""
        self._library, self._limits = library, limits
        self._crops, self._scenes = crops, scenes
        self._watch = watch or (lambda _what, _many: None)
        self._pixels = lru_cache(_HELD)(self._read)
        self._unread: set[int] = set()
        self._failed = 0

    def run(self) -> Found:
        """Compare what is new with all there is; an interrupted run is gone on with.

        Other limits than the last run's begin from the start. Raises LibraryInUse while another
        process writes.
        """
        catalogue = self._library.catalogue
        with self._library.writing("dedup") as counts:
            with catalogue.writing() as connection:
                duplicate_pairs.compare_by(connection, self._limits.digest())
            fingerprinting = Fingerprinting(
                self._library, self._crops, lambda many: self._watch("fingerprints", many)
            )
            fingerprinting.run()
            compared = pairs = 0
            for method, met in self._met():
                found = list(self._compare(met.pairs))
                with catalogue.writing() as connection:
                    duplicate_pairs.add_pairs(connection, found)
                    duplicate_pairs.set_watermark(connection, method, met.watermark)
                    fingerprints.forget(connection, self._unread)
                compared, pairs = compared + len(met.pairs), pairs + len(found)
            if self._scenes:
                pairs += self._add_similar()
            counts.update(compared=compared, pairs=pairs)
        return Found(compared, pairs, fingerprinting.unseen + len(self._unread), self._failed)

    def _met(self) -> Iterator[tuple[Method, Met]]:
        catalogue = self._library.catalogue
        # Without features fewer of the pairs are recognised: they are compared again with them.
        method: Method = "hashes" if self._crops else "hashes alone"
        for met in by_hashes(catalogue, self._limits, method):
            yield method, met
        if self._crops:
            for met in by_features(catalogue):
                yield "features", met

    def _add_similar(self) -> int:
        """Store the similar pairs that no other method knows; returns how many."""
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
            self._watch("pairs", len(alike.pairs))
        return added

    def _compare(self, pairs: Numbers) -> Iterator[tuple[int, int, str, dict[str, object]]]:
        for start in range(0, len(pairs), _TOGETHER):
            part = pairs[start : start + _TOGETHER]
            part = self._unknown(part)
            looks = self._looks(np.unique(part).tolist())
            for first, second in part.tolist():
                if first not in looks or second not in looks:
                    continue
                evidence = self._judged(looks[first], looks[second])
                if evidence is not None:
                    yield first, second, evidence.kind, evidence.as_row()
            self._watch("pairs", len(part))

    def _judged(self, first: Look, second: Look) -> Evidence | None:
        try:
            return compare(first, second, self._limits)
        except Exception:
            # One odd pair must not cost the others: unknown to each other, both of it stay.
            self._failed += 1
            return None

    def _unknown(self, pairs: Numbers) -> Numbers:
        """Leave out what pixels were compared of before: (n, 2) in, (m, 2) out."""
        with self._library.catalogue.reading() as connection:
            known = duplicate_pairs.known_pairs(connection, pairs[:, 0].tolist(), CHECKED)
        unknown = [
            (first, second) for first, second in pairs.tolist() if (first, second) not in known
        ]
        return np.array(unknown, np.int64).reshape(-1, 2)

    def _looks(self, numbers: Sequence[int]) -> dict[int, Look]:
        looks = looks_of(self._library, numbers, self._crops, self._pixels)
        # Whose picture cannot be read just now is compared when it can.
        self._unread |= set(numbers) - set(looks)
        return looks

    def _read(self, content: str) -> Pixels | None:
        picture = picture_of(self._library, content)
        return None if picture is None else small(np.asarray(picture))


def evidence_of(pair: duplicate_pairs.Pair) -> Evidence:
    """Read a stored pair back as evidence."""
    return Evidence(kind=pair.kind, **pair.evidence)  # type: ignore[arg-type]
