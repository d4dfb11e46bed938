"""Applying a plan: each file that it drops is checked, then acted on, or left with a reason."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.images.metadata.description import Metadata
from search.dedup.apply import sidecar
from search.dedup.apply.actions import Action
from search.dedup.apply.checks import Checks
from search.dedup.apply.journal import Journal, Step
from search.dedup.apply.open_file import Held, are_one, require_two, settle_on_disk, words
from search.dedup.apply.recovery import settle
from search.dedup.apply.sidecar import Sidecar
from search.dedup.apply.undo import put_back
from search.dedup.companions import Along, CompanionMode, going_along
from search.dedup.plan.plan import Entry
from storage.errors import FileFailure, Hint
from storage.tables.decisions import Decided


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry: done (in a dry run: it would be), or left as it was and why."""

    entry: Entry
    done: bool
    failure: FileFailure | None = None
    before: bool = False  # an earlier run did it, so nothing is left to do
    target: str | None = None  # where the file went
    sidecar: str | None = None  # of the keeper, where it was written
    said: Metadata = Metadata()  # what was written into it: only this file had it
    companions: tuple[str, ...] = ()  # paths of what went with it

    @property
    def reason(self) -> str | None:
        """Why it was left, in the words of Python."""
        return None if self.failure is None else self.failure.reason


@dataclass(frozen=True, slots=True)
class _Run:
    action: Action
    checks: Checks
    log: Journal | None  # none in a dry run
    sidecars: bool
    companions: CompanionMode

    def companion_mode(self, action: Action) -> CompanionMode:
        """Return what is to become of companions; a file that keeps its name keeps them."""
        return "leave" if action.same_bytes_only else self.companions


def apply(
    entries: Iterable[Entry],
    action: Action,
    journal: str | Path,
    *,
    dry_run: bool = False,
    sidecars: bool = False,
    companions: CompanionMode = "keep",
    decided: Decided | None = None,
) -> Iterator[Outcome]:
    """Act on every entry that is dropped, in order, telling of each as soon as it is settled.

    Each file and its keeper are read anew just before, and whatever is not as the plan says is
    left alone, and so are the groups that a person `decided` to keep. The journal is begun, or
    gone on with: what an interrupted run left in it is settled first, so the same call again
    finishes the work. A dry run checks the same and writes nothing. With `sidecars`, what only a
    file says is written beside its keeper before the file goes; where it cannot be, the file
    stays. The companions of a file go with it where its keeper has equal ones, with "move" in
    any case, with "leave" never; else a file that has some stays. Raises SightlineError where
    the journal cannot be used, DiskFull where it grew too large for the disk; everything told of
    by then is in it.
    """
    plan = tuple(entries)
    checks = Checks(plan, decided)
    drops = [entry for entry in plan if entry.action == "drop"]
    if dry_run:
        for entry in drops:
            yield _outcome(entry, _Run(action, checks, None, sidecars, companions))
        return
    with Journal.open(journal) as log:
        settle(log)
        for entry in drops:
            yield _outcome(entry, _Run(action, checks, log, sidecars, companions))


def _outcome(entry: Entry, run: _Run) -> Outcome:
    if run.log is not None and _was_done(entry, run.action, run.log):
        failure = FileFailure("it was done before, as the journal says")
        return Outcome(entry, False, failure, before=True)
    written: list[Sidecar] = []
    try:
        return _drop(entry, run, written)
    except FileFailure as failure:
        return _told(Outcome(entry, False, _companions_restored(entry, failure, run.log)), *written)


def _drop(entry: Entry, run: _Run, written: list[Sidecar]) -> Outcome:
    """Drop a file, its companions before it; `written` gets the sidecar that came about."""
    action, log = run.action, run.log
    if action.same_bytes_only and entry.kind != "identical":
        raise FileFailure(
            f"its bytes are not its keeper's ({entry.kind}), so a link would change what is "
            "in it: use {trash}, or make the plan with {kinds} identical",
            others=("trash", "kinds"),
        )
    with (
        run.checks.pair(entry) as (loser, keeper),
        going_along(loser, keeper, run.companion_mode(action), run.checks.losers) as along,
    ):
        _require_writable(os.path.dirname(entry.path))
        _require_copies(along, action)
        target, *targets = action.targets([loser, *(each.held for each in along)])
        thought = sidecar.think(loser, keeper) if run.sidecars else None
        if log is not None:
            _settle_keepers(loser, keeper, along)
            if thought is not None:
                _write(thought, entry.group, loser, keeper, log)
                written.append(thought)
            for each, place in zip(along, targets, strict=True):
                kept = each.equal or keeper
                step = _step(entry.group, action, log.next_number, each.held, kept, place)
                _perform(replace(step, companion_of=entry.path), action, each.held, kept, log)
            step = _step(entry.group, action, log.next_number, loser, keeper, target)
            _perform(step, action, loser, keeper, log)
    went = tuple(each.held.path for each in along)
    return _told(Outcome(entry, True, target=target, companions=went), thought)


def _settle_keepers(loser: Held, keeper: Held, along: Sequence[Along]) -> None:
    """Bring to the disk what stands for the files that are to go."""
    require_two(loser, keeper)
    for held in (keeper, *(each.equal for each in along)):
        if held is not None:
            settle_on_disk(held)


def _require_copies(along: Sequence[Along], action: Action) -> None:
    alone = [os.path.basename(each.held.path) for each in along if each.equal is None]
    if alone and action.name == "delete":
        raise FileFailure(
            f"{', '.join(alone)} would go with it and is nowhere else: use {{trash}} or {{move}}",
            others=("trash", "move"),
        )


def _companions_restored(entry: Entry, failure: FileFailure, log: Journal | None) -> FileFailure:
    """Put back the companions of a file that stays; return why it stays, and what came of it.

    What is returned has no traceback, which would hold on to the files.
    """
    if log is None or log.finished(entry.path, entry.item):
        # A file that came back does not bring back what went with the former one.
        return failure.wrapped()
    gone = log.companions_gone(entry.path)
    if not gone:
        return failure.wrapped()
    undone = [put_back(one, log) for one in reversed(gone)]
    left = [one.step.path for one in undone if not one.done]
    if left:
        after = f"; not put back: {', '.join(left)}, undo what {log.path} holds"
        return failure.wrapped(after=after, hint=Hint("undo", str(log.path)))
    return failure.wrapped(after="; the companions that had gone are back")


def _told(outcome: Outcome, *written: Sidecar | None) -> Outcome:
    for made in filter(None, written):
        outcome = replace(outcome, sidecar=made.path, said=made.said)
    return outcome


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
    group: int, action: Action, number: int, loser: Held, keeper: Held, target: str | None
) -> Step:
    return Step(
        number=number,
        action=action.name,
        group=group,
        path=loser.path,
        hash=loser.hash,
        bytes=loser.seen.st_size,
        mode=stat.S_IMODE(loser.seen.st_mode),
        mtime_ns=loser.seen.st_mtime_ns,
        uid=loser.seen.st_uid,
        gid=loser.seen.st_gid,
        keeper=keeper.path,
        keeper_hash=keeper.hash,
        target=target,
        draft=action.draft(loser, target),
    )


def _was_done(entry: Entry, action: Action, log: Journal) -> bool:
    """Return whether an earlier run did it; a file that came back by other hands is a new one."""
    did = log.finished(entry.path, entry.item)
    if did == "reflink":
        return action.name == did  # nothing on the disk shows it
    if did == "hardlink":
        return are_one(entry.path, entry.keeper)
    return did is not None and not os.path.lexists(entry.path)


def _require_writable(folder: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileFailure(f"its folder {folder} is read-only, so it stays")
