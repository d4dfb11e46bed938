"""The images a call is about: one, those of a folder, those that filters allow, or all."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from search.hits import Hit
from search.query import SearchKind
from storage.errors import Hint, InvalidArgument, ItemNotFound, PathNotFound
from storage.filters import Filters
from storage.library import Library
from storage.paths import expand_home
from storage.records import Item, Kind
from storage.selection import select_items
from storage.tables import files, items, vectors

# Why nothing was found, the most helpful reason first: `empty_reason` chooses.
EmptyReason = Literal[
    "library is empty",
    "none of the kind",
    "filters",
    "query alone",  # nothing is left beside what the query was made from
    "excluded",
    "missing",
]


@dataclass(frozen=True, slots=True)
class Targets:
    """Images of the library by row number, or one file that the library does not hold."""

    items: list[int]
    external: Path | None = None

    def __bool__(self) -> bool:
        """Return whether there is an image at all."""
        return bool(self.items) or self.external is not None

    @property
    def numbers(self) -> list[int]:
        """Return the row numbers; raises ItemNotFound for a file that has none."""
        if self.external is not None:
            raise ItemNotFound(f"{self.external} is not in the library: ask about the file itself")
        return self.items

    @staticmethod
    def find(library: Library, named: Hit | Item | str | Path) -> Item:
        """Return the item of a hit, or that a path or the beginning of a hash names.

        Raises ItemNotFound or InvalidArgument.
        """
        if isinstance(named, Hit):
            return named.item
        return named if isinstance(named, Item) else library.find(str(named))

    @classmethod
    def numbers_of(cls, library: Library, named: "Hit | Item | str | Path | Targets") -> list[int]:
        """Return the row numbers of what was selected, or of one image; a text has none."""
        if isinstance(named, Targets):
            return named.numbers
        item = cls.find(library, named)
        return [item.id] if item.kind == "image" else []

    @classmethod
    def select(cls, library: Library, target: str | None, filters: Filters) -> "Targets":
        """Select what a path or an item's hash names, or all images that the filters allow.

        The filters hold for a folder's images and for an item as well. Raises ItemNotFound,
        PathNotFound or InvalidArgument for a target that is no image, or contradicts the filters.
        """
        if target is None:
            return cls(_allowed(library, filters))
        if not expand_home(target).is_dir():
            return _one(library, target, filters)
        if filters.folder is not None:
            raise InvalidArgument(
                f"the folder {target} and {{folder}} exclude each other: choose one",
                parameter="folder",
                value=filters.folder,
            )
        folder = str(expand_home(target).resolve())
        return cls(_allowed(library, replace(filters, folder=folder)))

    def read(self, library: Library) -> list[Item]:
        """Read the items from the catalogue; those that were removed since are left out."""
        with library.catalogue.reading() as connection:
            found = items.hydrate(connection, self.items)
        return [found[number] for number in self.items if number in found]


def find_image(library: Library, target: str) -> Item | Path:
    """Find one image: an item of the library, or a file outside it.

    Raises ItemNotFound for what is neither, InvalidArgument for an item that is no image.
    """
    try:
        item = library.find(target)
    except ItemNotFound:
        file = expand_home(target)
        if file.is_file():
            return file.absolute()
        raise
    if item.kind != "image":
        raise InvalidArgument(f"{target} is no image but a {item.kind}: give an image")
    return item


def check_folder(library: Library, filters: Filters, parameter: str = "folder") -> None:
    """Raise PathNotFound for a folder that nothing could ever be found in.

    `parameter` is the argument that the folder came by.
    """
    if filters.folder is None:
        return
    folder = Path(filters.folder)
    roots = [Path(root.path) for root in library.roots()]
    known = any(folder.is_relative_to(root) or root.is_relative_to(folder) for root in roots)
    if not folder.exists() and not (known and filters.missing):
        raise PathNotFound(
            f"{{{parameter}}} {folder} is not there: check the name, or mount its disk",
            parameter=parameter,
            value=str(folder),
        )
    if not known:
        raise PathNotFound(
            f"{{{parameter}}} {folder} was never indexed: index it first",
            parameter=parameter,
            value=str(folder),
            hint=Hint("index folder", str(folder)),
        )


def empty_reason(library: Library, filters: Filters, kind: SearchKind | None = None) -> EmptyReason:
    """Return why a search of this kind, or of all, finds nothing."""
    if library.is_empty():
        return "library is empty"
    if kind in ("image", "text") and not _any_of(library, kind):
        return "none of the kind"
    if filters.narrows:
        return "filters"
    searched: tuple[Kind, ...] = ("image", "text") if kind is None or kind == "all" else (kind,)
    with library.catalogue.reading() as connection:
        if any(select_items(connection, each, filters) for each in searched):
            return "query alone"
        return "excluded" if files.count_excluded(connection) else "missing"


def _one(library: Library, target: str, filters: Filters) -> Targets:
    found = find_image(library, target)
    if isinstance(found, Path):
        if filters != Filters():
            raise InvalidArgument(f"{target} is not in the library: filters say nothing about it")
        return Targets([], found)
    # An item that was named is meant even where its file is gone: the thumbnail is left of it.
    allowed = not filters.narrows or found.id in _allowed(library, replace(filters, missing=True))
    return Targets([found.id] if allowed else [])


def _allowed(library: Library, filters: Filters) -> list[int]:
    check_folder(library, filters)
    with library.catalogue.reading() as connection:
        return select_items(connection, "image", filters)


def _any_of(library: Library, kind: Kind) -> bool:
    space = library.space()
    if space is None or space.id is None:
        return False
    with library.catalogue.reading() as connection:
        return vectors.any_of(connection, space.id, kind)
