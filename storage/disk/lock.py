"""The writer's lock: one process writes to a library, readers never wait.

The operating system holds it (flock), so it is released when its process ends in any way.
The file is opened close-on-exec and worker processes are spawned, so none inherits it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from storage.errors import LibraryError, LibraryInUse


@contextmanager
def hold(path: Path, holder: Callable[[], str]) -> Iterator[None]:
    """Hold the lock during the block; raises LibraryInUse with the text of `holder`."""
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LibraryInUse(
            f"the library {path.parent} is in use{holder()}; "
            "wait for it or stop it, then run the command again"
        ) from None
    except OSError as error:
        raise LibraryError(
            f"the lock {path} cannot be taken ({error.strerror}): check the rights of the file"
        ) from error
    try:
        yield
    finally:
        lock.release()
