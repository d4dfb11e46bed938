"""How a catalogue may be opened: to be written, to be read beside a writer, or as it lies.

SQLite reads a database in WAL mode through two files beside it, the log of changes (`-wal`) and
its index (`-shm`), which are there while anybody has it open. Who may not write reads through them
if both are there; if there is no log, nobody has the database open, and it is read as a file that
does not change, without locks (sqlite.org/wal.html, "Read-Only Databases"; sqlite.org/uri.html).
They are never made by one who only reads: left behind, they could shut the owner out.
"""

import os
from pathlib import Path
from typing import Literal, NamedTuple

Access = Literal["write", "read", "immutable"]
_PARAMETERS = {"read": "mode=ro", "immutable": "mode=ro&immutable=1"}


class FileState(NamedTuple):
    """What changes about a catalogue when somebody writes it.

    A log that is empty, or not there, is None; `shared` says that its index lies beside it, as it
    does while somebody has the catalogue open.
    """

    file: tuple[int, int, int, int]  # inode, bytes, nanoseconds of change of content and of inode
    log: tuple[int, int] | None  # bytes, nanoseconds
    shared: bool


def is_writable(path: Path) -> bool:
    """Return whether this user may write a catalogue and make files beside it.

    Asked of the system (POSIX.1-2024, `access`), which knows of read-only mounts, also for root.
    The file is not opened: to close it again would drop SQLite's own locks on it.
    """
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def uri(path: Path, access: Access) -> str:
    """Write the address under which SQLite opens a catalogue to be read."""
    return f"{path.absolute().as_uri()}?{_PARAMETERS[access]}"


def state(path: Path) -> FileState:
    """Return what can be seen of a catalogue from outside; raises OSError where it is not there."""
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
