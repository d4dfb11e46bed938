"""Applying a plan: each file that it drops is checked, then acted on, or left with a reason."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from search.duplicates.actions import Action
from search.duplicates.checks import Checks
from search.duplicates.held import Held, are_one, words
from search.duplicates.journal import Journal, Step
from search.duplicates.plan import Entry
from search.duplicates.settle import settle
from storage.errors import FileFailure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry: done (in a dry run: it would be), or left as it was and why."""

    entry: Entry
    done: bool
    reason: str | None = None
    target: str | None = None  # where the file went


def apply(
    entries: Iterable[Entry], action: Action, journal: str | Path, *, dry_run: bool = False
) -> Iterator[Outcome]:
    """Act on every entry that is dropped, in order, telling of each as soon as it is settled.

    Each file and its keeper are read anew just before, and whatever is not as the plan says is
    left alone. The journal is begun, or gone on with: what an interrupted run left in it is
    settled first, so the same call again finishes the work. A dry run checks the same and writes
    nothing. Raises SightlineError where the journal cannot be used, DiskFull where it grew too
    large for the disk; everything told of by then is in it.
    """
    plan = tuple(entries)
    checks = Checks(plan)
    drops = [entry for entry in plan if entry.action == "drop"]
    if dry_run:
        for entry in drops:
            yield _outcome(entry, action, checks, None)
        return
    with Journal.open(journal) as log:
        settle(log)
        for entry in drops:
            yield _outcome(entry, action, checks, log)


def _outcome(entry: Entry, action: Action, checks: Checks, log: Journal | None) -> Outcome:
    if log is not None and _was_done(entry, action, log):
        return Outcome(entry, False, "it was done before, as the journal says")
    try:
        if action.same_bytes_only and entry.kind != "identical":
            raise FileFailure(
                f"its bytes are not its keeper's ({entry.kind}), so a link would change what is "
                "in it: use --trash"
            )
        with checks.pair(entry) as (loser, keeper):
            _require_writable(os.path.dirname(entry.path))
            target = action.target(loser)
            if log is not None:
                step = _step(entry, action, log.next_number, loser, keeper, target)
                _perform(step, action, loser, keeper, log)
        return Outcome(entry, True, target=target)
    except FileFailure as failure:
        return Outcome(entry, False, failure.reason)


def _perform(step: Step, action: Action, loser: Held, keeper: Held, log: Journal) -> None:
    log.begin(step)
    try:
        # Syncing the intent took its time.
        loser.require_unchanged()
        keeper.require_unchanged()
        action.perform(step, loser, keeper)
    except FileFailure as failure:
        log.mark(step, "failed", failure.reason)
        raise
    except OSError as error:
        log.mark(step, "failed", words(error))
        raise FileFailure(f"{step.action} failed: {words(error)}") from error
    log.mark(step, "done")


def _step(
    entry: Entry, action: Action, number: int, loser: Held, keeper: Held, target: str | None
) -> Step:
    return Step(
        number=number,
        action=action.name,
        group=entry.group,
        path=entry.path,
        hash=loser.hash,
        bytes=loser.seen.st_size,
        mode=stat.S_IMODE(loser.seen.st_mode),
        mtime_ns=loser.seen.st_mtime_ns,
        uid=loser.seen.st_uid,
        gid=loser.seen.st_gid,
        keeper=entry.keeper,
        keeper_hash=keeper.hash,
        target=target,
        draft=action.draft(loser, target),
    )


def _was_done(entry: Entry, action: Action, log: Journal) -> bool:
    """Tell whether an earlier run did it; a file that came back by other hands is a new one."""
    did = log.finished(entry.path, entry.item)
    if did == "reflink":
        return action.name == did  # nothing on the disk shows it
    if did == "hardlink":
        return are_one(entry.path, entry.keeper)
    return did is not None and not os.path.lexists(entry.path)


def _require_writable(folder: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileFailure(f"its folder {folder} is read-only, so it stays")
