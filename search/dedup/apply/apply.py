"""Application of a plan: each dropped file is checked, then acted on or left with a reason."""

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
from search.dedup.apply.open_file import OpenFile, fsync_file, os_error_text, require_two, same_file
from search.dedup.apply.recovery import recover
from search.dedup.apply.sidecar import Sidecar
from search.dedup.apply.undo import put_back
from search.dedup.companions import Along, CompanionMode, going_along
from search.dedup.plan.plan import Entry
from storage.errors import FileFailure, Hint
from storage.tables.decisions import Decided


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one entry: done (in a dry run: would be done), or skipped for a reason."""

    entry: Entry
    done: bool
    failure: FileFailure | None = None
    before: bool = False  # an earlier run did it already
    target: str | None = None  # where the file went
    sidecar: str | None = None  # of the keeper, where it was written
    metadata: Metadata = Metadata()  # written into the sidecar: only this file had it
    companions: tuple[str, ...] = ()  # paths of what went with it

    @property
    def reason(self) -> str | None:
        """Return why it was left, by the names of Python."""
        return None if self.failure is None else self.failure.reason


@dataclass(frozen=True, slots=True)
class _Run:
    action: Action
    checks: Checks
    log: Journal | None  # none in a dry run
    sidecars: bool
    companions: CompanionMode

    def companion_mode(self, action: Action) -> CompanionMode:
        """Return the mode for companions; a file that keeps its name keeps its companions."""
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
    """Act on every dropped entry in order, yielding the outcome of each as soon as it is known.

    Each file and its keeper are read again just before the action. A file that differs from the
    plan is skipped, and so are the groups that a person `decided` to keep. The journal is
    created, or continued: open steps of an interrupted run are resolved first, so repeating the
    call finishes the work. A dry run makes the same checks and writes nothing. With `sidecars`,
    metadata that only the duplicate has is written beside its keeper first; if that fails, the
    file stays. With companions "keep", companions go with their file if the keeper has identical
    ones, otherwise the file stays; "move" takes them in any case, "leave" never. Raises
    SightlineError if the journal cannot be used, DiskFull if it does not fit on the disk; all
    outcomes yielded until then are in it.
    """
    plan = tuple(entries)
    checks = Checks(plan, decided)
    drops = [entry for entry in plan if entry.action == "drop"]
    if dry_run:
        for entry in drops:
            yield _outcome(entry, _Run(action, checks, None, sidecars, companions))
        return
    with Journal.open(journal) as log:
        recover(log)
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
        return _with_sidecar(
            Outcome(entry, False, _companions_restored(entry, failure, run.log)), *written
        )


def _drop(entry: Entry, run: _Run, written: list[Sidecar]) -> Outcome:
    """Drop a file after its companions; a sidecar that is written is appended to `written`."""
    action, log = run.action, run.log
    if action.same_bytes_only and entry.kind != "identical":
        raise FileFailure(
            f"its bytes are not its keeper's ({entry.kind}), so a link would change what is "
            "in it: use {trash}, or make the plan with {kinds} identical",
            others=("trash", "kinds"),
        )
    with (
        run.checks.pair(entry) as (duplicate, keeper),
        going_along(duplicate, keeper, run.companion_mode(action), run.checks.dropped) as along,
    ):
        _require_writable(os.path.dirname(entry.path))
        _require_copies(along, action)
        target, *targets = action.targets([duplicate, *(each.file for each in along)])
        prepared = sidecar.prepare(duplicate, keeper) if run.sidecars else None
        if log is not None:
            _fsync_keepers(duplicate, keeper, along)
            if prepared is not None:
                _write(prepared, entry.group, duplicate, keeper, log)
                written.append(prepared)
            for each, place in zip(along, targets, strict=True):
                kept = each.equal or keeper
                step = _step(entry.group, action, log.next_number, each.file, kept, place)
                _perform(replace(step, companion_of=entry.path), action, each.file, kept, log)
            step = _step(entry.group, action, log.next_number, duplicate, keeper, target)
            _perform(step, action, duplicate, keeper, log)
    went = tuple(each.file.path for each in along)
    return _with_sidecar(Outcome(entry, True, target=target, companions=went), prepared)


def _fsync_keepers(duplicate: OpenFile, keeper: OpenFile, along: Sequence[Along]) -> None:
    """Sync the keepers of an image and of its companions to the disk."""
    require_two(duplicate, keeper)
    for file in (keeper, *(each.equal for each in along)):
        if file is not None:
            fsync_file(file)


def _require_copies(along: Sequence[Along], action: Action) -> None:
    alone = [os.path.basename(each.file.path) for each in along if each.equal is None]
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
        # Companions dropped with an earlier copy of the file stay dropped.
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


def _with_sidecar(outcome: Outcome, *written: Sidecar | None) -> Outcome:
    for made in filter(None, written):
        outcome = replace(outcome, sidecar=made.path, metadata=made.added)
    return outcome


def _write(made: Sidecar, group: int, duplicate: OpenFile, keeper: OpenFile, log: Journal) -> None:
    step = sidecar.journal_step(made, log.next_number, group, duplicate, keeper)
    with _logged(step, log):
        duplicate.require_unchanged()
        keeper.require_unchanged()
        sidecar.write(step, made)


def _perform(
    step: Step, action: Action, duplicate: OpenFile, keeper: OpenFile, log: Journal
) -> None:
    with _logged(step, log):
        # Syncing the intent took time, so check again.
        duplicate.require_unchanged()
        keeper.require_unchanged()
        action.perform(step, duplicate, keeper)


@contextmanager
def _logged(step: Step, log: Journal) -> Iterator[None]:
    log.begin(step)
    try:
        yield
    except FileFailure as failure:
        log.mark(step, "failed", failure.reason)
        raise
    except OSError as error:
        log.mark(step, "failed", os_error_text(error))
        raise FileFailure(f"{step.action} failed: {os_error_text(error)}") from error
    log.mark(step, "done")


def _step(
    group: int,
    action: Action,
    number: int,
    duplicate: OpenFile,
    keeper: OpenFile,
    target: str | None,
) -> Step:
    return Step(
        number=number,
        action=action.name,
        group=group,
        path=duplicate.path,
        hash=duplicate.hash,
        bytes=duplicate.seen.st_size,
        mode=stat.S_IMODE(duplicate.seen.st_mode),
        mtime_ns=duplicate.seen.st_mtime_ns,
        uid=duplicate.seen.st_uid,
        gid=duplicate.seen.st_gid,
        keeper=keeper.path,
        keeper_hash=keeper.hash,
        target=target,
        draft=action.temp_path(duplicate, target),
    )


def _was_done(entry: Entry, action: Action, log: Journal) -> bool:
    """Return whether an earlier run did it; a file that someone restored counts as new."""
    did = log.finished(entry.path, entry.item)
    if did == "reflink":
        return action.name == did  # a reflink cannot be recognised on the disk
    if did == "hardlink":
        return same_file(entry.path, entry.keeper)
    return did is not None and not os.path.lexists(entry.path)


def _require_writable(folder: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileFailure(f"its folder {folder} is read-only, so it stays")
