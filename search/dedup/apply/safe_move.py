"""Crash-safe moves: at every moment the bytes exist under the old or the new name."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex

from search.dedup.apply.open_file import OpenFile, content_hash, identity, sync_folder
from storage.errors import FileFailure


def temp_path_beside(path: str) -> str:
    """Return a temporary path in the same folder; scans skip names that begin with a dot."""
    return os.path.join(os.path.dirname(path), f".sightline-{token_hex(8)}")


def move(source: OpenFile, target: str, temp_path: str | None) -> None:
    """Move a file to a free path, never over an existing file.

    To another file system it is copied to `temp_path`, read back, and only then removed; without
    a `temp_path` that is an OSError. Raises OSError or FileFailure, and then nothing has moved.
    """
    with reserve_name(target):
        try:
            os.rename(source.path, target)
        except OSError as error:
            if error.errno != errno.EXDEV or temp_path is None:
                raise
            _copy_across(source, target, temp_path)


def _copy_across(source: OpenFile, target: str, temp_path: str) -> None:
    with temporary(temp_path):
        copy(source, temp_path)
        copied = identity(os.lstat(temp_path))
        os.rename(temp_path, target)
    try:
        sync_folder(os.path.dirname(target))
        source.require_unchanged()
        os.unlink(source.path)
    except BaseException:
        # If the source still exists, it has not moved: remove the copy.
        if os.path.lexists(source.path):
            _unlink_if(target, copied)
        raise


@contextmanager
def reserve_name(target: str) -> Iterator[None]:
    """Reserve a free name with an empty file, to be renamed over; remove it on error."""
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
def temporary(temp_path: str) -> Iterator[None]:
    """Remove a temporary file at the end of the block, if it still exists."""
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(temp_path)


def copy(source: OpenFile, temp_path: str) -> None:
    """Copy bytes, dates and owner to a new file and verify it; raises OSError or FileFailure."""
    descriptor = os.open(temp_path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        with (
            open(source.descriptor, "rb", closefd=False) as read,
            open(descriptor, "wb", closefd=False) as write,
        ):
            read.seek(0)
            shutil.copyfileobj(read, write, 1 << 20)
        shutil.copystat(source.path, temp_path)
        chown(temp_path, source.seen.st_uid, source.seen.st_gid)
        fsync_and_verify(descriptor, temp_path, source.hash)
    finally:
        os.close(descriptor)


def fsync_and_verify(descriptor: int, temp_path: str, expected: str) -> None:
    """Sync a new file and read it back; raises a FileFailure unless its hash is as expected."""
    os.fsync(descriptor)
    if content_hash(temp_path, descriptor) != expected:
        raise FileFailure("its copy came out different: the file is left as it is")


def chown(path: str, uid: int, gid: int) -> None:
    """Set the owner of a file where that is allowed, and keep its mode."""
    if hasattr(os, "chown"):
        mode = os.stat(path).st_mode
        with suppress(OSError):
            os.chown(path, uid, gid)
            os.chmod(path, mode & 0o7777)  # chown clears the set-id bits


def make_folders(folder: str, mode: int = 0o777) -> None:
    """Create a folder and its parents and sync them; raises OSError."""
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
