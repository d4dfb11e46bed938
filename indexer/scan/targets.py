"""Scopes: from the paths a person gives to the roots and folders that a run goes over."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from indexer.scan.walk import Scan
from storage.errors import Hint, InvalidArgument, PathNotFound
from storage.records import Root
from storage.tables import files
from storage.tables.file_state import FileSeen, KnownFile
from storage.tables.files import is_under
from storage.tables.roots import Roots, is_mounted


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of a root to compare with the catalogue: a folder, a file, or what is known."""

    root: Root
    place: str
    notice: str | None = None  # why nothing may be found there although much is known

    def seen(self, scan: Scan, known: Iterable[KnownFile]) -> Iterator[FileSeen]:
        """Look at the files of the scope, in byte order of their paths."""
        if os.path.isdir(self.place) and self.root.walked:
            yield from scan.files(self.place)
            return
        one = os.path.isfile(self.place)
        for path in (self.place,) if one else (file.path for file in known):
            if not scan.excludes(path):
                yield from scan.file(path)


class Scopes:
    """Settles what a run goes over, entering new roots.

    `not_found` gathers listed names that are not there, `links` the named paths that are
    symbolic links, each with what it leads to.
    """

    def __init__(self, connection: Connection, library: str) -> None:
        self._connection, self._library = connection, library
        self._roots = Roots(connection)
        self.not_found: list[str] = []
        self.links: dict[str, str] = {}

    def of(self, paths: tuple[str, ...], listed: tuple[str, ...] | None) -> list[Scope]:
        """Return the scopes of these paths, or of every known root; raises PathNotFound.

        `listed` are files, entered one by one; their folder is remembered without being walked.
        One that is not there is passed over, but not all of them; a folder among them raises
        InvalidArgument, as does an empty name.
        """
        if listed is not None:
            check_listed(listed)
            found = _apart(self._listed(listed))
            if listed and not found:
                raise none_there(listed)
            return found
        if paths:
            return _apart([self._scope(path) for path in paths])
        return [_known_root(root) for root in self._roots]

    def _listed(self, written: tuple[str, ...]) -> Iterator[Scope]:
        for name in written:
            path = self._resolved(name)
            if os.path.isfile(os.path.expanduser(name)):  # which `a.png/` is not
                yield self._file(path)
                continue
            self.not_found.append(name)
            self.links.pop(name, None)  # nothing is looked at there
            root = self._knows(path, below=False)
            if root is not None:  # a name, not a folder, of which something is known
                yield Scope(root, path)

    def _scope(self, written: str) -> Scope:
        path = self._resolved(written)
        if os.path.isdir(path):
            self._check_outside(path)
            return Scope(self._roots.enter(path, walked=True), path)
        if os.path.isfile(path):
            return self._file(path)
        known = self._roots.at(path)
        if known is not None:
            return _known_root(known)
        root = self._knows(path)
        if root is not None:
            return Scope(root, path)  # it was there once: what is known of it went missing
        raise not_there(written)

    def _file(self, path: str) -> Scope:
        self._check_outside(path)
        return Scope(self._roots.enter(os.path.dirname(path), walked=False), path)

    def _check_outside(self, path: str) -> None:
        if is_under(path, self._library):
            raise InvalidArgument(
                f"{path} is part of the library itself: index another folder",
                parameter="paths",
                value=path,
            )

    def _knows(self, path: str, below: bool = True) -> Root | None:
        """Find the root in which something is remembered of a path, or of what lies `below` it."""
        for root in (self._roots.owner(path), self._roots.at(os.path.dirname(path))):
            if root is not None and files.any_known(self._connection, root, path, below):
                return root
        return None

    def _resolved(self, written: str) -> str:
        """Follow a named path to where it leads: a symbolic link that is named is meant."""
        check_name(written)
        target = os.path.realpath(os.path.expanduser(written))
        if os.path.islink(_plain(written)):
            self.links[written] = target
        return target


def check_name(written: str) -> None:
    """Raise InvalidArgument for what is no path; an empty one is not the current folder."""
    if not written or "\0" in written:
        what = "holds a zero byte" if written else "is empty"
        raise InvalidArgument(
            f"a path {what}: name a file or a folder", parameter="paths", value=written
        )


def check_listed(written: Sequence[str]) -> None:
    """Raise InvalidArgument where a list of files holds a folder or an empty name."""
    for name in written:
        check_name(name)
    folders = [name for name in written if os.path.isdir(os.path.expanduser(name))]
    if folders:
        held = "a folder" if len(folders) == 1 else f"{len(folders):,} folders"
        first = "" if len(folders) == 1 else " being the first"
        raise InvalidArgument(
            f"the list holds {held}, {folders[0]}{first}: a list names files; leave folders out "
            "(find has -type f) or index them as such",
            parameter="files",
            value=folders[0],
            hint=Hint("index folder"),
        )


def none_there(listed: Sequence[str]) -> PathNotFound:
    """Return the error that of a list of files there is not one."""
    return PathNotFound(
        f"none of the {len(listed):,} listed files is there, {listed[0]} being the first: "
        "check the names, or mount their disk",
        parameter="files",
        value=tuple(listed),
    )


def not_there(written: str) -> PathNotFound:
    """Return what to raise for a named path that leads nowhere."""
    if os.path.islink(_plain(written)):
        target = os.path.realpath(_plain(written))
        return PathNotFound(
            f"{written} is a symbolic link to {target}, which is not there: "
            "check the link, or mount its disk",
            parameter="paths",
            value=written,
        )
    return PathNotFound(
        f"there is no file or folder {os.path.abspath(_plain(written))}: check the path, or mount "
        "its disk",
        parameter="paths",
        value=written,
    )


def _plain(written: str) -> str:
    """Return a path as the system takes it, a link as the link that it is."""
    return os.path.expanduser(written).rstrip(os.sep) or os.sep


def _known_root(root: Root) -> Scope:
    if is_mounted(root.path):
        return Scope(root, root.path)
    notice = (
        f"{root.path} is empty or not there (not mounted?): its files are kept as missing and "
        "come back with it; where it is gone for good, remove it from the library"
    )
    return Scope(root, root.path, notice)


def _apart(found: Iterable[Scope]) -> list[Scope]:
    """Leave out scopes inside others, so that no file is looked at twice."""
    kept: list[Scope] = []
    for scope in sorted(set(found), key=lambda scope: os.fsencode(os.path.join(scope.place, ""))):
        if not kept or not is_under(scope.place, kept[-1].place):
            kept.append(scope)
    return kept
