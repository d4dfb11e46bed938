"""The actions for a file that a plan drops: trash, move, delete, hard link and reflink."""

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, runtime_checkable

from search.dedup.apply.free_names import FreeNames, renamed
from search.dedup.apply.journal import ActionName, Step
from search.dedup.apply.open_file import OpenFile, identity, lstat_regular
from search.dedup.apply.safe_move import (
    chown,
    fsync_and_verify,
    make_folders,
    move,
    temp_path_beside,
    temporary,
)
from storage.errors import FileFailure

_FICLONE = 0x40049409  # linux/fs.h; ioctl_ficlone(2)
_NO_CLONES = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


@runtime_checkable
class Action(Protocol):
    """A way to drop a file.

    `targets` and `temp_path` are called first and change nothing; their results are journalled.
    Then `perform` completes or raises OSError or FileFailure with the file left as it was.
    """

    @property
    def name(self) -> ActionName:
        """Return the name of the action in the journal."""

    @property
    def same_bytes_only(self) -> bool:
        """Return whether the file's path will lead to the keeper's bytes afterwards."""

    def targets(self, files: Sequence[OpenFile]) -> Sequence[str | None]:
        """Return the new paths of an image and its companions; raises a FileFailure."""

    def temp_path(self, duplicate: OpenFile, target: str | None) -> str | None:
        """Return a temporary path for the file that replaces the duplicate, or None."""

    def perform(self, step: Step, duplicate: OpenFile, keeper: OpenFile) -> None:
        """Carry out the step; its last system call is the one that takes effect."""


class Delete:
    """Deletes files permanently."""

    name: ActionName = "delete"
    same_bytes_only = False

    def targets(self, files: Sequence[OpenFile]) -> Sequence[None]:
        """Return None for each file: deleted files have no new path."""
        return [None] * len(files)

    def temp_path(self, duplicate: OpenFile, target: str | None) -> None:
        """Return None: nothing is written."""

    def perform(self, step: Step, duplicate: OpenFile, keeper: OpenFile) -> None:
        """Remove the file; raises OSError."""
        os.unlink(duplicate.path)


class Move:
    """Moves files into one folder, created with the first file; equal names get numbers."""

    name: ActionName = "move"
    same_bytes_only = False

    def __init__(self, folder: str | Path) -> None:
        self._folder = os.path.abspath(folder)
        self._names = FreeNames(" ({})")

    def targets(self, files: Sequence[OpenFile]) -> Sequence[str]:
        """Return free names in the folder; companions keep the name of their image."""
        folder, name = os.path.split(files[0].path)
        with suppress(OSError):
            if os.path.samefile(self._folder, folder):
                raise FileFailure(f"it is in {self._folder} already")
        companions = [os.path.basename(each.path) for each in files[1:]]
        image = self._names.free(self._folder, name, companions)
        beside = (os.path.basename(renamed(each, name, image) or each) for each in companions)
        return [image, *(self._names.free(self._folder, each) for each in beside)]

    def temp_path(self, duplicate: OpenFile, target: str | None) -> str | None:
        """Return a temporary path in the folder, for files from another file system."""
        return temp_path_beside(target) if target else None

    def perform(self, step: Step, duplicate: OpenFile, keeper: OpenFile) -> None:
        """Move the file; raises OSError or FileFailure."""
        make_folders(self._folder)
        move(duplicate, step.target or "", step.draft)


class Hardlink:
    """Replaces files by hard links to their keepers: one file with several names."""

    name: ActionName = "hardlink"
    same_bytes_only = True

    def targets(self, files: Sequence[OpenFile]) -> Sequence[None]:
        """Return None for each: the paths stay."""
        return [None] * len(files)

    def temp_path(self, duplicate: OpenFile, target: str | None) -> str:
        """Return a name beside the file."""
        return temp_path_beside(duplicate.path)

    def perform(self, step: Step, duplicate: OpenFile, keeper: OpenFile) -> None:
        """Link beside the file and rename over it; raises OSError or FileFailure."""
        temp_path = step.draft or ""
        if duplicate.seen.st_dev != keeper.seen.st_dev:
            raise _other_file_system("a hard link")
        with temporary(temp_path):
            try:
                os.link(keeper.path, temp_path, follow_symlinks=False)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise _other_file_system("a hard link") from error
                if error.errno in _NO_LINKS:
                    raise FileFailure(
                        "no hard link can be made here: the file system has none, or the keeper "
                        "belongs to somebody else"
                    ) from error
                raise
            keeper.require_unchanged()
            if identity(lstat_regular(temp_path)) != keeper.identity:
                raise FileFailure("its keeper changed meanwhile: look for duplicates again")
            duplicate.require_unchanged()
            os.rename(temp_path, duplicate.path)


class Reflink:
    """Replaces files by clones that share the keeper's blocks until one of them is written to."""

    name: ActionName = "reflink"
    same_bytes_only = True

    def targets(self, files: Sequence[OpenFile]) -> Sequence[None]:
        """Return None for each: the paths stay."""
        if sys.platform != "linux":
            raise FileFailure(
                "reflinks are made on Linux alone: use {hardlink} or {trash}",
                others=("hardlink", "trash"),
            )
        return [None] * len(files)

    def temp_path(self, duplicate: OpenFile, target: str | None) -> str:
        """Return a name beside the file."""
        return temp_path_beside(duplicate.path)

    def perform(self, step: Step, duplicate: OpenFile, keeper: OpenFile) -> None:
        """Clone beside the file, with the file's dates and mode, and rename over it."""
        temp_path = step.draft or ""
        with temporary(temp_path):
            descriptor = os.open(temp_path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            try:
                _clone(keeper.descriptor, descriptor)
                shutil.copystat(duplicate.path, temp_path)
                chown(temp_path, step.uid, step.gid)
                fsync_and_verify(descriptor, temp_path, step.hash)
            finally:
                os.close(descriptor)
            duplicate.require_unchanged()
            os.rename(temp_path, duplicate.path)


def _clone(source: int, made: int) -> None:
    import fcntl  # not there on every system

    try:
        fcntl.ioctl(made, _FICLONE, source)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise _other_file_system("a reflink") from error
        if error.errno in _NO_CLONES:
            raise FileFailure(
                "this file system makes no reflinks (Btrfs, XFS and some others do): use "
                "{hardlink} or {trash}",
                others=("hardlink", "trash"),
            ) from error
        raise


def _other_file_system(link: str) -> FileFailure:
    return FileFailure(
        f"its keeper is on another file system, where {link} cannot lead: use {{trash}}",
        others=("trash",),
    )
