"""Files opened, locked and hashed, so that they can be shown unchanged before an action."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest
from secrets import token_hex

from storage.disk.atomic import sync_folder as sync_folder
from storage.errors import FileFailure

# A symbolic link or a pipe that replaced the file since its lstat is not followed.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_WORDS = {
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EXDEV: "it would cross to another file system",
    errno.EMLINK: "the file has as many links as its file system allows",
    errno.ENAMETOOLONG: "the name would be too long",
    errno.EIO: "the disk gives errors",
}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file that is open, locked and hashed."""

    path: str
    descriptor: int
    seen: os.stat_result
    hash: str  # SHA-256 of the bytes, 64 hexadecimal digits

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode, which are equal for two paths of one file."""
        return identity(self.seen)

    def require_unchanged(self) -> None:
        """Raise a FileFailure if the path no longer leads to the bytes that were read."""
        now = lstat_regular(self.path)
        if _file_state(now) != _file_state(self.seen):
            raise FileFailure(f"{self.path} changed meanwhile: look for duplicates again")


def lstat_regular(path: str) -> os.stat_result:
    """Return the lstat of a regular file; raises a FileFailure if it is missing or no such file."""
    try:
        seen = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            raise FileFailure(
                f"{path} is not there, nor its folder: if a disk was taken away, put it back"
            ) from None
        raise FileFailure(f"{path} is not there any more") from None
    except OSError as error:
        raise FileFailure(f"{path} cannot be looked at: {os_error_text(error)}") from error
    except ValueError:  # a NUL, or half of a surrogate pair
        raise FileFailure(f"{path!r} is no path") from None
    if stat.S_ISLNK(seen.st_mode):
        raise FileFailure(f"{path} is a symbolic link, not a file of its own")
    if not stat.S_ISREG(seen.st_mode):
        raise FileFailure(f"{path} is not a regular file")
    return seen


@contextmanager
def open_verified(path: str, *, exclusive: bool) -> Iterator[OpenFile]:
    """Open, lock and hash a file; raises a FileFailure with the reason if that fails.

    A file to be dropped is locked `exclusive`, a keeper shared. So a concurrent apply that wants
    the opposite fails, instead of removing a file that this one relies on.
    """
    seen = lstat_regular(path)
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise FileFailure(f"{path} cannot be opened: {os_error_text(error)}") from error
    try:
        if not lock_file(descriptor, exclusive=exclusive):
            raise FileFailure(f"{path} is in use by another run: apply the plan again after it")
        file = OpenFile(path, descriptor, os.fstat(descriptor), content_hash(path, descriptor))
        if file.identity != identity(seen):
            raise FileFailure(f"{path} changed meanwhile: look for duplicates again")
        file.require_unchanged()
        yield file
    finally:
        os.close(descriptor)


def content_hash(path: str, descriptor: int) -> str:
    """Return the SHA-256 of an open file as 64 hexadecimal digits, as in the catalogue."""
    try:
        with open(descriptor, "rb", closefd=False) as stream:
            stream.seek(0)
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileFailure(f"{path} cannot be read: {os_error_text(error)}") from error


def lock_file(descriptor: int, *, exclusive: bool) -> bool:
    """Lock an open file until it is closed; return False if another run holds the lock."""
    if sys.platform == "win32":
        return True  # Windows refuses to rename or remove an open file anyway
    import fcntl  # not there on every system

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # some network file systems have no locks; go on without one
    return True


def require_two(duplicate: OpenFile, keeper: OpenFile) -> None:
    """Raise a FileFailure if two paths on different devices are one file.

    A share that is mounted twice, or next to the folder it exports, gives one file two device
    numbers. So a probe file is created beside the one and must not appear beside the other.
    """
    names = [os.path.basename(each.path).casefold() for each in (duplicate, keeper)]
    if duplicate.seen.st_dev == keeper.seen.st_dev or names[0] != names[1]:
        return
    probe = f".sightline-{token_hex(8)}"
    ours = os.path.join(os.path.dirname(duplicate.path), probe)
    try:
        os.close(os.open(ours, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise FileFailure(f"nothing can be made in its folder: {os_error_text(error)}") from error
    try:
        one = os.path.lexists(os.path.join(os.path.dirname(keeper.path), probe))
    finally:
        with suppress(OSError):
            os.unlink(ours)
    if one:
        raise FileFailure("it and its keeper are one file, seen through two mounts of a disk")


def fsync_file(keeper: OpenFile) -> None:
    """Sync a keeper to the disk: it may have been copied there just now."""
    with suppress(OSError):
        os.fsync(keeper.descriptor)
    sync_folder(os.path.dirname(keeper.path))


def identity(seen: os.stat_result) -> tuple[int, int]:
    """Return device and inode."""
    return seen.st_dev, seen.st_ino


def same_file(path: str, other: str) -> bool:
    """Return whether two paths are two names of one regular file."""
    try:
        return identity(lstat_regular(path)) == identity(lstat_regular(other))
    except FileFailure:
        return False


def os_error_text(error: OSError) -> str:
    """Return the cause of an OSError in a few plain words."""
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)


def _file_state(seen: os.stat_result) -> tuple[int, ...]:
    return (*identity(seen), seen.st_size, seen.st_mtime_ns)
