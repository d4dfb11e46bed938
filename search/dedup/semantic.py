"""Semantic deduplication by file: what each threshold keeps and drops of a data set.

`detect.semdedup` decides on images; here each becomes the files that hold it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from search.dedup.detect.semdedup import Cluster, SemDeDup
from storage.filters import Filters
from storage.library import Library
from storage.records import Item
from storage.tables import items
from storage.tables.files import is_under


@dataclass(frozen=True, slots=True)
class SemanticFile:
    """A file at one threshold: kept, or dropped for another that stands for it."""

    item: str  # SHA-256
    path: str
    cluster: int
    keep: bool
    instead: str | None = None  # hash of the image that stands for a dropped one
    instead_path: str | None = None
    cosine: float | None = None  # between the two


@dataclass(frozen=True, slots=True)
class SemanticCluster:
    """The files of one cluster, at each threshold in the order of `cosines`."""

    number: int
    images: int
    cosines: tuple[float, ...]
    files: tuple[tuple[SemanticFile, ...], ...]


def semantic_duplicates(
    library: Library, cosines: Sequence[float], filters: Filters
) -> Iterator[SemanticCluster]:
    """Decide cluster by cluster; nothing comes where the filters leave no image.

    `cosines` are thresholds as `check_cosines` returns them. Raises LibraryError for a library
    without vectors of images.
    """
    for cluster in SemDeDup(library, cosines, filters).run():
        with library.catalogue.reading() as connection:
            known = items.hydrate(connection, cluster.items.tolist())
        yield SemanticCluster(
            cluster.number,
            len(cluster.items),
            tuple(cosines),
            tuple(
                tuple(
                    file
                    for place in range(len(cluster.items))
                    for file in _files(known, cluster, mark, place, filters)
                )
                for mark in range(len(cosines))
            ),
        )


def _files(
    known: Mapping[int, Item], cluster: Cluster, mark: int, place: int, filters: Filters
) -> Iterator[SemanticFile]:
    """Yield the files of an image; all but one of a kept image's are dropped."""
    item, kept = known.get(int(cluster.items[place])), bool(cluster.kept[mark, place])
    stand = item if kept else known.get(int(cluster.instead[mark, place]))
    if item is None or stand is None:  # taken out of the library meanwhile
        return
    cosine = 1.0 if kept else float(cluster.cosines[mark, place])
    for copy, path in enumerate(_paths(item, filters)):
        if kept and not copy:
            yield SemanticFile(item.hash, path, cluster.number, True)
        else:
            instead = next(iter(_paths(stand, filters)), None)
            yield SemanticFile(item.hash, path, cluster.number, False, stand.hash, instead, cosine)


def _paths(item: Item, filters: Filters) -> tuple[str, ...]:
    """Return the files of an item that are of the data set."""
    paths = item.paths + (item.missing_paths if filters.missing else ())
    return tuple(path for path in paths if filters.folder is None or is_under(path, filters.folder))
