"""Test set leakage: images of a test set that are in the library, as copies or as edits.

The evidence is the same as between the library's own images: content, hashes in eight
orientations, local features, and then pixels. Test images are compared by thumbnails as well.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from os import fsencode

import numpy as np
from PIL import Image

from indexer.images.compare.comparison import ImageFile
from indexer.images.fingerprint import local_features, perceptual_hashes
from search.dedup.detect.block_match import Pixels, small
from search.dedup.detect.candidates import (
    FEATURE_BLOCK,
    HASH_BANDS,
    pairs_sharing_features,
)
from search.dedup.detect.compare import ImageSignature, compare
from search.dedup.detect.detail_check import DetailCheck, PairToCheck, file_of, form_of
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.fingerprinting import Fingerprinter, image_of
from search.dedup.detect.kinds import CHECKED, Kind, Thresholds
from search.dedup.detect.lsh import Codes, Numbers, near_pairs
from search.dedup.detect.signatures import read_signatures
from storage.library import Library
from storage.records import Capture, Item
from storage.tables import fingerprints, items
from storage.tables.files import is_under

_AT_ONCE = 4096  # test images for one pass over the library: 300 MB
_TOGETHER = 512  # pairs whose library images are read at a time
_NONE: Numbers = np.zeros((0, 2), np.int64)


@dataclass(frozen=True, slots=True)
class TestImage:
    """An image of the test set: its path, the SHA-256 of its bytes and its WebP thumbnail."""

    path: str
    hash: str
    size: int  # bytes
    capture: Capture
    thumbnail: bytes  # WebP


@dataclass(frozen=True, slots=True)
class Leak:
    """A test image, the image of the training set that it duplicates, and the evidence."""

    test: str  # path
    hash: str  # of the test image
    item: Item
    paths: tuple[str, ...]  # files of the training set that hold the item, in path order
    kind: Kind
    evidence: Evidence

    @property
    def unchecked(self) -> bool:
        """Return whether only thumbnails were compared, since the files could not be."""
        return self.kind in CHECKED and self.evidence.differs is None


class LeakFinder:
    """Compares test images with the library's, except for files in the test folder itself.

    Each match is compared again by `check`, at full detail; a copy or an edit that differs
    becomes "similar", such as another page of one form. `among` holds the item numbers of the
    training set, None for the whole library, and `within` the folder of its files.
    """

    def __init__(
        self,
        library: Library,
        folder: str,
        limits: Thresholds,
        check: DetailCheck,
        crops: bool = True,
        among: Collection[int] | None = None,
        within: str | None = None,
    ) -> None:
        self._check = check
        self._library, self._folder, self._limits, self._crops = library, folder, limits, crops
        self._among = None if among is None else frozenset(among)
        self._within = within
        self.unseen = 0  # library images without a thumbnail, compared by their bytes only

    def prepare(self) -> None:
        """Compute the missing fingerprints of the library; raises LibraryInUse."""
        with self._library.writing("dedup"):
            fingerprinting = Fingerprinter(self._library, self._crops)
            fingerprinting.run()
        self.unseen = fingerprinting.unseen

    def run(self, tested: Iterable[TestImage]) -> Iterator[Leak]:
        """Yield the leaks of the test images, in their order."""
        waiting = iter(tested)
        while some := list(islice(waiting, _AT_ONCE)):
            yield from self._find_leaks(some)

    def _find_leaks(self, tested: Sequence[TestImage]) -> Iterator[Leak]:
        signatures = [_signature(each, self._crops) for each in tested]
        with self._library.catalogue.reading() as connection:
            same = items.numbers(connection, "image", (each.hash for each in tested))
        pairs = [
            self._by_hashes(signatures),
            self._by_features(signatures) if self._crops else _NONE,
        ]
        alike = np.unique(np.concatenate(pairs), axis=0)
        found = [
            (place, number, Evidence("identical"))
            for place, each in enumerate(tested)
            if (number := same.get(each.hash)) is not None
        ]
        strangers = [
            (place, number)
            for place, number in alike.tolist()
            if number != same.get(tested[place].hash)
        ]
        found += self._verify(tested, list(self._compare(signatures, strangers)))
        yield from self._leaks(tested, sorted(found, key=lambda each: each[:2]))

    def _by_hashes(self, signatures: Sequence[ImageSignature]) -> Numbers:
        """Return (place, item) pairs whose hashes are near in one of the orientations."""
        places = np.array(
            [
                place
                for place, look in enumerate(signatures)
                if look.quality >= self._limits.hash_quality
            ],
            np.int64,
        )
        if not len(places):
            return _NONE
        forms = np.concatenate([signatures[place].hashes for place in places])
        met = [_NONE]
        with self._library.catalogue.reading() as connection:
            for page in fingerprints.bases(connection, self._limits.hash_quality):
                apart = self._limits.hash_distance
                for query, known, _ in near_pairs(forms, page.hashes, apart, *HASH_BANDS):
                    met.append(np.stack([places[query // 8], page.items[known]], axis=1))
        return np.unique(np.concatenate(met), axis=0)

    def _by_features(self, signatures: Sequence[ImageSignature]) -> Numbers:
        """Return (place, item) pairs that share local features."""
        known = [look.features for look in signatures if look.features is not None]
        codes = np.concatenate([np.zeros((0, 16), np.uint8), *(each.codes for each in known)])
        places = np.repeat(np.arange(len(known)), [len(each.codes) for each in known])
        if not len(codes):
            return _NONE
        met = [_NONE]
        with self._library.catalogue.reading() as connection:
            for theirs, owners in _blocks(fingerprints.features(connection)):
                met.append(pairs_sharing_features(codes, places, theirs, owners))
        return np.concatenate(met)

    def _compare(
        self, signatures: Sequence[ImageSignature], pairs: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, int, Evidence]]:
        """Compare pairs of images; each library image is read once for all its pairs."""
        by_item = sorted(pairs, key=lambda pair: pair[1])
        for start in range(0, len(by_item), _TOGETHER):
            part = by_item[start : start + _TOGETHER]
            numbers = sorted({number for _, number in part})
            theirs = read_signatures(self._library, numbers, self._crops, self._pixels)
            for place, number in part:
                if number in theirs:
                    evidence = compare(theirs[number], signatures[place], self._limits)
                    if evidence is not None:
                        yield place, number, evidence

    def _verify(
        self, tested: Sequence[TestImage], found: Sequence[tuple[int, int, Evidence]]
    ) -> Iterator[tuple[int, int, Evidence]]:
        """Compare the matches at full detail; those that cannot be read keep their evidence."""
        with self._library.catalogue.reading() as connection:
            found_items = items.hydrate(connection, sorted({number for _, number, _ in found}))
        asked = {}
        for place, number, evidence in sorted(found, key=lambda each: each[1]):
            each = tested[place]
            file = ImageFile((each.path,), each.hash, each.size)
            if number in found_items:
                pair = PairToCheck(file_of(found_items[number]), file, form_of(evidence), evidence)
                asked[pair] = place, number
        seen = {asked[pair]: evidence for pair, evidence in self._check.run(list(asked))}
        for place, number, evidence in found:
            judged = seen.get((place, number), evidence)
            yield place, number, replace(judged, kind="similar") if judged.differs else judged

    def _pixels(self, content: str) -> Pixels | None:
        image = image_of(self._library, content)
        return None if image is None else small(np.asarray(image))

    def _leaks(
        self, tested: Sequence[TestImage], found: Sequence[tuple[int, int, Evidence]]
    ) -> Iterator[Leak]:
        with self._library.catalogue.reading() as connection:
            found_items = items.hydrate(connection, sorted({number for _, number, _ in found}))
        for place, number, evidence in found:
            item = found_items.get(number)
            paths = self._training(item) if item is not None else ()
            if item is not None and paths:
                each = tested[place]
                yield Leak(each.path, each.hash, item, paths, evidence.kind, evidence)

    def _training(self, item: Item) -> tuple[str, ...]:
        """Return the files of an item that belong to the training set."""
        if self._among is not None and item.id not in self._among:
            return ()
        return tuple(
            path
            for path in sorted(item.paths, key=fsencode)
            if not is_under(path, self._folder)
            and (self._within is None or is_under(path, self._within))
        )


def _signature(tested: TestImage, crops: bool) -> ImageSignature:
    with Image.open(BytesIO(tested.thumbnail)) as opened:
        image = opened.convert("RGB")
    hashes, quality = perceptual_hashes(image)
    features = local_features(image) if crops else None
    return ImageSignature(hashes, quality, small(np.asarray(image)), tested.capture, features)


def _blocks(pages: Iterator[fingerprints.FeaturePage]) -> Iterator[tuple[Codes, Numbers]]:
    """Join pages of features into blocks of about `FEATURE_BLOCK` images: codes and items."""
    while some := list(islice(pages, max(1, FEATURE_BLOCK // fingerprints.FEATURE_PAGE))):
        codes = np.concatenate([page.codes for page in some])
        yield codes, np.concatenate([page.owners for page in some])
