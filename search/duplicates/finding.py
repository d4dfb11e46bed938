"""Finding duplicates: fingerprints → candidates → comparison → pairs, each stored as it is done.

The driving class is `Finder`; `groups` makes of its pairs what a person decides on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from indexer.fingerprint import Features
from search.duplicates.agreement import Pixels, small
from search.duplicates.candidates import Met, by_features, by_hashes
from search.duplicates.compare import Look, compare
from search.duplicates.evidence import Evidence
from search.duplicates.fingerprinting import Fingerprinting, picture_of
from search.duplicates.kinds import Thresholds
from storage import duplicates, items
from storage.library import Library

_TOGETHER = 512  # pairs whose pictures are read at a time
_HELD = 2048  # small pictures kept: 120 MB
Watch = Callable[[str, int], None]  # what is done, and how many more of it


@dataclass(frozen=True, slots=True)
class Found:
    """What one run added."""

    compared: int
    pairs: int
    unseen: int  # pictures without a thumbnail, which nothing was compared with


class Finder:
    """Brings the pairs of a library up to date with its pictures."""

    def __init__(
        self,
        library: Library,
        limits: Thresholds,
        crops: bool = True,
        watch: Watch | None = None,
    ) -> None:
        self._library, self._limits, self._crops = library, limits, crops
        self._watch = watch or (lambda _what, _many: None)
        self._pixels = lru_cache(_HELD)(self._read)

    def run(self) -> Found:
        """Compare what is new with all there is; an interrupted run is gone on with.

        Raises LibraryInUse while another process writes.
        """
        catalogue = self._library.catalogue
        with self._library.writing("dedup") as counts:
            fingerprinting = Fingerprinting(
                self._library, self._crops, lambda many: self._watch("fingerprints", many)
            )
            fingerprinting.run()
            compared = pairs = 0
            for method, met in self._met():
                found = list(self._compare(met.items))
                with catalogue.writing() as connection:
                    duplicates.add_pairs(connection, found)
                    duplicates.set_watermark(connection, method, met.watermark)
                compared, pairs = compared + len(met.items), pairs + len(found)
            counts.update(compared=compared, pairs=pairs)
        return Found(compared, pairs, fingerprinting.unseen)

    def _met(self) -> Iterator[tuple[str, Met]]:
        catalogue = self._library.catalogue
        for met in by_hashes(catalogue, self._limits):
            yield "hashes", met
        if self._crops:
            for met in by_features(catalogue):
                yield "features", met

    def _compare(self, pairs: np.ndarray) -> Iterator[tuple[int, int, str, dict[str, object]]]:
        for start in range(0, len(pairs), _TOGETHER):
            part = pairs[start : start + _TOGETHER]
            part = self._unknown(part)
            looks = self._looks(np.unique(part).tolist())
            for first, second in part.tolist():
                if first not in looks or second not in looks:
                    continue
                evidence = compare(looks[first], looks[second], self._limits)
                if evidence is not None:
                    yield first, second, evidence.kind, evidence.as_row()
            self._watch("pairs", len(part))

    def _unknown(self, pairs: np.ndarray) -> np.ndarray:
        """Leave out what another method has led to before."""
        with self._library.catalogue.reading() as connection:
            known = duplicates.known_pairs(connection, pairs[:, 0].tolist())
        unknown = [
            (first, second) for first, second in pairs.tolist() if (first, second) not in known
        ]
        return np.array(unknown, np.int64).reshape(-1, 2)

    def _looks(self, numbers: Sequence[int]) -> dict[int, Look]:
        with self._library.catalogue.reading() as connection:
            hashes = duplicates.fingerprints_of(connection, numbers)
            features = duplicates.features_of(connection, numbers) if self._crops else {}
            found = items.hydrate(connection, numbers)
        looks = {}
        for number in numbers:
            pixels = self._pixels(found[number].hash) if number in found else None
            if pixels is None or number not in hashes:
                continue
            codes, points = features.get(number, (None, None))
            looks[number] = Look(
                *hashes[number],
                pixels,
                found[number].capture,
                None
                if codes is None or points is None
                else Features(codes, points.astype(np.float32)),
            )
        return looks

    def _read(self, content: str) -> Pixels | None:
        picture = picture_of(self._library, content)
        return None if picture is None else small(np.asarray(picture))


def evidence_of(pair: duplicates.Pair) -> Evidence:
    """Read a stored pair back as evidence."""
    return Evidence(kind=pair.kind, **pair.evidence)  # type: ignore[arg-type]
