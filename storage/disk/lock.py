"""The writer's lock: one thread of one process writes to a library, readers never wait.

The operating system holds it between processes (flock), so it is released when its process ends
in any way. The file is opened close-on-exec and worker processes are spawned, so none inherits it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, get_ident

from storage import fork
from storage.errors import LibraryError, LibraryInUse

_PATIENCE = 0.3  # seconds: a search holds the lock for a few milliseconds, to keep a vector


class WriterLock:
    """The lock of one library: first among the threads of this process, then among processes."""

    def __init__(self, path: Path, holder: Callable[[], str]) -> None:
        """Take the lock's file, and what names the process that holds it."""
        self._path, self._holder = path, holder
        self._turn = Lock()
        self._writer: int | None = None  # the thread whose turn it is

    @contextmanager
    def held(self, wait: bool = True) -> Iterator[None]:
        """Hold the lock during the block; raises LibraryInUse.

        Where another thread holds it, this one waits, or raises if not to `wait`; for another
        process it waits just long enough for a search to keep its words. A child that is
        forked meanwhile is refused: whose turn it is was copied, and nobody is there to end it.
        """
        library = self._path.parent
        with fork.guard():
            if self._writer == get_ident():
                raise LibraryInUse(
                    f"the library {library} is in use by this call, which still writes: change "
                    "the library after it"
                )
            if not self._turn.acquire(blocking=wait):
                raise LibraryInUse(
                    f"the library {library} is in use by another thread: try again when it is done"
                )
            self._writer = get_ident()
            try:
                with hold(self._path, self._holder, _PATIENCE if wait else 0):
                    yield
            finally:
                self._writer = None
                self._turn.release()


@contextmanager
def hold(path: Path, holder: Callable[[], str], seconds: float) -> Iterator[None]:
    """Hold the lock among processes; raises LibraryInUse where it is not free within `seconds`."""
    # This library costs more to import than a query to answer.
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=seconds)
    try:
        lock.acquire()
    except Timeout:
        raise LibraryInUse(
            f"the library {path.parent} is in use{holder()}; try again when it is done"
        ) from None
    except OSError as error:
        raise LibraryError(
            f"the lock {path} cannot be taken ({error.strerror}): check the rights of the file"
        ) from error
    try:
        yield
    finally:
        lock.release()
