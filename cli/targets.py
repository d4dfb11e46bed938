"""The pictures a command is about: one, those of a folder, those filters let through, or all."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from sightline import check_folder
from storage import Filters, Item, Library
from storage.errors import InvalidArgument, ItemNotFound
from storage.paths import expand_home
from storage.selection import select_items

WHICH = "say which pictures: a PATH, an ITEM, a filter such as --after DATE, or --all"


@dataclass(frozen=True, slots=True)
class Choice:
    """Pictures of the library by row number, or one file that the library does not hold."""

    items: list[int]
    outside: Path | None = None


def choose(library: Library, target: str | None, filters: Filters, every: bool = False) -> Choice:
    """Find the pictures that a path, an item's hash, filters or `every` stand for.

    Raises ItemNotFound, PathNotFound or InvalidArgument for a target that is no picture, and
    click's UsageError where nothing was named.
    """
    if target is not None and every:
        raise click.UsageError(f"{target} and --all exclude each other: choose one")
    if target is None:
        if not (every or filters.narrows):
            raise click.UsageError(WHICH)
        return Choice(_within(library, filters))
    if expand_home(target).is_dir():
        if filters.folder is not None:
            raise click.UsageError(f"the folder {target} and --in exclude each other: choose one")
        return Choice(_within(library, replace(filters, folder=_real(target))))
    return _one(library, target, filters)


def picture(library: Library, target: str) -> Item | Path:
    """Find one picture: an item of the library, or a file outside it.

    Raises ItemNotFound for what is neither, InvalidArgument for an item that is no picture.
    """
    try:
        item = library.find(target)
    except ItemNotFound:
        file = expand_home(target)
        if file.is_file():
            return file.absolute()
        raise
    if item.kind != "image":
        raise InvalidArgument(f"{target} is no picture but a {item.kind}: give a picture")
    return item


def _one(library: Library, target: str, filters: Filters) -> Choice:
    found = picture(library, target)
    if isinstance(found, Path):
        if filters != Filters():
            raise InvalidArgument(f"{target} is not in the library: filters say nothing about it")
        return Choice([], found)
    # An item that was named is meant even where its file is gone: the thumbnail is left of it.
    allowed = not filters.narrows or found.id in _within(library, replace(filters, missing=True))
    return Choice([found.id] if allowed else [])


def _within(library: Library, filters: Filters) -> list[int]:
    check_folder(library, filters)
    with library.catalogue.reading() as connection:
        return select_items(connection, "image", filters)


def _real(folder: str) -> str:
    return str(expand_home(folder).resolve())
