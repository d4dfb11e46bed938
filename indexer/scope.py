"""Scopes: from the paths a person gives to the roots and folders that a run goes over."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from indexer.scan import Scan
from storage import files
from storage.errors import InvalidArgument, PathNotFound
from storage.files import KnownFile, Sighting, is_under
from storage.records import Root
from storage.roots import Roots, is_mounted


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of a root to compare with the catalogue: a folder, a file, or what is known."""

    root: Root
    place: str
    notice: str | None = None  # why nothing may be found there although much is known

    def seen(self, scan: Scan, known: Iterable[KnownFile]) -> Iterator[Sighting]:
        """Look at the files of the scope, in byte order of their paths."""
        if os.path.isdir(self.place) and self.root.walked:
            yield from scan.files(self.place)
            return
        if os.path.isfile(self.place):
            yield from scan.file(self.place)
            return
        for file in known:
            yield from scan.file(file.path)


class Scopes:
    """Settles what a run goes over, entering new roots; `notices` says what was passed over."""

    def __init__(self, connection: Connection, library: str) -> None:
        self._connection, self._library = connection, library
        self._roots = Roots(connection)
        self.notices: list[str] = []

    def of(self, paths: tuple[str, ...], listed: tuple[str, ...] | None) -> list[Scope]:
        """Give the scopes of these paths, or of every known root; raises PathNotFound.

        `listed` paths are entered one by one, and their folder is remembered without being
        walked; one that is not there is passed over, but not all of them.
        """
        if listed is not None:
            found = _apart(self._listed(listed))
            if listed and not found:
                raise none_there(listed)
            return found
        if paths:
            return _apart([self._scope(_absolute(path)) for path in paths])
        return [_known_root(root) for root in self._roots]

    def _listed(self, paths: tuple[str, ...]) -> Iterator[Scope]:
        for path in paths:
            try:
                yield self._scope(_absolute(path))
            except PathNotFound as error:
                self.notices.append(str(error))

    def _scope(self, path: str) -> Scope:
        if is_under(path, self._library):
            raise InvalidArgument(f"{path} is part of the library itself: index another folder")
        if os.path.isdir(path):
            return Scope(self._roots.enter(path, walked=True), path)
        if os.path.isfile(path):
            return Scope(self._roots.enter(os.path.dirname(path), walked=False), path)
        known = self._roots.at(path)
        if known is not None:
            return _known_root(known)
        for root in (self._roots.owner(path), self._roots.at(os.path.dirname(path))):
            if root is not None and files.any_known(self._connection, root, path):
                return Scope(root, path)  # it was there once: what is known of it went missing
        raise PathNotFound(f"there is no file or folder {path}: check the path, or mount its disk")


def none_there(listed: Sequence[str]) -> PathNotFound:
    """Say that of a list of files there is not one."""
    return PathNotFound(
        f"none of the {len(listed):,} listed files is there, {listed[0]} being the first: "
        "check the names, or mount their disk"
    )


def _absolute(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))


def _known_root(root: Root) -> Scope:
    if is_mounted(root.path):
        return Scope(root, root.path)
    notice = (
        f"{root.path} is empty or not there (not mounted?): its files are kept as missing and "
        "come back with it; where it is gone for good, `sightline remove` forgets it"
    )
    return Scope(root, root.path, notice)


def _apart(found: Iterable[Scope]) -> list[Scope]:
    """Leave out scopes inside others, so that no file is looked at twice."""
    kept: list[Scope] = []
    for scope in sorted(set(found), key=lambda scope: os.fsencode(os.path.join(scope.place, ""))):
        if not kept or not is_under(scope.place, kept[-1].place):
            kept.append(scope)
    return kept
