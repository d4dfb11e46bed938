"""A file held open while something is decided about it: what it is, and that it stays so."""

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

# A symbolic link or a pipe that took the file's place since it was looked at is not followed.
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
class Held:
    """A regular file that is open, claimed and read to its end."""

    path: str
    descriptor: int
    seen: os.stat_result
    hash: str  # SHA-256 of the bytes, 64 hexadecimal digits

    @property
    def identity(self) -> tuple[int, int]:
        """Return device and inode: two paths of one file agree in them."""
        return identity(self.seen)

    def require_unchanged(self) -> None:
        """Raise a FileFailure if the path no longer leads to the bytes that were read."""
        now = look(self.path)
        if _version(now) != _version(self.seen):
            raise FileFailure(f"{self.path} changed meanwhile: look for duplicates again")


def look(path: str) -> os.stat_result:
    """Look at a regular file without opening it; raises a FileFailure that says what is wrong."""
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
        raise FileFailure(f"{path} cannot be looked at: {words(error)}") from error
    except ValueError:  # a NUL, or half of a surrogate pair
        raise FileFailure(f"{path!r} is no path") from None
    if stat.S_ISLNK(seen.st_mode):
        raise FileFailure(f"{path} is a symbolic link, not a file of its own")
    if not stat.S_ISREG(seen.st_mode):
        raise FileFailure(f"{path} is not a regular file")
    return seen


@contextmanager
def hold(path: str, *, alone: bool) -> Iterator[Held]:
    """Open a file, claim it and hash it; raises a FileFailure that says why it cannot be.

    `alone` claims it as one that is to go, otherwise as one that is to stay: another apply that
    wants the opposite at the same moment is told so, instead of removing what this one relies on.
    """
    seen = look(path)
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise FileFailure(f"{path} cannot be opened: {words(error)}") from error
    try:
        if not claim(descriptor, alone=alone):
            raise FileFailure(f"{path} is in use by another run: apply the plan again after it")
        held = Held(path, descriptor, os.fstat(descriptor), content_hash(path, descriptor))
        if held.identity != identity(seen):
            raise FileFailure(f"{path} changed meanwhile: look for duplicates again")
        held.require_unchanged()
        yield held
    finally:
        os.close(descriptor)


def content_hash(path: str, descriptor: int) -> str:
    """Hash the bytes of an open file as items are named: SHA-256, 64 hexadecimal digits."""
    try:
        with open(descriptor, "rb", closefd=False) as stream:
            stream.seek(0)
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileFailure(f"{path} cannot be read: {words(error)}") from error


def claim(descriptor: int, *, alone: bool) -> bool:
    """Claim an open file until it is closed, against other runs; False if one of them has it."""
    if sys.platform == "win32":
        return True  # it lets nobody rename or remove a file that is open
    import fcntl  # not there on every system

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # some network file systems have no such locks: as good as it was without
    return True


def require_two(loser: Held, keeper: Held) -> None:
    """Raise a FileFailure if two paths on different devices are one file.

    A share that is mounted twice, or beside the folder it serves, gives one file two device
    numbers. So a file that is made beside one of them must not be there beside the other.
    """
    names = [os.path.basename(each.path).casefold() for each in (loser, keeper)]
    if loser.seen.st_dev == keeper.seen.st_dev or names[0] != names[1]:
        return
    probe = f".sightline-{token_hex(8)}"
    ours = os.path.join(os.path.dirname(loser.path), probe)
    try:
        os.close(os.open(ours, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise FileFailure(f"nothing can be made in its folder: {words(error)}") from error
    try:
        one = os.path.lexists(os.path.join(os.path.dirname(keeper.path), probe))
    finally:
        with suppress(OSError):
            os.unlink(ours)
    if one:
        raise FileFailure("it and its keeper are one file, seen through two mounts of a disk")


def settle_on_disk(keeper: Held) -> None:
    """Bring a file that others go for to the disk: it may have been copied there just now."""
    with suppress(OSError):
        os.fsync(keeper.descriptor)
    sync_folder(os.path.dirname(keeper.path))


def identity(seen: os.stat_result) -> tuple[int, int]:
    """Return device and inode."""
    return seen.st_dev, seen.st_ino


def are_one(path: str, other: str) -> bool:
    """Return whether two paths are two names of one regular file."""
    try:
        return identity(look(path)) == identity(look(other))
    except FileFailure:
        return False


def words(error: OSError) -> str:
    """Return in a few words what the system refused."""
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)


def _version(seen: os.stat_result) -> tuple[int, ...]:
    return (*identity(seen), seen.st_size, seen.st_mtime_ns)
