"""The SQLite file that is the truth: how it is opened, read and written.

WAL with `synchronous=FULL`: a commit that returned survives a power cut. Reads are snapshots
that never wait; writes begin IMMEDIATE, so two writers queue instead of failing half-way.
Pages are 16 KB, which keeps a 1 KB vector in its row.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from storage.errors import DiskFull, LibraryDamaged, LibraryError, LibraryInUse
from storage.filters import fold_case

HEAD = "0004"  # the newest migration; a test compares it with the scripts
_PAGE_BYTES = 16384
_BUSY_MS = 30_000


class Catalogue:
    """One open catalogue file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one unchanging state of the catalogue."""
        with _translated(self.path), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are all committed at the end, or none are."""
        with _translated(self.path), self._engine.connect() as plain:
            connection = plain.execution_options(sightline_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    # Not by a URL's text: a path may hold "?" and "#".
    address = URL.create("sqlite", database=str(path))
    engine = create_engine(address, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        # SQLite itself folds the letters of ASCII alone.
        connection.create_function("fold_case", 1, _fold_case, deterministic=True)
        for pragma in (
            f"page_size={_PAGE_BYTES}",
            f"busy_timeout={_BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "mmap_size=268435456",
        ):
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
    """Turn what SQLite says into the words of our own tree."""
    try:
        yield
    except DatabaseError as error:
        known = _known(path, getattr(error.orig, "sqlite_errorcode", 0) & 0xFF, str(error.orig))
        if known is None:
            raise
        raise known from error


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
