"""Leaks: the images of a test folder that a training library holds, with what is doubtful."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.leakage import Leak, LeakFinder, TestImage
from search.dedup.request import LeakRequest
from storage.filters import Filters
from storage.library import Library
from storage.records import Capture
from storage.selection import select_items


@dataclass(frozen=True, slots=True)
class LeakReport:
    """The leaks that were found, and how far what was compared can be trusted."""

    leaks: tuple[Leak, ...]
    compared: int  # test images that could be read
    failed: int  # test images that could not
    unseen: int  # images of the library without a thumbnail, known by content alone
    similar: int  # test images like one of the library in which something differs, not counted
    unread: tuple[str, ...] = ()  # why test images could not be read, and what was passed over

    @property
    def notices(self) -> tuple[str, ...]:
        """Return sentences about what was not compared, or not as well as it might be."""
        said = [*self.unread]
        if self.unchecked:
            said.append(
                f"{_count(self.unchecked, 'test image')} compared by thumbnails alone, where words "
                "and small things are not seen: their files could not be aligned with the library's"
            )
        if self.similar:
            said.append(
                f"{_count(self.similar, 'test image')} not counted: like one of the library, but "
                "something differs; the kind similar lists such"
            )
        if self.unseen:
            said.append(
                f"{_count(self.unseen, 'image')} of the library compared by content alone, as the "
                "thumbnail is gone: index again to make it"
            )
        if self.failed:
            said.append(f"{_count(self.failed, 'test image')} could not be read or compared")
        return tuple(said)

    @property
    def leaked(self) -> int:
        """Return how many test images are in the library."""
        return len({each.test for each in self.leaks})

    @property
    def unchecked(self) -> int:
        """Return how many of them rest on thumbnails alone."""
        return len({each.test for each in self.leaks if each.unchecked})


class FolderImage(Protocol):
    """An image of a folder, as `indexer.folder_reader` reads it."""

    @property
    def path(self) -> str:
        """Return its path."""

    @property
    def hash(self) -> str:
        """Return the SHA-256 of its bytes."""

    @property
    def size(self) -> int:
        """Return its size in bytes."""

    @property
    def capture(self) -> Capture:
        """Return the metadata of its camera."""

    @property
    def thumbnail(self) -> bytes:
        """Return its WebP thumbnail."""


class FolderImages(Protocol):
    """The images of a folder; `failed` could not be read, `read_well` could, `notices` say why."""

    failed: int
    read_well: int
    notices: list[str]

    def check(self) -> None:
        """Raise PathNotFound where there is none."""

    def read(self) -> Iterator[FolderImage]:
        """Yield them in path order."""


class Leaks:
    """Finds the images of one folder in one library."""

    def __init__(
        self, library: Library, folder: str, request: LeakRequest, check: DetailCheck
    ) -> None:
        """Take the test folder, whose files are never the training set, and the detail check."""
        self._kinds = request.kinds
        self._finder = LeakFinder(
            library,
            folder,
            request.thresholds,
            check,
            request.crops,
            _among(library, request.filters),
            request.filters.folder,
        )

    def run(
        self,
        images: FolderImages,
        each: Callable[[Leak], None] | None = None,
        watch: Callable[[int], None] | None = None,
    ) -> LeakReport:
        """Compare the images, calling `each` for every leak; raises LibraryInUse."""
        self._finder.prepare()
        found: list[Leak] = []
        similar: set[str] = set()
        for leaked in self._finder.run(_tested(images, watch)):
            if leaked.kind in self._kinds:
                found.append(leaked)
                if each is not None:
                    each(leaked)
            elif leaked.kind == "similar":
                similar.add(leaked.test)
        return LeakReport(
            tuple(found),
            images.read_well,
            images.failed,
            self._finder.unseen,
            len(similar - {leaked.test for leaked in found}),
            tuple(images.notices),
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _tested(images: FolderImages, watch: Callable[[int], None] | None) -> Iterator[TestImage]:
    for image in images.read():
        if watch is not None:
            watch(images.read_well + images.failed)
        yield TestImage(image.path, image.hash, image.size, image.capture, image.thumbnail)


def _among(library: Library, filters: Filters) -> list[int] | None:
    if not filters.narrows:
        return None
    with library.catalogue.reading() as connection:
        return select_items(connection, "image", filters)
