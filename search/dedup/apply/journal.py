"""The journal of an apply: JSON Lines; what is about to happen is on the disk before it happens.

An intent is written and synced before each action, a mark after it. An intent without a mark is
one that was interrupted: the disk tells whether it came about.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from search.dedup.apply.open_file import claim, sync_folder
from search.dedup.plan.jsonl import (
    BadLine,
    digest,
    numbered,
    parsed,
    place,
    present,
    text,
    unwritable,
    whole,
)
from storage.errors import PathNotFound, SightlineError

ActionName = Literal["trash", "hardlink", "reflink", "move", "delete", "sidecar"]
Mark = Literal["done", "failed", "undoing", "undone"]
State = Literal["open", "done", "failed", "undoing", "undone"]
_LATER = frozenset(("former", "companion_of"))  # keys that older journals lack
_HEADER = b'{"record": "journal", "version": 1}\n'


@dataclass(frozen=True, slots=True)
class Former:
    """What stood at a sidecar's place, and for which file it came to speak."""

    loser: str
    loser_hash: str  # SHA-256
    packed: str | None  # the former sidecar, deflated and in base64; None where there was none


@dataclass(frozen=True, slots=True)
class Step:
    """One action on one file, with all that is needed to tell whether it happened and to undo it.

    `target` is where the file goes (trash, move); `draft` a name that only this step uses, for a
    file that is being made. Of a sidecar that is written, path, hash and bytes are its own, and
    what else a file has is of the former one.
    """

    number: int  # from 1
    action: ActionName
    group: int
    path: str
    hash: str  # SHA-256 of the file
    bytes: int
    mode: int
    mtime_ns: int
    uid: int
    gid: int
    keeper: str
    keeper_hash: str
    target: str | None = None
    draft: str | None = None
    former: Former | None = None  # of a sidecar alone
    companion_of: str | None = None  # the image that it goes with


@dataclass(frozen=True, slots=True)
class Logged:
    """A step, and how far it came."""

    step: Step
    state: State


class Journal:
    """A journal that is open for writing by one run."""

    def __init__(self, path: str, stream: BinaryIO, logged: dict[int, Logged]) -> None:
        self.path = path
        self._file = stream.fileno()
        self._logged = logged
        self._finished = {
            (one.step.path, one.step.hash): one.step.action
            for one in logged.values()
            if one.state == "done" and one.step.action != "sidecar"
        }

    @classmethod
    @contextmanager
    def open(cls, file: str | Path, *, new: bool = True) -> Iterator["Journal"]:
        """Open a journal to go on with it, or begin one; a line that was cut off is taken away.

        Raises PathNotFound unless it may be `new`, and SightlineError where it is no journal,
        another run has it, or it cannot be written.
        """
        path = os.path.abspath(file)
        try:
            stream = _opened(path, new)
        except OSError as error:
            raise unwritable("the journal", path, error) from error
        with stream:
            if not claim(stream.fileno(), alone=True):
                raise SightlineError(f"the journal {path} is in use by another run: wait for it")
            try:
                _mend(path, stream)
                # Else a power cut could take the journal of what it lets happen.
                sync_folder(os.path.dirname(path))
            except OSError as error:
                raise unwritable("the journal", path, error) from error
            yield cls(path, stream, {one.step.number: one for one in read(path)[0]})

    @property
    def logged(self) -> tuple[Logged, ...]:
        """Return every step in the order in which it was begun."""
        return tuple(self._logged.values())

    @property
    def next_number(self) -> int:
        """Return the number of the step to come."""
        return max(self._logged, default=0) + 1

    def finished(self, path: str, content: str) -> ActionName | None:
        """Return by which action a file with this content was dealt with, and not undone."""
        return self._finished.get((path, content))

    def companions_gone(self, path: str) -> tuple[Logged, ...]:
        """Return the steps by which companions of an image went, and were not put back."""
        return tuple(
            one
            for one in self._logged.values()
            if one.step.companion_of == path and one.state in ("done", "undoing")
        )

    def begin(self, step: Step) -> None:
        """Put an intent on the disk; raises DiskFull or SightlineError, and then stop."""
        self._write({"record": "intent", **asdict(step)})
        self._logged[step.number] = Logged(step, "open")

    def mark(self, step: Step, mark: Mark, reason: str | None = None) -> None:
        """Note how far a step came; raises DiskFull or SightlineError, and then stop."""
        row: dict[str, object] = {"record": mark, "number": step.number}
        self._write(row if reason is None else {**row, "reason": reason})
        self._logged[step.number] = Logged(step, mark)
        if mark == "done" and step.action != "sidecar":
            self._finished[step.path, step.hash] = step.action
        elif mark == "undone":
            self._finished.pop((step.path, step.hash), None)

    def _write(self, row: dict[str, object]) -> None:
        row["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            _append(self._file, json.dumps(row).encode("ascii") + b"\n")
        except OSError as error:
            raise unwritable("the journal", self.path, error) from error


def _append(file: int, line: bytes) -> None:
    """Write a line to the disk or leave the file as it was; raises OSError.

    Not through a stream: what that still holds after an error it would write later.
    """
    end = os.lseek(file, 0, os.SEEK_END)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, end)
        raise


def read(file: str | Path) -> tuple[tuple[Logged, ...], tuple[BadLine, ...]]:
    """Read a journal: its steps in order, and the lines that are none with the reason for each.

    Raises PathNotFound, or SightlineError where it cannot be read or is no journal.
    """
    logged: dict[int, Logged] = {}
    refused = []
    found = numbered(file, "the journal")
    _require_header(file, next(found, (1, _HEADER))[1])
    for number, line in found:
        try:
            _take(parsed(line), logged)
        except ValueError as error:
            refused.append(BadLine(number, str(error)))
    return tuple(logged.values()), tuple(refused)


def _take(row: dict[str, Any], logged: dict[int, Logged]) -> None:
    present(row, "record", "number")
    number = whole(row, "number", 1)
    if row["record"] == "intent":
        if number in logged:
            raise ValueError(f"step {number} is there already")
        logged[number] = Logged(_step(row), "open")
        return
    for mark in get_args(Mark):
        if row["record"] == mark:
            if number not in logged:
                raise ValueError(f"there is no step {number} before it")
            logged[number] = replace(logged[number], state=mark)
            return
    raise ValueError("its record is of no known sort")


def _step(row: dict[str, Any]) -> Step:
    present(row, *(field.name for field in fields(Step) if field.name not in _LATER))
    actions = [name for name in get_args(ActionName) if name == row["action"]]
    if not actions:
        raise ValueError(f"action is none of {', '.join(get_args(ActionName))}")
    return Step(
        number=whole(row, "number", 1),
        action=actions[0],
        group=whole(row, "group"),
        path=place(row, "path"),
        hash=digest(row, "hash"),
        bytes=whole(row, "bytes"),
        mode=whole(row, "mode"),
        mtime_ns=whole(row, "mtime_ns", -(2**63)),
        uid=whole(row, "uid"),
        gid=whole(row, "gid"),
        keeper=place(row, "keeper"),
        keeper_hash=digest(row, "keeper_hash"),
        target=None if row["target"] is None else place(row, "target"),
        draft=None if row["draft"] is None else place(row, "draft"),
        former=_former(row.get("former")),
        companion_of=None if row.get("companion_of") is None else place(row, "companion_of"),
    )


def _former(row: object) -> Former | None:
    if row is None:
        return None  # as in every journal before there were sidecars
    if not isinstance(row, dict):
        raise ValueError("former is not an object")
    present(row, "loser", "loser_hash", "packed")
    packed = None if row["packed"] is None else text(row, "packed")
    return Former(place(row, "loser"), digest(row, "loser_hash"), packed)


def _opened(path: str, new: bool) -> BinaryIO:
    if not os.path.lexists(path):
        if not new:
            raise PathNotFound(f"the journal {path} is not there: check the path")
        return open(path, "x+b")
    if not os.path.isfile(path):  # a pipe might never end
        raise SightlineError(f"the journal {path} is not a file: check the path")
    return open(path, "r+b")


def _mend(path: str, stream: BinaryIO) -> None:
    """Take away what a crash left of a last line, in a file that is surely a journal."""
    first = stream.readline(len(_HEADER))
    if not first or (_HEADER.startswith(first) and not first.endswith(b"\n")):
        os.ftruncate(stream.fileno(), 0)
        _append(stream.fileno(), _HEADER)
        return
    _require_header(path, first)
    whole_lines = len(_HEADER)
    for line in stream:
        whole_lines += len(line) if line.endswith(b"\n") else 0
    os.ftruncate(stream.fileno(), whole_lines)


def _require_header(file: str | Path, line: bytes) -> None:
    if line.rstrip() != _HEADER.rstrip():
        raise SightlineError(f"{file} is not a journal of an applied plan: check the path")
