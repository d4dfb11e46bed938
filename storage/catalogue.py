"""The catalogue: the SQLite file that is the truth, and how it is opened, read and written.

WAL with `synchronous=FULL`: a commit that returned survives a power cut. Reads are snapshots
that never wait; writes begin IMMEDIATE, so two writers queue instead of failing half-way.
Pages are 16 KB, which keeps a 1 KB vector in its row.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from storage import access, fork
from storage.errors import (
    DiskFull,
    Hint,
    LibraryClosed,
    LibraryDamaged,
    LibraryError,
    LibraryInUse,
    LibraryReadOnly,
)
from storage.filters import fold_case

HEAD = "0007"  # the newest migration; a test compares it with the scripts
_PAGE_BYTES = 16384
_PATIENT, _DURABLE = "busy_timeout=30000", "synchronous=FULL"
_COMMON = (_PATIENT, "foreign_keys=ON")
_MAPPED = "mmap_size=268435456"
_PRAGMAS: dict[access.Access, tuple[str, ...]] = {
    "write": (
        f"page_size={_PAGE_BYTES}",
        *_COMMON,
        "journal_mode=WAL",
        _DURABLE,
        _MAPPED,
    ),
    "read": (*_COMMON, "query_only=ON", _MAPPED),
    # Not mapped: a file that is cut short under the map would end the process.
    "immutable": (*_COMMON, "query_only=ON"),
}
_IMPATIENT, _QUICK = "busy_timeout=0", "synchronous=NORMAL"


class Catalogue:
    """One open catalogue file; `read_only` if this user cannot write it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_only = path.exists() and not access.is_writable(path)
        self._closed = False
        self._engine: Engine | None = None
        self._state: access.FileState | None = None  # of a file that is read as it lies
        self._opening = Lock()  # the call of `fork.guard` around it keeps it out of forks
        fork.register(self)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one unchanging state of the catalogue.

        Raises LibraryInUse at the end where another user changed a file that is read as it lies,
        without SQLite's locks: what was read of it is to be thrown away then.
        """
        with fork.guard():
            before: access.FileState | None = None
            try:
                with _translated(self.path):
                    engine = self._opened()
                    before = self._state
                    with engine.connect() as connection, connection.begin():
                        yield connection
            except LibraryDamaged:
                self._check_unchanged(before)
                raise
            self._check_unchanged(before)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection whose changes are committed together at the end, or not at all."""
        if self.read_only:
            raise read_only(self.path)
        with fork.guard(), _translated(self.path), self._opened().connect() as plain:
            connection = plain.execution_options(sightline_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def caching(self) -> Iterator[Connection]:
        """Yield a connection for what can be computed again; the caller holds the lock.

        Raises LibraryInUse where another connection writes. A power cut may undo the commit, which
        is not awaited on the disk, and nothing else.
        """
        if self.read_only:
            raise read_only(self.path)
        with fork.guard(), _translated(self.path), self._opened().connect() as plain:
            connection = plain.execution_options(sightline_begin="BEGIN IMMEDIATE")
            with _as_cache(connection), connection.begin():
                yield connection

    def close(self) -> None:
        """Close the file permanently."""
        self._closed = True
        self.release()

    def release(self) -> None:
        """Close the idle connections; new ones are opened when they are needed."""
        if self._engine is not None:
            self._engine.dispose()

    def reset(self) -> None:
        """Drop the connections inherited from the parent process without closing them."""
        self._opening = Lock()
        self._engine = None

    def _opened(self) -> Engine:
        """Return the engine; raises LibraryClosed, LibraryReadOnly or LibraryError."""
        with self._opening:
            if self._closed:
                raise LibraryClosed(f"the library {self.path.parent} was closed: open it again")
            if self._state is not None and self._look() != self._state:
                self.release()
                self._engine = None
            if self._engine is None:
                self._engine = self._to_read() if self.read_only else _engine(self.path, "write")
            return self._engine

    def _to_read(self) -> Engine:
        """Open the catalogue beside other processes, or as an immutable file if there are none."""
        if not os.access(self.path, os.R_OK):
            raise LibraryError(f"{self.path} cannot be read: ask its owner for the right to")
        self._state = None
        state = self._look()
        if state.shared and _answers(engine := _engine(self.path, "read")):
            return engine
        if state.log is not None:
            raise LibraryReadOnly(
                f"the library {self.path.parent} has changes that wait to be merged and cannot be "
                "written here: open it once where it can, or copy the folder there",
                hint=Hint("show status"),
            )
        self._state = state
        return _engine(self.path, "immutable")

    def _check_unchanged(self, before: access.FileState | None) -> None:
        if before is not None and self._look() != before:
            raise LibraryInUse(
                f"{self.path} was changed by another user while it was read: try again"
            )

    def _look(self) -> access.FileState:
        try:
            return access.state(self.path)
        except OSError as error:
            raise LibraryError(f"{self.path} cannot be read ({error.strerror})") from error


@contextmanager
def _as_cache(connection: Connection) -> Iterator[None]:
    """Make a connection wait neither for a lock nor, at a commit, for the disk."""
    driver: Any = connection.connection.driver_connection
    try:
        for pragma in (_IMPATIENT, _QUICK):
            driver.execute(f"PRAGMA {pragma}")
        yield
    finally:
        for pragma in (_PATIENT, _DURABLE):
            driver.execute(f"PRAGMA {pragma}")


def _answers(engine: Engine) -> bool:
    """Return whether SQLite can read through the files beside a catalogue."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
    except OperationalError as error:
        engine.dispose()
        if _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return False
        raise
    return True


def read_only(path: Path) -> LibraryReadOnly:
    """Return the error for writing to a catalogue that this user can only read."""
    return LibraryReadOnly(
        f"the library {path.parent} can only be read here, and this would change it: ask its owner "
        "for the right to write, or copy the folder to where you may"
    )


def _engine(path: Path, how: access.Access) -> Engine:
    # Not by a URL's text: a path may hold "?" and "#".
    address = URL.create("sqlite", database=str(path))
    if how == "write":
        engine = create_engine(address, connect_args={"check_same_thread": False})
    else:
        uri = access.uri(path, how)

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(uri, uri=True, check_same_thread=False)

        engine = create_engine(address, creator=connect)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        # SQLite itself folds the letters of ASCII alone.
        connection.create_function("fold_case", 1, _fold_case, deterministic=True)
        for pragma in _PRAGMAS[how]:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("sightline_begin", "BEGIN")
        connection.exec_driver_sql(str(how))

    return engine


@lru_cache(maxsize=4096)  # a library has few cameras and many images of each
def _fold_case(text: str | None) -> str | None:
    return None if text is None else fold_case(text)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Translate SQLite's errors into those of `storage.errors`."""
    try:
        yield
    except DatabaseError as error:
        known = _known(path, _code(error), str(error.orig))
        if known is None:
            raise
        raise known from error


def _code(error: DatabaseError) -> int:
    """Return SQLite's primary result code, 0 if the driver has none."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF


def _known(path: Path, code: int, said: str) -> LibraryError | None:
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LibraryInUse(f"{path} is locked by another program: close it and try again")
        case sqlite3.SQLITE_FULL:
            return DiskFull(
                f"{path}: the disk took no more ({said}); free some space and run the command "
                "again, what was committed is kept"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LibraryDamaged(
                f"{path} cannot be read as a catalogue ({said}); put back a backup of it, or move "
                "the library folder away and index again"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return LibraryError(f"{path} cannot be opened for writing ({said}): check its rights")
        case sqlite3.SQLITE_IOERR:
            return LibraryError(
                f"{path}: the disk failed ({said}); check it, what was committed is kept"
            )
    return None
