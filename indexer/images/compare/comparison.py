"""The comparison of files at full detail, run in a worker process: from paths to differences.

A file is compared only while it holds what was indexed; what cannot be read, or holds something
else by now, is no evidence either way.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.images.compare.detail import Difference, difference, difference_of_alpha
from indexer.images.compare.registration import register
from indexer.images.decode import open_image, read_bytes
from indexer.images.fingerprint import turned
from indexer.images.limits import Limits
from storage.errors import FileFailure

# Pixels of the short and of the long side: one of them at the most is longer. A phone's whole
# photo and a page at 300 dpi are in full, and so is what is long and narrow, as web pages are.
SIDES = 2048, 4096
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image's files and what they held when they were indexed.

    `content`, where there is some, is decoded instead: a thumbnail, for one.
    """

    paths: tuple[str, ...]
    hash: str  # SHA-256, 64 hexadecimal digits
    size: int  # bytes
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """An image to be compared with the first: `form` turns it upright beside that (`TURNS`).

    An `edited` one is registered first, and its light and its colours are evened out.
    """

    file: ImageFile
    form: int = 0
    edited: bool = False


@dataclass(frozen=True, slots=True)
class CompareTask:
    """An image, and others that are to be compared with it."""

    first: ImageFile
    others: tuple[Beside, ...]
    limits: Limits

    @property
    def seconds(self) -> float:
        """Return the seconds that the task may take."""
        return self.limits.seconds * (1 + len(self.others))

    def run(self) -> tuple[Difference | None, ...]:
        """Return the difference to each of the others; None for what could not be compared."""
        first = _opened(self.first, self.limits)
        if first is None:
            return (None,) * len(self.others)
        return tuple(self._differences(first))

    def _differences(self, first: "_Opened") -> Iterator[Difference | None]:
        for beside in self.others:
            second = _opened(beside.file, self.limits)
            if second is None:
                yield None
            elif beside.edited:
                yield _of_edits(first, second.turned(beside.form))
            else:
                yield _of_copies(first, second.turned(beside.form))


@dataclass(frozen=True, slots=True)
class _Opened:
    over_white: Bytes  # (height, width, 3)
    alpha: Bytes | None  # (height, width), None where all is opaque

    @property
    def over_black(self) -> Bytes:
        assert self.alpha is not None
        return np.asarray(cv2.subtract(self.over_white, 255 - _three(self.alpha)), np.uint8)

    @property
    def opacity(self) -> Bytes:
        if self.alpha is not None:
            return self.alpha
        return np.full(self.over_white.shape[:2], 255, np.uint8)

    def turned(self, form: int) -> "_Opened":
        if not form:
            return self
        alpha = None if self.alpha is None else turned(_three(self.alpha), form)[..., 0]
        return _Opened(turned(self.over_white, form), alpha)


def _opened(file: ImageFile, limits: Limits) -> _Opened | None:
    for content in _contents(file, limits):
        with suppress(FileFailure):
            image = open_image(content, limits=limits, smallest=SIDES, alpha=True)
            alpha = None if image.alpha is None else _reduced(np.asarray(image.alpha))
            return _Opened(_reduced(np.asarray(image.image)), alpha)
    return None


def _contents(file: ImageFile, limits: Limits) -> Iterator[bytes]:
    """Yield the bytes of those files that hold what was indexed."""
    if file.content is not None:
        yield file.content
        return
    for path in file.paths:
        with suppress(FileFailure, OSError):
            if not os.path.isfile(path) or os.path.getsize(path) != file.size:
                continue
            content = read_bytes(path, limits.file_bytes)
            if hashlib.sha256(content).hexdigest() == file.hash:
                yield content


def _reduced(image: Bytes) -> Bytes:
    share = max(most / side for most, side in zip(SIDES, sorted(image.shape[:2]), strict=True))
    if share >= 1:
        return image
    size = max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _of_copies(first: _Opened, second: _Opened) -> Difference:
    found = [difference(first.over_white, second.over_white)]
    if first.alpha is not None or second.alpha is not None:
        found.append(difference_of_alpha(first.opacity, second.opacity))
    if first.alpha is not None and second.alpha is not None:
        # White words on nothing are seen on any ground but a white one.
        found.append(difference(first.over_black, second.over_black))
    return max(found, key=lambda each: each.excess)


def _of_edits(first: _Opened, second: _Opened) -> Difference | None:
    registration = register(first.over_white, second.over_white)
    if registration is None:
        return None
    pair = registration.lay(first.over_white, second.over_white)
    if pair is None:
        return None
    found = [difference(pair[0], pair[1], edited=True)]
    if first.alpha is not None or second.alpha is not None:
        planes = registration.lay(first.opacity, second.opacity)
        if planes is None:
            return None
        found.append(difference_of_alpha(*planes))
    return max(found, key=lambda each: each.excess)


def _three(plane: Bytes) -> Bytes:
    return np.asarray(cv2.merge([plane, plane, plane]), np.uint8)
