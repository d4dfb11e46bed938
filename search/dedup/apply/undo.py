"""Undoing what a journal tells of: the last first, as far as it can be put back."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from search.dedup.apply.journal import Journal, Logged, Step
from search.dedup.apply.open_file import Held, hold, sync_folder, words
from search.dedup.apply.recovery import UNSETTLED, clear_empty, discard, discard_copy, holds, settle
from search.dedup.apply.safe_move import carry, copy, own, passing, reserved
from search.dedup.apply.sidecar import take_back
from search.dedup.apply.trash import forget
from storage.errors import FileFailure


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of one step: put back, or not and why.

    Where there was nothing to put back it is done, and the reason says so.
    """

    step: Step
    done: bool
    reason: str | None = None


def undo(journal: str | Path) -> Iterator[Undone]:
    """Put back what can be: files that went elsewhere, files that became links, deleted copies.

    A file never lands on another one, and a sidecar is taken back only once the file for which
    it speaks is there again. An interrupted undo is finished by the same call, and a step that
    was put back is not told of again. Raises PathNotFound, or SightlineError where the journal
    cannot be used; `journal.read` tells of lines in it that cannot.
    """
    with Journal.open(journal, new=False) as log:
        settle(log)
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
        log.mark(step, "done", words(error))
        return Undone(step, False, f"putting it back failed: {words(error)}")
    # A disk that is pulled out must not have a journal elsewhere say what it does not hold.
    for path in filter(None, (step.path, step.target)):
        sync_folder(os.path.dirname(path))
    log.mark(step, "undone", reason)
    return Undone(step, True, reason)


def _bring_back(step: Step, again: bool) -> str | None:
    """Carry a file from where it went to where it was; `again` after an interrupted undo."""
    target, draft = step.target or "", _draft(step)
    if again:
        _clear_path(step, target, draft)
    if holds(step.path, step.hash):
        if step.action == "trash" and not os.path.lexists(target):
            forget(target)
        rest = f"; {target} stays" if os.path.lexists(target) else ""
        return f"a file with its content is at its place already{rest}"
    _require_room(step, f"; the content is at {target}")
    try:
        with hold(target, alone=True) as held:
            _require_content(held, step)
            carry(held, step.path, draft)
        _as_journalled(step)
    except FileFailure as error:
        raise FileFailure(f"it cannot be put back: {error}") from error
    if step.action == "trash":
        forget(target)
    return None


def _clear_path(step: Step, target: str, draft: str) -> None:
    """Remove what an interrupted undo left at the path, or else what it left to remove."""
    discard(draft)
    if holds(target, step.hash):
        if step.bytes:
            clear_empty(step.path)
        discard_copy(target, step)


def _own_bytes(step: Step, again: bool) -> str | None:
    """Make a file of its own again out of a hard link, with the mode and dates it had."""
    draft = _draft(step)
    discard(draft)
    with hold(step.path, alone=True) as held:
        _require_content(held, step)
        if held.seen.st_nlink == 1:
            return "it is a file of its own already"
        with passing(draft):
            _remake(held, step, draft)
            held.require_unchanged()
            os.rename(draft, step.path)
    return None


def _copy_again(step: Step, again: bool) -> str | None:
    """Make a deleted file again out of its keeper, where that had the same bytes."""
    draft = _draft(step)
    if step.keeper_hash != step.hash:
        raise FileFailure("it was deleted for good, and its keeper had another content")
    if again:
        discard(draft)
        if step.bytes:
            clear_empty(step.path)
    if holds(step.path, step.hash):
        return "a file with its content is at its place already"
    _require_room(step, "")
    try:
        with hold(step.keeper, alone=False) as held:
            _require_content(held, step)
            with passing(draft):
                _remake(held, step, draft)
                with reserved(step.path):
                    os.rename(draft, step.path)
    except FileFailure as error:
        raise FileFailure(f"it was deleted, and its keeper cannot be copied: {error}") from error
    return None


def _require_content(held: Held, step: Step) -> None:
    if held.hash != step.hash:
        raise FileFailure(f"{held.path} has another content by now")


def _require_room(step: Step, hint: str) -> None:
    folder = os.path.dirname(step.path)
    # Not made again: it may be the place where a disk is mounted.
    if not os.path.isdir(folder):
        raise FileFailure(f"its folder {folder} is not there: put it back first{hint}")
    if os.path.lexists(step.path):
        raise FileFailure(f"something else is at its place, and stays{hint}")


def _draft(step: Step) -> str:
    name = f".sightline-undo-{step.number}-{step.hash[:16]}"
    return os.path.join(os.path.dirname(step.path), name)


def _remake(held: Held, step: Step, draft: str) -> None:
    copy(held, draft)
    own(draft, step.uid, step.gid)
    os.chmod(draft, step.mode)
    os.utime(draft, ns=(held.seen.st_atime_ns, step.mtime_ns))


def _as_journalled(step: Step) -> None:
    """Restore the owner, mode and date a file had; another file system may have lost them."""
    own(step.path, step.uid, step.gid)
    with suppress(OSError):
        os.chmod(step.path, step.mode)
        os.utime(step.path, ns=(os.stat(step.path).st_atime_ns, step.mtime_ns))


def _kept_all(step: Step, again: bool) -> str:
    """Return without a change: a reflink has bytes, mode and dates of its own."""
    return "it kept its bytes and its dates"


def _as_it_was(step: Step, again: bool) -> str | None:
    """Take a sidecar back, or what was added to one."""
    draft = _draft(step)
    discard(draft)
    return take_back(step, draft)


_BACK = {
    "trash": _bring_back,
    "move": _bring_back,
    "hardlink": _own_bytes,
    "reflink": _kept_all,
    "delete": _copy_again,
    "sidecar": _as_it_was,
}
