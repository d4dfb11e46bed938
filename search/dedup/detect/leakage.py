"""Leaks: which pictures of a test set are in the library, as they are, as copies or as edits.

The same evidence as between the library's own pictures: content, hashes in eight forms, local
features, and then the pixels. A test picture goes through a thumbnail as the library's did.
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
    sharing,
)
from search.dedup.detect.compare import Look, compare
from search.dedup.detect.detail_check import Asked, DetailCheck, file_of, form_of
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.fingerprinting import Fingerprinting, picture_of
from search.dedup.detect.kinds import CHECKED, Kind, Thresholds
from search.dedup.detect.lsh import Codes, Numbers, near
from search.dedup.detect.signatures import looks_of
from storage.library import Library
from storage.records import Capture, Item
from storage.tables import fingerprints, items
from storage.tables.files import is_under

_AT_ONCE = 4096  # test pictures at a time, for one reading of the library: 300 MB
_TOGETHER = 512  # of the library, read for comparison
_NONE: Numbers = np.zeros((0, 2), np.int64)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A picture of the test set: its path, the SHA-256 of its bytes and its WebP thumbnail."""

    path: str
    hash: str
    size: int  # bytes
    capture: Capture
    thumbnail: bytes  # WebP


@dataclass(frozen=True, slots=True)
class Leaked:
    """A test picture, a picture of the training set that it is, and why that is said."""

    test: str  # path
    hash: str  # of the test picture
    item: Item
    paths: tuple[str, ...]  # files of the training set that hold the item, in path order
    kind: Kind
    evidence: Evidence

    @property
    def unchecked(self) -> bool:
        """Whether it rests on thumbnails alone: the files could not be compared."""
        return self.kind in CHECKED and self.evidence.differs is None


class LeakFinder:
    """Compares test pictures with the library's, less those whose files lie in the test folder.

    What is found is looked at once more by `check`, at full detail; a copy or an edit in which
    something differs is "similar", as another page of one form is. `among` holds the item numbers
    of the training set, None for the whole library, and `within` the folder its files lie in.
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
        self.unseen = 0  # pictures of the library without a thumbnail, known by their bytes alone

    def prepare(self) -> None:
        """Make the fingerprints that the library lacks; raises LibraryInUse."""
        with self._library.writing("dedup"):
            fingerprinting = Fingerprinting(self._library, self._crops)
            fingerprinting.run()
        self.unseen = fingerprinting.unseen

    def run(self, tested: Iterable[Suspect]) -> Iterator[Leaked]:
        """Find what each test picture is in the training set, in the order they come."""
        waiting = iter(tested)
        while some := list(islice(waiting, _AT_ONCE)):
            yield from self._found(some)

    def _found(self, tested: Sequence[Suspect]) -> Iterator[Leaked]:
        looks = [_look(each, self._crops) for each in tested]
        with self._library.catalogue.reading() as connection:
            same = items.numbers(connection, "image", (each.hash for each in tested))
        pairs = [self._by_hashes(looks), self._by_features(looks) if self._crops else _NONE]
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
        found += self._verified(tested, list(self._compared(looks, strangers)))
        yield from self._told(tested, sorted(found, key=lambda each: each[:2]))

    def _by_hashes(self, looks: Sequence[Look]) -> Numbers:
        """Return (place, item) pairs whose hashes are near in one of the forms."""
        places = np.array(
            [
                place
                for place, look in enumerate(looks)
                if look.quality >= self._limits.hash_quality
            ],
            np.int64,
        )
        if not len(places):
            return _NONE
        forms = np.concatenate([looks[place].hashes for place in places])
        met = [_NONE]
        with self._library.catalogue.reading() as connection:
            for page in fingerprints.bases(connection, self._limits.hash_quality):
                apart = self._limits.hash_distance
                for query, known, _ in near(forms, page.hashes, apart, *HASH_BANDS):
                    met.append(np.stack([places[query // 8], page.items[known]], axis=1))
        return np.unique(np.concatenate(met), axis=0)

    def _by_features(self, looks: Sequence[Look]) -> Numbers:
        """Return (place, item) pairs that share local features."""
        known = [look.features for look in looks if look.features is not None]
        codes = np.concatenate([np.zeros((0, 16), np.uint8), *(each.codes for each in known)])
        places = np.repeat(np.arange(len(known)), [len(each.codes) for each in known])
        if not len(codes):
            return _NONE
        met = [_NONE]
        with self._library.catalogue.reading() as connection:
            for theirs, owners in _blocks(fingerprints.features(connection)):
                met.append(sharing(codes, places, theirs, owners))
        return np.concatenate(met)

    def _compared(
        self, looks: Sequence[Look], pairs: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, int, Evidence]]:
        """Compare pictures; each of the library's is read once for all that are held against it."""
        by_item = sorted(pairs, key=lambda pair: pair[1])
        for start in range(0, len(by_item), _TOGETHER):
            part = by_item[start : start + _TOGETHER]
            numbers = sorted({number for _, number in part})
            theirs = looks_of(self._library, numbers, self._crops, self._pixels)
            for place, number in part:
                if number in theirs:
                    evidence = compare(theirs[number], looks[place], self._limits)
                    if evidence is not None:
                        yield place, number, evidence

    def _verified(
        self, tested: Sequence[Suspect], found: Sequence[tuple[int, int, Evidence]]
    ) -> Iterator[tuple[int, int, Evidence]]:
        """Look at what was found at full detail; what cannot be read stands as it was found."""
        with self._library.catalogue.reading() as connection:
            held = items.hydrate(connection, sorted({number for _, number, _ in found}))
        asked = {}
        for place, number, evidence in sorted(found, key=lambda each: each[1]):
            each = tested[place]
            file = ImageFile((each.path,), each.hash, each.size)
            if number in held:
                pair = Asked(file_of(held[number]), file, form_of(evidence), evidence)
                asked[pair] = place, number
        seen = {asked[pair]: evidence for pair, evidence in self._check.run(list(asked))}
        for place, number, evidence in found:
            judged = seen.get((place, number), evidence)
            yield place, number, replace(judged, kind="similar") if judged.differs else judged

    def _pixels(self, content: str) -> Pixels | None:
        picture = picture_of(self._library, content)
        return None if picture is None else small(np.asarray(picture))

    def _told(
        self, tested: Sequence[Suspect], found: Sequence[tuple[int, int, Evidence]]
    ) -> Iterator[Leaked]:
        with self._library.catalogue.reading() as connection:
            held = items.hydrate(connection, sorted({number for _, number, _ in found}))
        for place, number, evidence in found:
            item = held.get(number)
            paths = self._training(item) if item is not None else ()
            if item is not None and paths:
                each = tested[place]
                yield Leaked(each.path, each.hash, item, paths, evidence.kind, evidence)

    def _training(self, item: Item) -> tuple[str, ...]:
        """Return the files of an item that are of the training set."""
        if self._among is not None and item.id not in self._among:
            return ()
        return tuple(
            path
            for path in sorted(item.paths, key=fsencode)
            if not is_under(path, self._folder)
            and (self._within is None or is_under(path, self._within))
        )


def _look(tested: Suspect, crops: bool) -> Look:
    with Image.open(BytesIO(tested.thumbnail)) as image:
        picture = image.convert("RGB")
    hashes, quality = perceptual_hashes(picture)
    features = local_features(picture) if crops else None
    return Look(hashes, quality, small(np.asarray(picture)), tested.capture, features)


def _blocks(pages: Iterator[fingerprints.Features]) -> Iterator[tuple[Codes, Numbers]]:
    """Join pages of features to blocks of about `FEATURE_BLOCK` pictures: codes and items."""
    while some := list(islice(pages, max(1, FEATURE_BLOCK // fingerprints.FEATURE_PAGE))):
        codes = np.concatenate([page.codes for page in some])
        yield codes, np.concatenate([page.owners for page in some])
