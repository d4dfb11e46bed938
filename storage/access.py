"""The ways to open a catalogue: for writing, for reading beside a writer, or as an immutable file.

SQLite reads a database in WAL mode through two files beside it, the log of changes (`-wal`) and
its index (`-shm`), which exist while any process has it open. A user without write access reads
through them if both exist; if there is no log, no process has the database open, and it is read as
an immutable file without locks (sqlite.org/wal.html, "Read-Only Databases"; sqlite.org/uri.html).
A reader never creates these files: left behind, they could lock the owner out.
"""

import os
from pathlib import Path
from typing import Literal, NamedTuple

Access = Literal["write", "read", "immutable"]
_PARAMETERS = {"read": "mode=ro", "immutable": "mode=ro&immutable=1"}


class FileState(NamedTuple):
    """The file properties of a catalogue that change when it is written.

    `log` is None if the log is empty or missing; `shared` is True if its index exists, as it does
    while a process has the catalogue open.
    """

    file: tuple[int, int, int, int]  # inode, bytes, nanoseconds of change of content and of inode
    log: tuple[int, int] | None  # bytes, nanoseconds
    shared: bool


def is_writable(path: Path) -> bool:
    """Return whether this user may write a catalogue and create files beside it.

    Uses `access` (POSIX.1-2024), which takes read-only mounts into account, also for root. The
    file is not opened: closing it again would drop SQLite's own locks on it.
    """
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def uri(path: Path, access: Access) -> str:
    """Return the URI by which SQLite opens a catalogue for reading."""
    return f"{path.absolute().as_uri()}?{_PARAMETERS[access]}"


def state(path: Path) -> FileState:
    """Return the state of a catalogue's files; raises OSError if it does not exist."""
    found = os.stat(path)
    times = found.st_mtime_ns, found.st_ctime_ns
    log = _log(path)
    shared = all(os.path.exists(f"{path}{ending}") for ending in ("-wal", "-shm"))
    return FileState((found.st_ino, found.st_size, *times), log, shared)


def _log(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(f"{path}-wal")
    except FileNotFoundError:
        return None
    return (found.st_size, found.st_mtime_ns) if found.st_size else None
