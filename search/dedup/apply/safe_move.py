"""Carrying a file to another name so that at every moment its bytes stand under one of the two."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex

from search.dedup.apply.open_file import Held, content_hash, identity, sync_folder
from storage.errors import FileFailure


def draft_beside(path: str) -> str:
    """Return a name in the same folder that nothing has; scans skip what begins with a dot."""
    return os.path.join(os.path.dirname(path), f".sightline-{token_hex(8)}")


def carry(source: Held, target: str, draft: str | None) -> None:
    """Move a file to a name that is free, never over what has that name.

    On another file system it is copied to `draft` first, read back, and only then removed; with
    no draft that is refused. Raises OSError or FileFailure, and then nothing has moved.
    """
    with reserved(target):
        try:
            os.rename(source.path, target)
        except OSError as error:
            if error.errno != errno.EXDEV or draft is None:
                raise
            _carry_across(source, target, draft)


def _carry_across(source: Held, target: str, draft: str) -> None:
    with passing(draft):
        copy(source, draft)
        copied = identity(os.lstat(draft))
        os.rename(draft, target)
    try:
        sync_folder(os.path.dirname(target))
        source.require_unchanged()
        os.unlink(source.path)
    except BaseException:
        # Unless an interruption came after the last step, it has not moved.
        if os.path.lexists(source.path):
            _unlink_if(target, copied)
        raise


@contextmanager
def reserved(target: str) -> Iterator[None]:
    """Take a name that is free with an empty file, to be renamed over; gives it back on error."""
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        taken = identity(os.fstat(descriptor))
    finally:
        os.close(descriptor)
    try:
        yield
    except BaseException:
        _unlink_if(target, taken)
        raise


@contextmanager
def passing(draft: str) -> Iterator[None]:
    """Remove a draft at the end of the block, if it is still there."""
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(draft)


def copy(source: Held, draft: str) -> None:
    """Copy bytes and dates into a new file and read it back; raises OSError or FileFailure."""
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with (
            open(source.descriptor, "rb", closefd=False) as read,
            open(descriptor, "wb", closefd=False) as write,
        ):
            read.seek(0)
            shutil.copyfileobj(read, write, 1 << 20)
        shutil.copystat(source.path, draft)
        own(draft, source.seen.st_uid, source.seen.st_gid)
        settle_bytes(descriptor, draft, source.hash)
    finally:
        os.close(descriptor)


def settle_bytes(descriptor: int, draft: str, expected: str) -> None:
    """Bring a draft to the disk and require what it should hold."""
    os.fsync(descriptor)
    if content_hash(draft, descriptor) != expected:
        raise FileFailure("its copy came out different: the file is left as it is")


def own(path: str, uid: int, gid: int) -> None:
    """Set a file's owner to its former one, where that is allowed, and its mode as it was."""
    if hasattr(os, "chown"):
        mode = os.stat(path).st_mode
        with suppress(OSError):
            os.chown(path, uid, gid)
            os.chmod(path, mode & 0o7777)  # giving away clears some bits of it


def make_folders(folder: str, mode: int = 0o777) -> None:
    """Make a folder and what it lies in, so that a power cut leaves it there; raises OSError."""
    made = folder
    lacking = []
    while not os.path.isdir(made) and os.path.dirname(made) != made:
        lacking.append(made)
        made = os.path.dirname(made)
    os.makedirs(folder, mode, exist_ok=True)
    for each in lacking:
        sync_folder(os.path.dirname(each))


def _unlink_if(path: str, expected: tuple[int, int]) -> None:
    with suppress(OSError):
        if identity(os.lstat(path)) == expected:
            os.unlink(path)
