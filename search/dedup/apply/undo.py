"""Undo of the steps in a journal, the last first, as far as possible."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from search.dedup.apply.journal import Journal, Logged, Step
from search.dedup.apply.open_file import OpenFile, open_verified, os_error_text, sync_folder
from search.dedup.apply.recovery import (
    UNSETTLED,
    clear_empty,
    discard,
    discard_copy,
    has_content,
    recover,
)
from search.dedup.apply.safe_move import chown, copy, move, reserve_name, temporary
from search.dedup.apply.sidecar import revert
from search.dedup.apply.trash import remove_note
from storage.errors import FileFailure


@dataclass(frozen=True, slots=True)
class Undone:
    """The result of one step: undone, or not and why.

    A step that needed no undoing is done, and the reason says so.
    """

    step: Step
    done: bool
    reason: str | None = None


def undo(journal: str | Path) -> Iterator[Undone]:
    """Undo the steps of a journal: moved files, files that became links, deleted copies.

    No existing file is overwritten, and a sidecar is reverted only once its duplicate is back.
    Repeating the call finishes an interrupted undo; steps undone before are not yielded again.
    Raises PathNotFound, or SightlineError if the journal cannot be used; `journal.read` returns
    its invalid lines.
    """
    with Journal.open(journal, new=False) as log:
        recover(log)
        for one in reversed(log.logged):
            if one.state in ("done", "undoing"):
                yield put_back(one, log)
            elif one.state == "open":
                yield Undone(one.step, False, f"{UNSETTLED}, then run undo again")


def put_back(one: Logged, log: Journal) -> Undone:
    """Undo one step that was done."""
    step = one.step
    back = _BACK[step.action]
    log.mark(step, "undoing")
    try:
        reason = back(step, one.state == "undoing")
    except FileFailure as failure:
        log.mark(step, "done", failure.reason)
        return Undone(step, False, failure.reason)
    except OSError as error:
        log.mark(step, "done", os_error_text(error))
        return Undone(step, False, f"putting it back failed: {os_error_text(error)}")
    # Else a disk could be unplugged while a journal on another disk says that it is done.
    for path in filter(None, (step.path, step.target)):
        sync_folder(os.path.dirname(path))
    log.mark(step, "undone", reason)
    return Undone(step, True, reason)


def _move_back(step: Step, again: bool) -> str | None:
    """Move a file from its target back to its path; `again` after an interrupted undo."""
    target, temp_path = step.target or "", _draft(step)
    if again:
        _clear_path(step, target, temp_path)
    if has_content(step.path, step.hash):
        if step.action == "trash" and not os.path.lexists(target):
            remove_note(target)
        rest = f"; {target} stays" if os.path.lexists(target) else ""
        return f"a file with its content is at its place already{rest}"
    _require_room(step, f"; the content is at {target}")
    try:
        with open_verified(target, exclusive=True) as file:
            _require_content(file, step)
            move(file, step.path, temp_path)
        _as_journalled(step)
    except FileFailure as error:
        raise FileFailure(f"it cannot be put back: {error}") from error
    if step.action == "trash":
        remove_note(target)
    return None


def _clear_path(step: Step, target: str, temp_path: str) -> None:
    """Remove the leftovers of an interrupted undo at the path or at the target."""
    discard(temp_path)
    if has_content(target, step.hash):
        if step.bytes:
            clear_empty(step.path)
        discard_copy(target, step)


def _unlink_copy(step: Step, again: bool) -> str | None:
    """Replace a hard link by a separate copy, with its former mode and dates."""
    temp_path = _draft(step)
    discard(temp_path)
    with open_verified(step.path, exclusive=True) as file:
        _require_content(file, step)
        if file.seen.st_nlink == 1:
            return "it is a file of its own already"
        with temporary(temp_path):
            _remake(file, step, temp_path)
            file.require_unchanged()
            os.rename(temp_path, step.path)
    return None


def _copy_back(step: Step, again: bool) -> str | None:
    """Restore a deleted file from its keeper, if that had the same bytes."""
    temp_path = _draft(step)
    if step.keeper_hash != step.hash:
        raise FileFailure("it was deleted for good, and its keeper had another content")
    if again:
        discard(temp_path)
        if step.bytes:
            clear_empty(step.path)
    if has_content(step.path, step.hash):
        return "a file with its content is at its place already"
    _require_room(step, "")
    try:
        with open_verified(step.keeper, exclusive=False) as file:
            _require_content(file, step)
            with temporary(temp_path):
                _remake(file, step, temp_path)
                with reserve_name(step.path):
                    os.rename(temp_path, step.path)
    except FileFailure as error:
        raise FileFailure(f"it was deleted, and its keeper cannot be copied: {error}") from error
    return None


def _require_content(file: OpenFile, step: Step) -> None:
    if file.hash != step.hash:
        raise FileFailure(f"{file.path} has another content by now")


def _require_room(step: Step, hint: str) -> None:
    folder = os.path.dirname(step.path)
    # Not created: it may be the mount point of a disk.
    if not os.path.isdir(folder):
        raise FileFailure(f"its folder {folder} is not there: put it back first{hint}")
    if os.path.lexists(step.path):
        raise FileFailure(f"something else is at its place, and stays{hint}")


def _draft(step: Step) -> str:
    name = f".sightline-undo-{step.number}-{step.hash[:16]}"
    return os.path.join(os.path.dirname(step.path), name)


def _remake(file: OpenFile, step: Step, temp_path: str) -> None:
    copy(file, temp_path)
    chown(temp_path, step.uid, step.gid)
    os.chmod(temp_path, step.mode)
    os.utime(temp_path, ns=(file.seen.st_atime_ns, step.mtime_ns))


def _as_journalled(step: Step) -> None:
    """Restore the owner, mode and date of a file; another file system may have lost them."""
    chown(step.path, step.uid, step.gid)
    with suppress(OSError):
        os.chmod(step.path, step.mode)
        os.utime(step.path, ns=(os.stat(step.path).st_atime_ns, step.mtime_ns))


def _keep_clone(step: Step, again: bool) -> str:
    """Return a reason: a reflink has bytes, mode and dates of its own, so nothing is changed."""
    return "it kept its bytes and its dates"


def _revert_sidecar(step: Step, again: bool) -> str | None:
    """Revert a sidecar to its former bytes, or remove it if there were none."""
    temp_path = _draft(step)
    discard(temp_path)
    return revert(step, temp_path)


_BACK = {
    "trash": _move_back,
    "move": _move_back,
    "hardlink": _unlink_copy,
    "reflink": _keep_clone,
    "delete": _copy_back,
    "sidecar": _revert_sidecar,
}
