"""The trash of the freedesktop.org specification.

https://specifications.freedesktop.org/trash-spec/1.0/. Written here because libraries that trash
a file do not return its new name, and undo needs that.
"""

import errno
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import quote

from search.dedup.apply.free_names import FreeNames
from search.dedup.apply.journal import ActionName, Step
from search.dedup.apply.open_file import OpenFile, os_error_text
from search.dedup.apply.safe_move import make_folders, move
from storage.errors import FileFailure

SYSTEM = sys.platform


class Trash:
    """Moves files to the trash of their own file system, where the desktop shows them too.

    `home` is the folder of the user's own trash, usually `$XDG_DATA_HOME/Trash`.
    """

    name: ActionName = "trash"
    same_bytes_only = False

    @classmethod
    def of_user(cls) -> Self:
        """Return the trash of the user who runs this: the specification names it by a variable."""
        data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
        return cls(os.path.join(data, "Trash"))

    def __init__(self, home: str | Path) -> None:
        self._home = os.path.abspath(home)
        self._names = FreeNames(" {}", self._is_taken)

    def targets(self, files: Sequence[OpenFile]) -> Sequence[str]:
        """Return the paths of the files in the trash; raises a FileFailure if there is no trash."""
        return [self._target(each) for each in files]

    def _target(self, duplicate: OpenFile) -> str:
        if SYSTEM in ("win32", "darwin"):
            raise FileFailure(
                "nothing can be put back from the trash of this system: use {move}",
                others=("move",),
            )
        folder, _ = self._trash_folder(duplicate)
        return self._names.free(os.path.join(folder, "files"), os.path.basename(duplicate.path))

    def temp_path(self, duplicate: OpenFile, target: str | None) -> None:
        """Return None: a file and its trash are on one file system."""

    def perform(self, step: Step, duplicate: OpenFile, keeper: OpenFile) -> None:
        """Write the .trashinfo file with the original path, then move the file; raises OSError."""
        folder, top = self._trash_folder(duplicate)
        target = step.target or ""
        for part in ("files", "info"):
            make_folders(os.path.join(folder, part), 0o700)
        note = note_of(target)
        descriptor = os.open(note, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(_note(step.path, top))
            move(duplicate, target, None)
        except BaseException:
            if os.path.lexists(step.path):
                remove_note(target)
            raise

    def _trash_folder(self, duplicate: OpenFile) -> tuple[str, str | None]:
        """Choose the trash folder, and the folder to which its stored paths are relative."""
        device = duplicate.seen.st_dev
        if _device(self._home) == device:
            return self._home, None
        top = _top(os.path.realpath(os.path.dirname(duplicate.path)), device)
        shared = os.path.join(top, ".Trash")
        # The specification forbids one that is a link or that others could replace.
        if _is_folder(shared) and os.lstat(shared).st_mode & stat.S_ISVTX:
            with suppress(OSError):
                return _private(os.path.join(shared, str(os.getuid()))), top
        try:
            return _private(os.path.join(top, f".Trash-{os.getuid()}")), top
        except OSError as error:
            raise FileFailure(
                f"the disk at {top} has no trash and gets none: {os_error_text(error)}; "
                "use {move}",
                others=("move",),
            ) from error

    @staticmethod
    def _is_taken(path: str) -> bool:
        return os.path.lexists(path) or os.path.lexists(note_of(path))


def note_of(target: str) -> str:
    """Return the path of the .trashinfo file of a file in a trash."""
    files, name = os.path.split(target)
    return os.path.join(os.path.dirname(files), "info", f"{name}.trashinfo")


def remove_note(target: str) -> None:
    """Remove the .trashinfo file of a file that is not in the trash, or no longer."""
    with suppress(OSError):
        os.unlink(note_of(target))


def _note(path: str, top: str | None) -> bytes:
    if top is not None:
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        path = os.path.relpath(real, top)
    when = datetime.now().strftime("%Y-%m-%dT%H:%M:%S")
    return f"[Trash Info]\nPath={quote(os.fsencode(path))}\nDeletionDate={when}\n".encode("ascii")


def _device(folder: str) -> int | None:
    """Return the device of a folder, or the one on which it would be created."""
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
    """Return a folder that the user owns or could create; raises PermissionError."""
    if not os.path.lexists(folder):
        if not os.access(os.path.dirname(folder), os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
    elif not _is_folder(folder) or os.lstat(folder).st_uid != os.getuid():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
    return folder
