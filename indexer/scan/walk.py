"""The walk of folders: their files in the same order as in the catalogue.

The walk keeps a list of open folders instead of recursing, so that folders may be nested at any
depth. Files below the limit of a path (PATH_MAX, 4,096 bytes on Linux) cannot be opened by any
program; their folder counts as unreadable.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from indexer.scan.excludes import Excludes
from indexer.scan.file_systems import FileSystems, StableStat
from storage.records import Root
from storage.tables.file_state import FileSeen

_MOST_NS = 2**63 - 1
_SEPARATOR = os.fsencode(os.sep)
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


@dataclass(slots=True)
class LeftOut:
    """The numbers of entries skipped in the walked folders, each counted once."""

    links: int = 0  # symbolic ones
    hidden: int = 0  # their names begin with a dot
    system: int = 0  # of `SYSTEM_FOLDERS`
    excluded: int = 0

    def __add__(self, other: "LeftOut") -> "LeftOut":
        names = (field.name for field in fields(self))
        return LeftOut(*(getattr(self, name) + getattr(other, name) for name in names))


class Scan:
    """Walks a root in the byte order of full paths; symbolic links are not followed.

    Folders that cannot be listed are gathered in `unreadable` with the reason, what was passed
    over is counted in `left_out`.
    """

    def __init__(
        self,
        root: Root,
        excludes: Excludes | None = None,
        avoid: str = "",
        file_systems: FileSystems | None = None,
        named: str = "",
    ) -> None:
        """Create a scan that leaves out the library at `avoid` and excluded names in `named`."""
        self._root = root
        self._patterns = excludes or Excludes()
        folder = named if self._patterns.given and os.path.isdir(named) else None
        self._excludes = self._patterns.of(root.path, folder)
        self._avoid = avoid  # the library's own folder
        self._file_systems = file_systems or FileSystems({})
        self.unreadable: dict[str, str] = {}
        self.left_out = LeftOut()
        self.met = False  # whether anything was there that a pattern might have matched

    def files(self, folder: str) -> Iterator[FileSeen]:
        """Yield the regular files under a folder of the root."""
        for path, stable in self._walk(folder):
            yield from self._seen(path, stable)

    def file(self, path: str) -> Iterator[FileSeen]:
        """Yield one regular file, or nothing if it is none or went away meanwhile."""
        yield from self._seen(path, self._file_systems.of(path))

    def excludes(self, path: str, is_folder: bool = False) -> bool:
        """Return whether a path, or a folder it is in, matches an exclude pattern."""
        return self._excludes.cover(path, is_folder)

    def count(self, folder: str, stop: Callable[[], bool]) -> int:
        """Count the files under a folder by their listings alone; gives up early on `stop`."""
        found, waiting = 0, [] if self.excludes(folder, is_folder=True) else [folder]
        while waiting and not stop():
            folder = waiting.pop()
            for entry in self._entries(folder):
                if entry.endswith(_SEPARATOR):
                    waiting.append(os.path.join(folder, _name(entry)))
                else:
                    found += 1
        return found

    def is_hidden_by_error(self, path: str) -> bool:
        """Return whether a path is in a folder that could not be listed."""
        while self.unreadable and (parent := os.path.dirname(path)) != path:
            if parent in self.unreadable:
                return True
            path = parent
        return False

    def _walk(self, folder: str) -> Iterator[tuple[str, StableStat]]:
        """Yield the entries under a folder that are no folders, in byte order of full paths."""
        if self.excludes(folder, is_folder=True):
            self.left_out.excluded += 1
            return
        stable = self._file_systems.of(folder)
        waiting = [(folder, stable, self._entries(folder))]  # a folder's entries, the last first
        while waiting:
            folder, stable, entries = waiting[-1]
            if not entries:
                waiting.pop()
                continue
            entry = entries.pop()
            path = os.path.join(folder, _name(entry))
            if entry.endswith(_SEPARATOR):
                inside = self._file_systems.mounted_at(path) or stable
                waiting.append((path, inside, self._entries(path)))
            else:
                yield path, stable

    def _entries(self, folder: str) -> list[bytes]:
        """List the names in a folder that are looked at, the last in byte order first.

        A folder's ends in a separator, by which it sorts where the paths in it do: the catalogue,
        too, has "a.txt" before "a/b".
        """
        try:
            with os.scandir(folder) as listing:
                found = [_entry(entry) for entry in listing if not self._skips(entry)]
        except OSError as error:
            self._cannot(folder, error)
            return []
        return sorted(found, reverse=True)

    def _skips(self, entry: "os.DirEntry[str]") -> bool:
        """Count what is passed over; by patterns first, so that it is known which of them match."""
        left = self.left_out
        self.met = True
        if entry.path == self._avoid:
            return True
        if self._patterns.given and self._excludes.leave_out(entry.path, _is_folder(entry)):
            left.excluded += 1
        elif entry.name.startswith("."):
            left.hidden += 1
        elif entry.name in SYSTEM_FOLDERS:
            left.system += 1
        elif _is_link(entry):
            left.links += 1
        else:
            return False
        return True

    def _seen(self, path: str, stable: StableStat) -> Iterator[FileSeen]:
        try:
            seen = os.lstat(path)
        except FileNotFoundError:
            return
        except OSError as error:
            self._cannot(os.path.dirname(path), error)
            return
        if stat.S_ISREG(seen.st_mode):
            self.met = True
            yield FileSeen(
                self._root.id,
                path,
                seen.st_size,
                _storable(seen.st_mtime_ns),
                _storable(seen.st_ctime_ns) if stable.ctime else None,
                str(seen.st_ino) if stable.inode else None,
            )

    def _cannot(self, folder: str, error: OSError) -> None:
        if error.errno == errno.ENAMETOOLONG:
            self.unreadable[folder] = "its path is too long for the system: move it further up"
        elif not isinstance(error, FileNotFoundError):
            self.unreadable[folder] = error.strerror or str(error)


def _storable(nanoseconds: int) -> int:
    # Dates far off, which some file systems hold, go beyond what a database can.
    return max(-_MOST_NS, min(nanoseconds, _MOST_NS))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # then looking at it as a file says what is wrong
        return False


def _is_link(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_symlink()
    except OSError:
        return False


def _name(entry: bytes) -> str:
    return os.fsdecode(entry.removesuffix(_SEPARATOR))


def _entry(entry: "os.DirEntry[str]") -> bytes:
    name = os.fsencode(entry.name)
    return name + _SEPARATOR if _is_folder(entry) else name
