"""Applying a plan: each file that it drops is checked, then acted on, or left with a reason."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from search.duplicates import sidecar
from search.duplicates.actions import Action
from search.duplicates.checks import Checks
from search.duplicates.held import Held, are_one, require_two, settle_on_disk, words
from search.duplicates.journal import Journal, Step
from search.duplicates.metadata import Metadata
from search.duplicates.plan import Entry
from search.duplicates.settle import settle
from search.duplicates.sidecar import Sidecar
from storage.decisions import Decided
from storage.errors import FileFailure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry: done (in a dry run: it would be), or left as it was and why."""

    entry: Entry
    done: bool
    reason: str | None = None
    before: bool = False  # an earlier run did it, so nothing is left to do
    target: str | None = None  # where the file went
    sidecar: str | None = None  # of the keeper, where it was written
    said: Metadata = Metadata()  # what was written into it: only this file had it


@dataclass(frozen=True, slots=True)
class _Run:
    action: Action
    checks: Checks
    log: Journal | None  # none in a dry run
    sidecars: bool


def apply(
    entries: Iterable[Entry],
    action: Action,
    journal: str | Path,
    *,
    dry_run: bool = False,
    sidecars: bool = False,
    decided: Decided | None = None,
) -> Iterator[Outcome]:
    """Act on every entry that is dropped, in order, telling of each as soon as it is settled.

    Each file and its keeper are read anew just before, and whatever is not as the plan says is
    left alone, and so are the groups that a person `decided` to keep. The journal is begun, or
    gone on with: what an interrupted run left in it is settled first, so the same call again
    finishes the work. A dry run checks the same and writes nothing. With `sidecars`, what only a
    file says is written beside its keeper before the file goes; where it cannot be, the file
    stays. Raises SightlineError where the journal cannot be used, DiskFull where it grew too large
    for the disk; everything told of by then is in it.
    """
    plan = tuple(entries)
    checks = Checks(plan, decided)
    drops = [entry for entry in plan if entry.action == "drop"]
    if dry_run:
        for entry in drops:
            yield _outcome(entry, _Run(action, checks, None, sidecars))
        return
    with Journal.open(journal) as log:
        settle(log)
        for entry in drops:
            yield _outcome(entry, _Run(action, checks, log, sidecars))


def _outcome(entry: Entry, run: _Run) -> Outcome:
    action, log = run.action, run.log
    if log is not None and _was_done(entry, action, log):
        return Outcome(entry, False, "it was done before, as the journal says", before=True)
    made: Sidecar | None = None
    try:
        if action.same_bytes_only and entry.kind != "identical":
            raise FileFailure(
                f"its bytes are not its keeper's ({entry.kind}), so a link would change what is "
                "in it: use --trash, or make the plan with --kind identical"
            )
        with run.checks.pair(entry) as (loser, keeper):
            _require_writable(os.path.dirname(entry.path))
            target = action.target(loser)
            thought = sidecar.think(loser, keeper) if run.sidecars else None
            if log is not None:
                require_two(loser, keeper)
                settle_on_disk(keeper)
                if thought is not None:
                    _write(thought, entry.group, loser, keeper, log)
                    made = thought
                step = _step(entry, action, log.next_number, loser, keeper, target)
                _perform(step, action, loser, keeper, log)
        return _told(Outcome(entry, True, target=target), thought)
    except FileFailure as failure:
        return _told(Outcome(entry, False, failure.reason), made)


def _told(outcome: Outcome, made: Sidecar | None) -> Outcome:
    return outcome if made is None else replace(outcome, sidecar=made.path, said=made.said)


def _write(made: Sidecar, group: int, loser: Held, keeper: Held, log: Journal) -> None:
    step = sidecar.step_of(made, log.next_number, group, loser, keeper)
    with _logged(step, log):
        loser.require_unchanged()
        keeper.require_unchanged()
        sidecar.write(step, made)


def _perform(step: Step, action: Action, loser: Held, keeper: Held, log: Journal) -> None:
    with _logged(step, log):
        # Syncing the intent took its time.
        loser.require_unchanged()
        keeper.require_unchanged()
        action.perform(step, loser, keeper)


@contextmanager
def _logged(step: Step, log: Journal) -> Iterator[None]:
    log.begin(step)
    try:
        yield
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
