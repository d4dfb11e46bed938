"""What can be done with a file that is dropped, each a way to act on one file and its keeper."""

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from search.dedup.apply.free_names import Names, renamed
from search.dedup.apply.journal import ActionName, Step
from search.dedup.apply.open_file import Held, identity, look
from search.dedup.apply.safe_move import (
    carry,
    draft_beside,
    make_folders,
    own,
    passing,
    settle_bytes,
)
from storage.errors import FileFailure

_FICLONE = 0x40049409  # linux/fs.h; ioctl_ficlone(2)
_NO_CLONES = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


class Action(Protocol):
    """A way to drop a file.

    `targets` and `draft` are asked first and change nothing; what they say is journalled, then
    `perform` does it whole or raises OSError or FileFailure with the file left as it was.
    """

    @property
    def name(self) -> ActionName:
        """Return the word by which the journal knows it."""

    @property
    def same_bytes_only(self) -> bool:
        """Return whether the file's path will lead to the keeper's bytes."""

    def targets(self, files: Sequence[Held]) -> Sequence[str | None]:
        """Return where an image and its companions will go; raises a FileFailure."""

    def draft(self, loser: Held, target: str | None) -> str | None:
        """Return a name for a file that is being made."""

    def perform(self, step: Step, loser: Held, keeper: Held) -> None:
        """Do it; the last thing that can fail is what makes it so."""


class Delete:
    """Removes files for good."""

    name: ActionName = "delete"
    same_bytes_only = False

    def targets(self, files: Sequence[Held]) -> Sequence[None]:
        """Return None for each: they go nowhere."""
        return [None] * len(files)

    def draft(self, loser: Held, target: str | None) -> None:
        """Need none."""

    def perform(self, step: Step, loser: Held, keeper: Held) -> None:
        """Remove the file; raises OSError."""
        os.unlink(loser.path)


class Move:
    """Moves files into one folder, which is made when the first comes; equal names get numbers."""

    name: ActionName = "move"
    same_bytes_only = False

    def __init__(self, folder: str | Path) -> None:
        self._folder = os.path.abspath(folder)
        self._names = Names(" ({})")

    def targets(self, files: Sequence[Held]) -> Sequence[str]:
        """Return free names in the folder; companions keep the name of their image."""
        folder, name = os.path.split(files[0].path)
        with suppress(OSError):
            if os.path.samefile(self._folder, folder):
                raise FileFailure(f"it is in {self._folder} already")
        companions = [os.path.basename(each.path) for each in files[1:]]
        image = self._names.free(self._folder, name, companions)
        beside = (os.path.basename(renamed(each, name, image) or each) for each in companions)
        return [image, *(self._names.free(self._folder, each) for each in beside)]

    def draft(self, loser: Held, target: str | None) -> str | None:
        """Return a name in the folder, for what comes from another file system."""
        return draft_beside(target) if target else None

    def perform(self, step: Step, loser: Held, keeper: Held) -> None:
        """Move the file; raises OSError or FileFailure."""
        make_folders(self._folder)
        carry(loser, step.target or "", step.draft)


class Hardlink:
    """Replaces files by hard links to their keepers: one file with several names."""

    name: ActionName = "hardlink"
    same_bytes_only = True

    def targets(self, files: Sequence[Held]) -> Sequence[None]:
        """Return None for each: the paths stay."""
        return [None] * len(files)

    def draft(self, loser: Held, target: str | None) -> str:
        """Return a name beside the file."""
        return draft_beside(loser.path)

    def perform(self, step: Step, loser: Held, keeper: Held) -> None:
        """Link beside the file and rename over it; raises OSError or FileFailure."""
        draft = step.draft or ""
        if loser.seen.st_dev != keeper.seen.st_dev:
            raise _elsewhere("a hard link")
        with passing(draft):
            try:
                os.link(keeper.path, draft, follow_symlinks=False)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise _elsewhere("a hard link") from error
                if error.errno in _NO_LINKS:
                    raise FileFailure(
                        "no hard link can be made here: the file system has none, or the keeper "
                        "belongs to somebody else"
                    ) from error
                raise
            keeper.require_unchanged()
            if identity(look(draft)) != keeper.identity:
                raise FileFailure("its keeper changed meanwhile: look for duplicates again")
            loser.require_unchanged()
            os.rename(draft, loser.path)


class Reflink:
    """Replaces files by clones that share the keeper's blocks until one of them is written to."""

    name: ActionName = "reflink"
    same_bytes_only = True

    def targets(self, files: Sequence[Held]) -> Sequence[None]:
        """Return None for each: the paths stay."""
        if sys.platform != "linux":
            raise FileFailure(
                "reflinks are made on Linux alone: use {hardlink} or {trash}",
                others=("hardlink", "trash"),
            )
        return [None] * len(files)

    def draft(self, loser: Held, target: str | None) -> str:
        """Return a name beside the file."""
        return draft_beside(loser.path)

    def perform(self, step: Step, loser: Held, keeper: Held) -> None:
        """Clone beside the file, with the file's dates and mode, and rename over it."""
        draft = step.draft or ""
        with passing(draft):
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            try:
                _clone(keeper.descriptor, descriptor)
                shutil.copystat(loser.path, draft)
                own(draft, step.uid, step.gid)
                settle_bytes(descriptor, draft, step.hash)
            finally:
                os.close(descriptor)
            loser.require_unchanged()
            os.rename(draft, loser.path)


def _clone(source: int, made: int) -> None:
    import fcntl  # not there on every system

    try:
        fcntl.ioctl(made, _FICLONE, source)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise _elsewhere("a reflink") from error
        if error.errno in _NO_CLONES:
            raise FileFailure(
                "this file system makes no reflinks (Btrfs, XFS and some others do): use "
                "{hardlink} or {trash}",
                others=("hardlink", "trash"),
            ) from error
        raise


def _elsewhere(link: str) -> FileFailure:
    return FileFailure(
        f"its keeper is on another file system, where {link} cannot lead: use {{trash}}",
        others=("trash",),
    )
