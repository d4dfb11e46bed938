"""The trash of the freedesktop.org specification, so that it is known where a file went.

https://specifications.freedesktop.org/trash-spec/1.0/. Libraries that trash a file do not say
under which name, and without it nothing can be put back.
"""

import errno
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from search.dedup.apply.free_names import Names
from search.dedup.apply.journal import ActionName, Step
from search.dedup.apply.open_file import Held, words
from search.dedup.apply.safe_move import carry, make_folders
from storage.errors import FileFailure

SYSTEM = sys.platform


class Trash:
    """Moves files to the trash of the disk they are on, where the desktop shows them too.

    `home` is the folder of the person's own trash, `$XDG_DATA_HOME/Trash` as a rule.
    """

    name: ActionName = "trash"
    same_bytes_only = False

    def __init__(self, home: str | Path) -> None:
        self._home = os.path.abspath(home)
        self._names = Names(" {}", self._is_taken)

    def targets(self, files: Sequence[Held]) -> Sequence[str]:
        """Return the names that the files will have; raises a FileFailure where no trash is."""
        return [self._target(each) for each in files]

    def _target(self, loser: Held) -> str:
        if SYSTEM in ("win32", "darwin"):
            raise FileFailure(
                "sightline cannot put back from the trash of this system: use {move}",
                others=("move",),
            )
        folder, _ = self._can(loser)
        return self._names.free(os.path.join(folder, "files"), os.path.basename(loser.path))

    def draft(self, loser: Held, target: str | None) -> None:
        """Need none: a trash is on the disk of what it holds."""

    def perform(self, step: Step, loser: Held, keeper: Held) -> None:
        """Write the note that says where the file was, and move it; raises OSError."""
        folder, top = self._can(loser)
        target = step.target or ""
        for part in ("files", "info"):
            make_folders(os.path.join(folder, part), 0o700)
        note = note_of(target)
        descriptor = os.open(note, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(_note(step.path, top))
            carry(loser, target, None)
        except BaseException:
            if os.path.lexists(step.path):
                forget(target)
            raise

    def _can(self, loser: Held) -> tuple[str, str | None]:
        """Choose the trash folder, and the folder that its notes count from."""
        device = loser.seen.st_dev
        if _device(self._home) == device:
            return self._home, None
        top = _top(os.path.realpath(os.path.dirname(loser.path)), device)
        shared = os.path.join(top, ".Trash")
        # One that others could replace or have linked elsewhere is not to be used.
        if _is_folder(shared) and os.lstat(shared).st_mode & stat.S_ISVTX:
            with suppress(OSError):
                return _private(os.path.join(shared, str(os.getuid()))), top
        try:
            return _private(os.path.join(top, f".Trash-{os.getuid()}")), top
        except OSError as error:
            raise FileFailure(
                f"the disk at {top} has no trash and gets none: {words(error)}; use {{move}}",
                others=("move",),
            ) from error

    @staticmethod
    def _is_taken(path: str) -> bool:
        return os.path.lexists(path) or os.path.lexists(note_of(path))


def note_of(target: str) -> str:
    """Name the note that belongs to a file in a trash."""
    files, name = os.path.split(target)
    return os.path.join(os.path.dirname(files), "info", f"{name}.trashinfo")


def forget(target: str) -> None:
    """Remove the note of a file that is not in the trash, or not any more."""
    with suppress(OSError):
        os.unlink(note_of(target))


def _note(path: str, top: str | None) -> bytes:
    if top is not None:
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        path = os.path.relpath(real, top)
    when = datetime.now().strftime("%Y-%m-%dT%H:%M:%S")
    return f"[Trash Info]\nPath={quote(os.fsencode(path))}\nDeletionDate={when}\n".encode("ascii")


def _device(folder: str) -> int | None:
    """Find the device of a folder, or on which it would be made."""
    while True:
        try:
            return os.stat(folder).st_dev
        except FileNotFoundError:
            folder = os.path.dirname(folder)
        except OSError:
            return None


def _top(folder: str, device: int) -> str:
    while (parent := os.path.dirname(folder)) != folder and os.stat(parent).st_dev == device:
        folder = parent
    return folder


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _private(folder: str) -> str:
    """Require that a folder is ours, or could be made."""
    if not os.path.lexists(folder):
        if not os.access(os.path.dirname(folder), os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
    elif not _is_folder(folder) or os.lstat(folder).st_uid != os.getuid():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
    return folder
