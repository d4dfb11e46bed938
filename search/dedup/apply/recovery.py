"""Settling what an interrupted run left: whether a step came about is read off the disk."""

import os
from contextlib import suppress

from search.dedup.apply.journal import Journal, Step
from search.dedup.apply.open_file import are_one, hold, look
from search.dedup.apply.trash import forget
from storage.errors import FileFailure

UNSETTLED = "its disk must be there to tell how far it came: put it back"


def settle(log: Journal) -> None:
    """Mark open steps as done or failed, and clear away the drafts they left.

    What holds content is never removed unless the same content was just read at the step's path.
    A step stays open while neither end of it is to be seen.
    """
    for step in [one.step for one in log.logged if one.state == "open"]:
        happened = _happened(step)
        if happened is None:
            continue
        if step.draft is not None:
            discard(step.draft)
        if happened:
            log.mark(step, "done", "found done after an interruption")
        else:
            _clear_target(step)
            log.mark(step, "failed", "interrupted before it was done")


def holds(path: str, content: str) -> bool:
    """Return whether a regular file with this content is at a path."""
    try:
        with hold(path, alone=False) as held:
            return held.hash == content
    except FileFailure:
        return False


def discard(draft: str) -> None:
    """Remove a draft that was left; its name shows that no one else made it."""
    if os.path.basename(draft).startswith(".sightline-"):
        with suppress(OSError):
            os.unlink(draft)


def discard_copy(extra: str, step: Step) -> None:
    """Remove a second copy of what is at a step's path, if it surely is one."""
    with suppress(OSError, FileFailure):
        if are_one(extra, step.path):
            return
        with hold(step.path, alone=False) as stays, hold(extra, alone=True) as second:
            if stays.hash == second.hash == step.hash:
                os.unlink(extra)


def _happened(step: Step) -> bool | None:
    """Return whether a step came about; None where the disk that could tell is not there."""
    there = os.path.lexists(step.path)
    if not there and not os.path.isdir(os.path.dirname(step.path)):
        return None
    if step.action == "hardlink":
        return are_one(step.path, step.keeper)
    if step.action == "reflink":
        return False  # it cannot be told, and doing it again does no harm
    if step.action == "sidecar":
        return holds(step.path, step.hash)
    if step.action == "delete" or step.target is None:
        return not there
    if not os.path.lexists(step.target):
        return False if there else None
    if there:
        return holds(step.target, step.hash) and not holds(step.path, step.hash)
    # It went, whatever has become of it there; an empty file only keeps its name free.
    return not step.bytes or not _is_empty(step.target)


def _clear_target(step: Step) -> None:
    """Remove what stands at the place to which a file did not come: an empty file, or a copy."""
    if step.former is not None and step.former.packed is None:
        clear_empty(step.path)
    if step.target is None:
        return
    if step.bytes:
        clear_empty(step.target)
    discard_copy(step.target, step)
    if step.action == "trash" and not os.path.lexists(step.target):
        forget(step.target)


def clear_empty(path: str) -> None:
    """Remove an empty file, which kept a name free."""
    with suppress(OSError):
        if _is_empty(path):
            os.unlink(path)


def _is_empty(path: str) -> bool:
    try:
        return look(path).st_size == 0
    except FileFailure:
        return False
