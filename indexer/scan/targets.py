"""The targets of a run: from the paths that a user gives to roots and folders to index."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from indexer.scan.walk import FileRun, Scan
from storage.errors import Hint, InvalidArgument, PathNotFound
from storage.records import Root
from storage.tables import files
from storage.tables.files import is_under
from storage.tables.roots import Roots, is_mounted


@dataclass(frozen=True, slots=True)
class Target:
    """A part of a root to compare with the catalogue: a folder, a file, or known files."""

    root: Root
    path: str
    notice: str | None = None  # why known files may not be found there

    @property
    def is_walked(self) -> bool:
        """Return whether every file in it is looked for, and not those alone that are known."""
        return self.root.walked and os.path.isdir(self.path)

    def runs(self, scan: Scan, known: Iterable[str]) -> Iterator[FileRun]:
        """Yield the files of the target, in byte order of their paths."""
        if self.is_walked:
            yield from scan.runs(self.path)
            return
        one = os.path.isfile(self.path)
        for path in (self.path,) if one else known:
            if not scan.excludes(path):
                yield from scan.run_of(path)


class TargetResolver:
    """Resolves the targets of a run, and adds new roots.

    `not_found` collects listed names that do not exist, `links` named paths that are symbolic
    links, each with its target.
    """

    def __init__(self, connection: Connection, library: str) -> None:
        self._connection, self._library = connection, library
        self._roots = Roots(connection)
        self.not_found: list[str] = []
        self.links: dict[str, str] = {}

    def resolve(self, paths: tuple[str, ...], listed: tuple[str, ...] | None) -> list[Target]:
        """Return the targets of these paths, or of every known root; raises PathNotFound.

        `listed` are files, added one by one; their folder becomes a root that is not walked.
        Missing ones are skipped unless all are missing; a folder among them raises
        InvalidArgument, as does an empty name.
        """
        if listed is not None:
            check_listed(listed)
            found = _without_nested(self._listed(listed))
            if listed and not found:
                raise none_there(listed)
            return found
        if paths:
            return _without_nested([self._scope(path) for path in paths])
        return [_known_root(root) for root in self._roots]

    def _listed(self, written: tuple[str, ...]) -> Iterator[Target]:
        for name in written:
            path = self._resolved(name)
            if os.path.isfile(os.path.expanduser(name)):  # which `a.png/` is not
                yield self._file(path)
                continue
            self.not_found.append(name)
            self.links.pop(name, None)  # the link was not followed to a file
            root = self._remembering_root(path, below=False)
            if root is not None:  # a known file, not a folder
                yield Target(root, path)

    def _scope(self, written: str) -> Target:
        path = self._resolved(written)
        if os.path.isdir(path):
            self._check_outside(path)
            return Target(self._roots.enter(path, walked=True), path)
        if os.path.isfile(path):
            return self._file(path)
        known = self._roots.at(path)
        if known is not None:
            return _known_root(known)
        root = self._remembering_root(path)
        if root is not None:
            return Target(root, path)  # it existed once: its known files are missing now
        raise not_there(written)

    def _file(self, path: str) -> Target:
        self._check_outside(path)
        return Target(self._roots.enter(os.path.dirname(path), walked=False), path)

    def _check_outside(self, path: str) -> None:
        if is_under(path, self._library):
            raise InvalidArgument(
                f"{path} is part of the library itself: index another folder",
                parameter="paths",
                value=path,
            )

    def _remembering_root(self, path: str, below: bool = True) -> Root | None:
        """Return the root with known files at a path, or also `below` it."""
        for root in (self._roots.owner(path), self._roots.at(os.path.dirname(path))):
            if root is not None and files.any_known(self._connection, root, path, below):
                return root
        return None

    def _resolved(self, written: str) -> str:
        """Return the real path of a name: a link that the user names is followed."""
        check_name(written)
        target = os.path.realpath(os.path.expanduser(written))
        if os.path.islink(_plain(written)):
            self.links[written] = target
        return target


def check_name(written: str) -> None:
    """Raise InvalidArgument for an invalid path; an empty one does not mean the current folder."""
    if not written or "\0" in written:
        what = "holds a zero byte" if written else "is empty"
        raise InvalidArgument(
            f"a path {what}: name a file or a folder", parameter="paths", value=written
        )


def check_listed(written: Sequence[str]) -> None:
    """Raise InvalidArgument if a list of files contains a folder or an empty name."""
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
    """Return the error for a list of files of which none exists."""
    return PathNotFound(
        f"none of the {len(listed):,} listed files is there, {listed[0]} being the first: "
        "check the names, or mount their disk",
        parameter="files",
        value=tuple(listed),
    )


def not_there(written: str) -> PathNotFound:
    """Return the error for a named path that does not exist."""
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
    """Return a path as the system takes it, without resolving links."""
    return os.path.expanduser(written).rstrip(os.sep) or os.sep


def _known_root(root: Root) -> Target:
    if is_mounted(root.path):
        return Target(root, root.path)
    notice = (
        f"{root.path} is empty or not there (not mounted?): its files are kept as missing and "
        "come back with it; where it is gone for good, remove it from the library"
    )
    return Target(root, root.path, notice)


def _without_nested(found: Iterable[Target]) -> list[Target]:
    """Return the targets that are not inside others, so that no file is indexed twice."""
    kept: list[Target] = []
    for target in sorted(set(found), key=lambda target: os.fsencode(os.path.join(target.path, ""))):
        if not kept or not is_under(target.path, kept[-1].path):
            kept.append(target)
    return kept
