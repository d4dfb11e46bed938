"""Recovery after an interrupted run: the disk shows which open steps took effect."""

import os
from contextlib import suppress

from search.dedup.apply.journal import Journal, Step
from search.dedup.apply.open_file import lstat_regular, open_verified, same_file
from search.dedup.apply.trash import remove_note
from storage.errors import FileFailure

UNSETTLED = "its disk must be there to tell how far it came: put it back"


def recover(log: Journal) -> None:
    """Mark open steps as done or failed, and remove their temporary files.

    A file with content is never removed unless the same content was just read at the step's
    path. A step stays open while neither its path nor its target can be seen.
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


def has_content(path: str, content: str) -> bool:
    """Return whether a path is a regular file with this hash."""
    try:
        with open_verified(path, exclusive=False) as file:
            return file.hash == content
    except FileFailure:
        return False


def discard(temp_path: str) -> None:
    """Remove a leftover temporary file, recognised by its name."""
    if os.path.basename(temp_path).startswith(".sightline-"):
        with suppress(OSError):
            os.unlink(temp_path)


def discard_copy(extra: str, step: Step) -> None:
    """Remove a second copy of the file at a step's path, if both were just read as equal."""
    with suppress(OSError, FileFailure):
        if same_file(extra, step.path):
            return
        with (
            open_verified(step.path, exclusive=False) as stays,
            open_verified(extra, exclusive=True) as second,
        ):
            if stays.hash == second.hash == step.hash:
                os.unlink(extra)


def _happened(step: Step) -> bool | None:
    """Return whether a step took effect; None if its disk is not mounted."""
    there = os.path.lexists(step.path)
    if not there and not os.path.isdir(os.path.dirname(step.path)):
        return None
    if step.action == "hardlink":
        return same_file(step.path, step.keeper)
    if step.action == "reflink":
        return False  # it leaves no trace, and doing it again does no harm
    if step.action == "sidecar":
        return has_content(step.path, step.hash)
    if step.action == "delete" or step.target is None:
        return not there
    if not os.path.lexists(step.target):
        return False if there else None
    if there:
        return has_content(step.target, step.hash) and not has_content(step.path, step.hash)
    # The file was moved, whatever happened to it since; an empty target only reserved the name.
    return not step.bytes or not _is_empty(step.target)


def _clear_target(step: Step) -> None:
    """Remove the leftover at the target of a move that failed: an empty file, or a copy."""
    if step.former is not None and step.former.packed is None:
        clear_empty(step.path)
    if step.target is None:
        return
    if step.bytes:
        clear_empty(step.target)
    discard_copy(step.target, step)
    if step.action == "trash" and not os.path.lexists(step.target):
        remove_note(step.target)


def clear_empty(path: str) -> None:
    """Remove a file if it is empty: it only reserved the name."""
    with suppress(OSError):
        if _is_empty(path):
            os.unlink(path)


def _is_empty(path: str) -> bool:
    try:
        return lstat_regular(path).st_size == 0
    except FileFailure:
        return False
