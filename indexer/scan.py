"""Walking folders: which files are there, in one order that the catalogue shares."""

import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatch

from storage.files import Sighting
from storage.records import Root

# Made by systems and programs for themselves; names that begin with a dot are skipped anyway.
SYSTEM_FOLDERS = frozenset(
    (
        "@eaDir",  # Synology's thumbnails
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "__MACOSX",
        "node_modules",
        "__pycache__",
    )
)


class Scan:
    """Walks a root in the byte order of full paths; symbolic links are not followed.

    `exclude` are globs, matched against names and against paths relative to the root.
    Folders that cannot be listed are gathered in `unreadable` with the reason.
    """

    def __init__(self, root: Root, exclude: tuple[str, ...] = (), avoid: str = "") -> None:
        self._root = root
        self._exclude = exclude
        self._avoid = avoid  # the library's own folder
        self.unreadable: dict[str, str] = {}

    def files(self, folder: str) -> Iterator[Sighting]:
        """Find the regular files under a folder of the root."""
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=_order)
        except OSError as error:
            if os.path.lexists(folder):
                self.unreadable[folder] = error.strerror or str(error)
            return
        for entry in entries:
            if self._skips(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self.files(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield from sight(self._root, entry.path, entry.stat)

    def count(self, folder: str, stop: Callable[[], bool]) -> int:
        """Count the files under a folder by their listings alone; gives up early on `stop`."""
        found = 0
        try:
            with os.scandir(folder) as listing:
                entries = [entry for entry in listing if not self._skips(entry)]
        except OSError:
            return 0
        for entry in entries:
            if stop():
                break
            if entry.is_dir(follow_symlinks=False):
                found += self.count(entry.path, stop)
            else:
                found += entry.is_file(follow_symlinks=False)
        return found

    def _skips(self, entry: os.DirEntry[str]) -> bool:
        if entry.name.startswith(".") or entry.name in SYSTEM_FOLDERS or entry.path == self._avoid:
            return True
        relative = os.path.relpath(entry.path, self._root.path) if self._exclude else ""
        return any(
            fnmatch(entry.name, glob) or fnmatch(relative, glob.rstrip("/"))
            for glob in self._exclude
        )

    def is_hidden_by_error(self, path: str) -> bool:
        """Tell whether a path lies in a folder that could not be listed."""
        return any(path.startswith(folder + os.sep) for folder in self.unreadable)


def sight(root: Root, path: str, stat: Callable[..., os.stat_result]) -> Iterator[Sighting]:
    """See one file, or nothing if it went away between being listed and looked at."""
    try:
        seen = stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    yield Sighting(root.id, path, seen.st_size, seen.st_mtime_ns)


def _order(entry: os.DirEntry[str]) -> bytes:
    # With its separator a folder sorts where its files' full paths do: "a.txt" before "a/b".
    name = os.fsencode(entry.name)
    return name + os.fsencode(os.sep) if entry.is_dir(follow_symlinks=False) else name
