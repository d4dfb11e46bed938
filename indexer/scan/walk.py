"""The walk of folders: their files in the same order as in the catalogue.

A file costs one `stat` and a tuple here, since most files of most runs are unchanged; whoever
needs more of one makes a `FileSeen` of it. The walk keeps a list of open folders instead of
recursing, so that folders may be nested at any depth. Files below the limit of a path (PATH_MAX,
4,096 bytes on Linux) cannot be opened by any program; their folder counts as unreadable.
"""

import errno
import os
import stat
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

from indexer.scan.excludes import Excludes
from indexer.scan.file_systems import FileSystems, StableStat
from storage.records import Root
from storage.tables.file_state import FileSeen, Looks

_MOST_NS = 2**63 - 1
_SEPARATOR = os.fsencode(os.sep)
_MOST_FILES = 1000  # of one run: a folder may hold a million
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


@dataclass(frozen=True, slots=True)
class FileRun:
    """Files that follow each other in a folder, in byte order of their paths.

    `beside_sidecars`: something in the folder is named like a sidecar, or that was not looked for;
    the sidecars themselves are for others to look at.
    """

    looks: list[Looks]
    beside_sidecars: bool


@dataclass(frozen=True, slots=True)
class _Listing:
    """The names in a folder that are looked at, in byte order; a folder's ends in a separator.

    By that it sorts where the paths in it do: the catalogue, too, has "a.txt" before "a/b".
    """

    files: list[bytes]
    folders: list[bytes]
    has_sidecars: bool

    @classmethod
    def of(cls, files: Sequence[str], folders: Sequence[str]) -> Self:
        """Sort names by their bytes."""
        has_sidecars = ".xmp\0" in "\0".join([*files, ""]).lower()
        return cls(sorted(_encoded(files)), sorted(_encoded(folders)), has_sidecars)

    def parts(self) -> Iterator[list[bytes] | bytes]:
        """Yield runs of files and the folders between them."""
        files, at = self.files, 0
        for folder in (*self.folders, None):
            end = len(files) if folder is None else bisect_left(files, folder, at)
            while at < end:
                most = min(end, at + _MOST_FILES)
                yield files[at:most]
                at = most
            if folder is not None:
                yield folder


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


_Open = tuple[str, StableStat, _Listing, Iterator[list[bytes] | bytes]]  # a folder in the walk


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
        for run in self.runs(folder):
            yield from map(self.seen, run.looks)

    def file(self, path: str) -> Iterator[FileSeen]:
        """Yield one regular file, or nothing if it is none or went away meanwhile."""
        for run in self.run_of(path):
            yield from map(self.seen, run.looks)

    def run_of(self, path: str) -> Iterator[FileRun]:
        """Yield one regular file as a run, or nothing."""
        folder, name = os.path.split(path)
        looks = self._looks(folder, [os.fsencode(name)], self._file_systems.of(path))
        if looks:
            yield FileRun(looks, beside_sidecars=True)

    def seen(self, looks: Looks) -> FileSeen:
        """Return a file of a run as it is recorded."""
        path, size, mtime, ctime, inode, _ = looks
        return FileSeen(
            self._root.id,
            os.fsdecode(path),
            size,
            _storable(mtime),
            None if ctime is None else _storable(ctime),
            None if inode is None else str(inode),
        )

    def excludes(self, path: str, is_folder: bool = False) -> bool:
        """Return whether a path, or a folder it is in, matches an exclude pattern."""
        return self._excludes.cover(path, is_folder)

    def is_hidden_by_error(self, path: str) -> bool:
        """Return whether a path is in a folder that could not be listed."""
        while self.unreadable and (parent := os.path.dirname(path)) != path:
            if parent in self.unreadable:
                return True
            path = parent
        return False

    def runs(self, folder: str) -> Iterator[FileRun]:
        """Yield the regular files under a folder of the root, in byte order of full paths."""
        if self.excludes(folder, is_folder=True):
            self.left_out.excluded += 1
            return
        waiting = [self._opened(folder, self._file_systems.of(folder))]
        while waiting:
            folder, stable, listing, parts = waiting[-1]
            part = next(parts, None)
            if part is None:
                waiting.pop()
            elif isinstance(part, bytes):
                inner = os.path.join(folder, os.fsdecode(part.removesuffix(_SEPARATOR)))
                waiting.append(self._opened(inner, self._file_systems.mounted_at(inner) or stable))
            else:
                looks = self._looks(folder, part, stable)
                if looks:
                    yield FileRun(looks, listing.has_sidecars)

    def _opened(self, folder: str, stable: StableStat) -> _Open:
        listing = self._listing(folder)
        return folder, stable, listing, listing.parts()

    def _listing(self, folder: str) -> _Listing:
        files: list[str] = []
        folders: list[str] = []
        patterns = self._patterns.given
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    name = entry.name
                    try:
                        is_file = entry.is_file(follow_symlinks=False)
                    except OSError:
                        is_file = False
                    plain = is_file and name[0] != "." and name not in SYSTEM_FOLDERS
                    if (patterns or not plain) and self._skips(entry):
                        continue
                    if is_file or not _is_folder(entry):
                        files.append(name)
                    else:
                        folders.append(name + os.sep)
        except OSError as error:
            self._cannot(folder, error)
            files, folders = [], []
        self.met = self.met or bool(files)
        return _Listing.of(files, folders)

    def _skips(self, entry: "os.DirEntry[str]") -> bool:
        """Count what is passed over; by patterns first, so that it is known which of them match."""
        left, path = self.left_out, entry.path
        self.met = True
        if path == self._avoid:
            return True
        if self._patterns.given and self._excludes.leave_out(path, _is_folder(entry)):
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

    def _looks(self, folder: str, names: list[bytes], stable: StableStat) -> list[Looks]:
        prefix = os.fsencode(os.path.join(folder, ""))
        found: list[Looks] = []
        for name in names:
            path = prefix + name
            try:
                looked = os.lstat(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._cannot(folder, error)
                continue
            if stat.S_ISREG(looked.st_mode):
                ctime = looked.st_ctime_ns if stable.ctime else None
                inode = looked.st_ino if stable.inode else None
                found.append((path, looked.st_size, looked.st_mtime_ns, ctime, inode, None))
        self.met = self.met or bool(found)
        return found

    def _cannot(self, folder: str, error: OSError) -> None:
        if error.errno == errno.ENAMETOOLONG:
            self.unreadable[folder] = "its path is too long for the system: move it further up"
        elif not isinstance(error, FileNotFoundError):
            self.unreadable[folder] = error.strerror or str(error)


def _storable(nanoseconds: int) -> int:
    # Dates far off, which some file systems hold, go beyond what a database can.
    return max(-_MOST_NS, min(nanoseconds, _MOST_NS))


def _encoded(names: Sequence[str]) -> list[bytes]:
    # All at once: no name holds a zero byte, and a call for each would tell in the sum.
    return os.fsencode("\0".join(names)).split(b"\0") if names else []


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
