"""The library folder: the catalogue, the files derived from it, and the methods on both."""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, func, inspect, select, text

from storage import active_space, removal, schema
from storage.catalogue import HEAD, Catalogue, read_only
from storage.disk.lock import WriterLock
from storage.errors import (
    Hint,
    InvalidArgument,
    ItemNotFound,
    LibraryError,
    LibraryNotFound,
    LibraryReadOnly,
    LibraryTooNew,
    NotALibrary,
)
from storage.index import builds
from storage.index.search import VectorSearch
from storage.paths import LibraryPaths, expand_home, folder_size
from storage.records import Build, Failure, Item, Kind, Root, Space, SpaceCount, Status
from storage.removal import Removal
from storage.tables import files, items, roots, runs, spaces
from storage.thumbnails import Thumbnails

SHORTEST_REFERENCE = 6  # hexadecimal digits that may stand for an item
_HASH = re.compile(rf"^[0-9a-f]{{{SHORTEST_REFERENCE},64}}$")


class Library:
    """An open library; made by `create`, `open` or `open_or_create`, closed by `close`.

    `notices` holds what was repaired or worked around to open it, for the caller to show.
    """

    def __init__(self, path: Path) -> None:
        self.paths = LibraryPaths(path)
        self.notices: list[str] = []
        self.catalogue = Catalogue(self.paths.catalogue)
        self.thumbnails = Thumbnails(self.paths.thumbnails)
        self._searches: dict[tuple[int, Kind], VectorSearch] = {}
        self._lock = WriterLock(self.paths.lock, self._holder)

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Create a library in a folder that does not exist or is empty; raises NotALibrary."""
        folder = expand_home(path)
        try:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise NotALibrary(f"{folder} is not empty: choose a new folder for the library")
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryError(
                f"the library {folder} cannot be made ({error.strerror}): choose another folder"
            ) from error
        return cls._opened(folder)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a library, bringing it to the newest schema.

        One that this user cannot write is opened to be read. Raises LibraryNotFound, NotALibrary,
        LibraryTooNew, LibraryDamaged or LibraryReadOnly.
        """
        folder = expand_home(path)
        if not _exists(folder):
            raise LibraryNotFound(
                f"there is no library at {folder}: index a folder to make one",
                hint=Hint("index folder"),
            )
        if not _is_library(folder):
            raise NotALibrary(f"{folder} holds no catalogue.sqlite3: it is no library")
        return cls._opened(folder)

    @classmethod
    def open_or_create(cls, path: str | Path) -> Self:
        """Open the library at a path, or create it if there is nothing yet."""
        folder = expand_home(path)
        if _exists(folder) and _is_library(folder):
            return cls.open(folder)
        return cls.create(folder)

    @classmethod
    def _opened(cls, folder: Path) -> Self:
        library = cls(folder)
        try:
            library._migrate()
        except BaseException:
            library.close()
            raise
        return library

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalogue."""
        self.catalogue.close()

    @property
    def path(self) -> Path:
        """Return the folder of the library."""
        return self.paths.root

    def _migrate(self) -> None:
        version = self._version()
        if self.catalogue.read_only:
            self._check_readable(version)
        if version == HEAD:
            return
        with self._locked():
            # Alembic costs half a second to import, and an up-to-date library has no need of it.
            from storage import migrate

            version = self._version()  # once more: another process may have been first
            copy = None if version == HEAD else migrate.upgrade(self.catalogue, version)
        if copy is not None:
            self.notices.append(f"brought the library to schema {HEAD}; the old one is {copy.name}")

    def _check_readable(self, version: str | None) -> None:
        """Add a notice that the library is read-only; raises LibraryReadOnly for an old schema."""
        if version != HEAD:
            raise LibraryReadOnly(
                f"the library {self.path} is of schema {version} and has to be brought to {HEAD} "
                "before it is read, and it cannot be written here: open it once where it can, or "
                "copy the folder there",
                hint=Hint("show status"),
            )
        self.notices.append(f"the library {self.path} cannot be written here: it is only read")

    def _version(self) -> str | None:
        """Return the schema version, None for a new library; raises NotALibrary, LibraryTooNew."""
        with self.catalogue.reading() as connection:
            tables = set(inspect(connection).get_table_names())
            known = "alembic_version" in tables
            asked = text("SELECT version_num FROM alembic_version")
            version = connection.scalar(asked) if known else None
        if version is None:
            if tables:
                raise NotALibrary(f"{self.paths.catalogue} is a database of some other program")
            return None
        if version != HEAD:
            from storage import migrate

            if not migrate.knows(version):
                raise LibraryTooNew(
                    f"the library {self.path} was written by a newer version (schema {version}, "
                    f"this one reads up to {HEAD}): update sightline"
                )
        return str(version)

    @contextmanager
    def _locked(self, wait: bool = True) -> Iterator[None]:
        if self.catalogue.read_only:
            raise read_only(self.catalogue.path)
        with self._lock.held(wait):
            yield

    def _holder(self) -> str:
        with self.catalogue.reading() as connection:
            if not inspect(connection).has_table("runs"):
                return " by another process"
            return runs.holder(connection)

    @contextmanager
    def writing(self, command: str, wait: bool = True) -> Iterator[dict[str, object]]:
        """Hold the library as its one writer; yields a mapping that is stored with the run.

        Where another thread writes, this one waits, or raises LibraryInUse if not to `wait`, as it
        does where another process writes or this thread does already.
        """
        counts: dict[str, object] = {}
        process = os.getpid()
        with self._locked(wait):
            with self.catalogue.writing() as connection:
                run = runs.begin(connection, command)
            outcome = "failed"
            try:
                yield counts
                outcome = "done"
            except KeyboardInterrupt:
                outcome = "interrupted"
                raise
            finally:
                if os.getpid() == process:  # a child that was forked meanwhile ends no run
                    with self.catalogue.writing() as connection:
                        runs.end(connection, run, outcome, counts)

    @contextmanager
    def caching(self) -> Iterator[Connection]:
        """Yield a connection for what can be computed again; it waits for nobody, and is no run.

        Raises LibraryInUse where anybody writes, and what `Catalogue.caching` raises.
        """
        with self._locked(wait=False), self.catalogue.caching() as connection:
            yield connection

    def status(self) -> Status:
        """Return the counts of the library."""
        with self.catalogue.reading() as connection:
            hits = schema.items.c.kind.in_(("image", "text"))
            counted = active_space.counts(connection)
            return Status(
                path=str(self.path),
                items=connection.scalar(select(func.count()).where(hits)) or 0,
                files=connection.scalar(select(func.count()).select_from(schema.files)) or 0,
                missing=files.count_missing(connection),
                excluded=files.count_excluded(connection),
                failures=(connection.scalar(select(func.count()).select_from(schema.failures)) or 0)
                + len(files.partly_read(connection)),
                current=counted[0].space.name if counted else None,
                spaces=counted,
                builds=builds.every(connection),
                bytes=folder_size(self.path),
            )

    def is_empty(self) -> bool:
        """Return whether the library has no items."""
        with self.catalogue.reading() as connection:
            return connection.execute(select(schema.vectors.c.id).limit(1)).first() is None

    def space(self) -> Space | None:
        """Return the current space, by which searches go; None before the first index run."""
        with self.catalogue.reading() as connection:
            known = spaces.every(connection)
        return known[0] if known else None

    def spaces(self) -> tuple[SpaceCount, ...]:
        """Return the spaces of the library with their numbers of vectors, the current one first."""
        with self.catalogue.reading() as connection:
            return active_space.counts(connection)

    def use(self, name: str, quantized: bool | None = None) -> Space:
        """Make the space of a model the current one, immediately and for every process.

        That is the latest one, or the latest of those `quantized` or not. Raises ModelMismatch
        where the library has none of it, or not all of them yet.
        """
        with self.writing("use"), self.catalogue.writing() as connection:
            return active_space.use(connection, name, quantized)

    def prune(self, names: Collection[str]) -> None:
        """Delete the vectors of these models and everything derived from them.

        Interrupted, it can be run again. Raises InvalidArgument for a model that is in use or
        that the library does not know.
        """
        with self.writing("models prune"):
            gone = {
                space.id for space in active_space.prune(self.catalogue, self.paths.index, names)
            }
        for key in list(self._searches):  # other threads add to them meanwhile
            if key[0] in gone:
                self._searches.pop(key, None)

    def roots(self) -> list[Root]:
        """List the roots: folders that were indexed."""
        with self.catalogue.reading() as connection:
            return roots.every(connection)

    def failures(self, under: str | None = None) -> list[Failure]:
        """List files that could not be used whole, in path order, of a folder or of the library."""
        with self.catalogue.reading() as connection:
            return _failures(connection, under)

    def find(self, reference: str) -> Item:
        """Find an item by the beginning of its hash or by a path; raises ItemNotFound."""
        if not reference:
            raise InvalidArgument(
                "the name of an item is empty: give a path, or digits of its hash"
            )
        with self.catalogue.reading() as connection:
            table = schema.files
            reference = reference.replace("\0", "�")  # which no path has
            path = os.path.abspath(os.path.expanduser(reference))
            candidates = [path, os.path.realpath(path)]
            found = connection.scalars(
                select(table.c.item_id).where(table.c.path.in_(candidates)).limit(1)
            ).all()
            if not found and _HASH.match(reference.lower()):
                found = items.find(connection, reference.lower())
            if not found:
                raise ItemNotFound(
                    f"no item or file of the library is called {reference!r}: give a path that was "
                    f"indexed, or at least {SHORTEST_REFERENCE} digits of an item's hash"
                )
            if len(found) > 1:
                raise InvalidArgument(f"{reference!r} begins more than one item: give more digits")
            return items.hydrate(connection, found)[found[0]]

    def thumbnail(self, content: str) -> bytes | None:
        """Read the WebP thumbnail of a content hash; None if there is none."""
        return self.thumbnails.read(content)

    def nearest(self, space_id: int, kind: Kind) -> VectorSearch:
        """Return the vector search of a kind in a space; its index is opened once and kept."""
        key = space_id, kind
        known = self._searches.get(key)
        if known is None:
            known = self._searches.setdefault(  # another thread may have been first
                key,
                VectorSearch(
                    self.paths.index,
                    space_id,
                    kind,
                    lambda build, reason: self._rebuild(key, build, reason),
                ),
            )
        return known

    def _rebuild(self, key: tuple[int, Kind], build: Build, reason: str) -> str | None:
        try:
            with self.writing("rebuild an index file", wait=False):
                with self.catalogue.reading() as connection:
                    now = builds.registered(connection, *key)
                if now is not None and now.id != build.id:
                    return None  # it was replaced while the question was asked
                builds.make(self.catalogue, self.paths.index, *key)
        except (LibraryError, OSError):  # in use, full or not ours to write
            return f"{reason}; the stored vectors answered, the index comes later"
        return f"{reason}; it was made again from the stored vectors"

    def refresh_builds(self, space_id: int, index_kind: str | None = None) -> None:
        """Rebuild the index files that need it; the caller holds the lock.

        An `index_kind` other than the one chosen before is built at once, for any number of
        vectors, and kept; "auto" leaves the choice to their number. Raises InvalidArgument.
        """
        builds.refresh(self.catalogue, self.paths.index, space_id, index_kind)

    def plan_remove(self, path: str) -> Removal:
        """Plan the removal of a folder or a file from the library; raises PathNotFound."""
        if not path:
            raise InvalidArgument("the path to remove is empty: name a file or a folder")
        with self.catalogue.reading() as connection:
            return removal.plan_remove(connection, os.path.realpath(os.path.expanduser(path)))

    def plan_forget(self) -> Removal:
        """Plan to forget missing files, except those under roots that are not mounted."""
        with self.catalogue.reading() as connection:
            return removal.plan_forget(connection)

    def apply(self, plan: Removal, command: str) -> None:
        """Apply a removal under the write lock; no file of the user is touched.

        Raises LibraryChanged where the plan is not what would be planned now.
        """
        with self.writing(command) as counts:
            with self.catalogue.writing() as connection:
                gone = removal.apply(connection, plan)
            counts.update(files=plan.files, items=plan.items)
            self.thumbnails.delete(gone)


def _exists(folder: Path) -> bool:
    with _permitted(folder):
        return folder.exists()


def _is_library(folder: Path) -> bool:
    with _permitted(folder):
        return LibraryPaths(folder).catalogue.is_file()


@contextmanager
def _permitted(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise LibraryError(
            f"the library {folder} cannot be looked into: ask its owner for the right to read it"
        ) from error


def _failures(connection: Connection, under: str | None = None) -> list[Failure]:
    table = schema.failures
    query = select(table)
    if under is not None:
        query = query.where(files.under(table.c.path, under))
    failed = [
        Failure(row.path, row.stage, row.reason, row.size, row.mtime_ns)
        for row in connection.execute(query)
    ]
    in_part = files.partly_read(connection, under)
    return sorted([*failed, *in_part], key=lambda failure: os.fsencode(failure.path))
