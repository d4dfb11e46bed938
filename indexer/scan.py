"""Walking folders: which files are there, in one order that the catalogue shares."""

import os
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatch

from storage.files import Sighting
from storage.records import Root

_MOST_NS = 2**63 - 1
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
            self._cannot(folder, error)
            return
        for entry in entries:
            if self._skips(entry):
                continue
            if _is_folder(entry):
                yield from self.files(entry.path)
            else:
                yield from self.file(entry.path)

    def file(self, path: str) -> Iterator[Sighting]:
        """See one regular file, or nothing if it is none or went away meanwhile."""
        try:
            seen = os.lstat(path)
        except FileNotFoundError:
            return
        except OSError as error:
            self._cannot(os.path.dirname(path), error)
            return
        if stat.S_ISREG(seen.st_mode):
            # Dates far off, which some file systems hold, go beyond what a database can.
            mtime_ns = max(-_MOST_NS, min(seen.st_mtime_ns, _MOST_NS))
            yield Sighting(self._root.id, path, seen.st_size, mtime_ns)

    def _cannot(self, folder: str, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            self.unreadable[folder] = error.strerror or str(error)

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
            if _is_folder(entry):
                found += self.count(entry.path, stop)
            else:
                found += not entry.is_symlink()
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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # then looking at it as a file says what is wrong
        return False


def _order(entry: os.DirEntry[str]) -> bytes:
    # With its separator a folder sorts where its files' full paths do: "a.txt" before "a/b".
    name = os.fsencode(entry.name)
    return name + os.fsencode(os.sep) if _is_folder(entry) else name
