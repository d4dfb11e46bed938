"""The fingerprints of images: perceptual hashes and local features of their thumbnails."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
from PIL import Image

from indexer.images.fingerprint import Features, local_features, perceptual_hashes
from storage.library import Library
from storage.tables import fingerprints

ProgressCallback = Callable[[int], None]
_PAGE = 256  # images between commits: a few seconds of work


def image_of(library: Library, content: str) -> Image.Image | None:
    """Read an item's thumbnail as upright RGB; None if it is missing or damaged."""
    stored = library.thumbnails.read(content)
    if not stored:
        return None
    try:
        with Image.open(BytesIO(stored)) as image:
            return image.convert("RGB")
    except OSError:
        return None


class Fingerprinter:
    """Computes the missing fingerprints of all images and commits them page by page."""

    def __init__(
        self, library: Library, features: bool, progress: ProgressCallback | None = None
    ) -> None:
        self._library, self._features, self._progress = library, features, progress
        self.unseen = 0  # images without a thumbnail

    def run(self) -> None:
        """Compute the missing hashes, and the missing local features if requested."""
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            for page in self._pages(fingerprints.lacking_fingerprints):
                self._hash(page, threads)
            if self._features:
                for page in self._pages(fingerprints.lacking_features):
                    self._find_features(page, threads)

    def _pages(
        self, lacking: Callable[..., list[tuple[int, str]]]
    ) -> Iterator[list[tuple[int, str]]]:
        after = 0
        while True:
            with self._library.catalogue.reading() as connection:
                page = lacking(connection, after, _PAGE)
            if not page:
                return
            yield page
            after = page[-1][0]
            if self._progress is not None:
                self._progress(len(page))

    def _hash(self, page: list[tuple[int, str]], threads: ThreadPoolExecutor) -> None:
        made = list(threads.map(self._hashes, (content for _, content in page)))
        rows = [(item, *each) for (item, _), each in zip(page, made, strict=True) if each]
        self.unseen += len(page) - len(rows)
        with self._library.catalogue.writing() as connection:
            fingerprints.add_fingerprints(connection, rows)

    def _hashes(self, content: str) -> tuple[np.ndarray, int] | None:
        image = image_of(self._library, content)
        return None if image is None else perceptual_hashes(image)

    def _find_features(self, page: list[tuple[int, str]], threads: ThreadPoolExecutor) -> None:
        made = list(threads.map(self._features_of, (content for _, content in page)))
        rows = [
            (item, each.codes, each.points.astype(np.float16))
            for (item, _), each in zip(page, made, strict=True)
            if each is not None
        ]
        with self._library.catalogue.writing() as connection:
            fingerprints.add_features(connection, rows)

    def _features_of(self, content: str) -> Features | None:
        image = image_of(self._library, content)
        return None if image is None else local_features(image)
