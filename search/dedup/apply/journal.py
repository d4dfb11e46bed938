"""The write-ahead journal of an apply, as JSON Lines.

An intent is written and synced before each action, a mark after it. An intent without a mark was
interrupted; the state of the disk shows whether its action took effect.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from search.dedup.apply.open_file import lock_file, sync_folder
from search.dedup.plan.jsonl import (
    BadLine,
    hash_field,
    integer_field,
    parse_object,
    path_field,
    read_lines,
    require_keys,
    string_field,
    write_error,
)
from storage.errors import PathNotFound, SightlineError

ActionName = Literal["trash", "hardlink", "reflink", "move", "delete", "sidecar"]
Mark = Literal["done", "failed", "undoing", "undone"]
State = Literal["open", "done", "failed", "undoing", "undone"]
_LATER = frozenset(("former", "companion_of"))  # keys that older journals lack
_HEADER = b'{"record": "journal", "version": 1}\n'


@dataclass(frozen=True, slots=True)
class Former:
    """The bytes that a sidecar replaced, and the duplicate whose metadata it took over."""

    loser: str
    loser_hash: str  # SHA-256
    packed: str | None  # the former sidecar, deflated and in base64; None where there was none


@dataclass(frozen=True, slots=True)
class Step:
    """One action on one file, with all that is needed to check whether it happened and to undo it.

    `target` is the new path (trash, move); `draft` a temporary path that only this step uses.
    For a sidecar, path, hash and bytes are those of the new file; mode, date and owner are those
    of the sidecar it replaces.
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
    companion_of: str | None = None  # path of the image it belongs to


@dataclass(frozen=True, slots=True)
class Logged:
    """A step and its state."""

    step: Step
    state: State


class Journal:
    """A journal open for writing by one run."""

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
        """Open a journal to continue it, or create one; an incomplete last line is removed.

        Raises PathNotFound if it does not exist and may not be `new`, and SightlineError if the
        file is no journal, is in use by another run, or cannot be written.
        """
        path = os.path.abspath(file)
        try:
            stream = _opened(path, new)
        except OSError as error:
            raise write_error("the journal", path, error) from error
        with stream:
            if not lock_file(stream.fileno(), exclusive=True):
                raise SightlineError(f"the journal {path} is in use by another run: wait for it")
            try:
                _truncate_partial_line(path, stream)
                # Otherwise a power cut could remove the journal, but not the actions in it.
                sync_folder(os.path.dirname(path))
            except OSError as error:
                raise write_error("the journal", path, error) from error
            yield cls(path, stream, {one.step.number: one for one in read(path)[0]})

    @property
    def logged(self) -> tuple[Logged, ...]:
        """Return all steps in the order they began."""
        return tuple(self._logged.values())

    @property
    def next_number(self) -> int:
        """Return the number of the next step."""
        return max(self._logged, default=0) + 1

    def finished(self, path: str, content: str) -> ActionName | None:
        """Return the action done, and not undone, for a file with this content; None if none."""
        return self._finished.get((path, content))

    def companions_gone(self, path: str) -> tuple[Logged, ...]:
        """Return the steps that dropped companions of an image and were not undone."""
        return tuple(
            one
            for one in self._logged.values()
            if one.step.companion_of == path and one.state in ("done", "undoing")
        )

    def begin(self, step: Step) -> None:
        """Write and sync an intent; after a DiskFull or SightlineError the caller must stop."""
        self._write({"record": "intent", **asdict(step)})
        self._logged[step.number] = Logged(step, "open")

    def mark(self, step: Step, mark: Mark, reason: str | None = None) -> None:
        """Write the state of a step; after a DiskFull or SightlineError the caller must stop."""
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
            raise write_error("the journal", self.path, error) from error


def _append(file: int, line: bytes) -> None:
    """Append and sync a line, or leave the file as it was; raises OSError.

    A buffered stream would write the rest of its buffer later, even after an error.
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
    """Read a journal: its steps in order, and its invalid lines, each with the reason.

    Raises PathNotFound, or SightlineError if it cannot be read or is no journal.
    """
    logged: dict[int, Logged] = {}
    refused = []
    found = read_lines(file, "the journal")
    _require_header(file, next(found, (1, _HEADER))[1])
    for number, line in found:
        try:
            _take(parse_object(line), logged)
        except ValueError as error:
            refused.append(BadLine(number, str(error)))
    return tuple(logged.values()), tuple(refused)


def _take(row: dict[str, Any], logged: dict[int, Logged]) -> None:
    require_keys(row, "record", "number")
    number = integer_field(row, "number", 1)
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
    require_keys(row, *(field.name for field in fields(Step) if field.name not in _LATER))
    actions = [name for name in get_args(ActionName) if name == row["action"]]
    if not actions:
        raise ValueError(f"action is none of {', '.join(get_args(ActionName))}")
    return Step(
        number=integer_field(row, "number", 1),
        action=actions[0],
        group=integer_field(row, "group"),
        path=path_field(row, "path"),
        hash=hash_field(row, "hash"),
        bytes=integer_field(row, "bytes"),
        mode=integer_field(row, "mode"),
        mtime_ns=integer_field(row, "mtime_ns", -(2**63)),
        uid=integer_field(row, "uid"),
        gid=integer_field(row, "gid"),
        keeper=path_field(row, "keeper"),
        keeper_hash=hash_field(row, "keeper_hash"),
        target=None if row["target"] is None else path_field(row, "target"),
        draft=None if row["draft"] is None else path_field(row, "draft"),
        former=_former(row.get("former")),
        companion_of=None if row.get("companion_of") is None else path_field(row, "companion_of"),
    )


def _former(row: object) -> Former | None:
    if row is None:
        return None  # journals of earlier versions have no sidecars
    if not isinstance(row, dict):
        raise ValueError("former is not an object")
    require_keys(row, "loser", "loser_hash", "packed")
    packed = None if row["packed"] is None else string_field(row, "packed")
    return Former(path_field(row, "loser"), hash_field(row, "loser_hash"), packed)


def _opened(path: str, new: bool) -> BinaryIO:
    if not os.path.lexists(path):
        if not new:
            raise PathNotFound(f"the journal {path} is not there: check the path")
        return open(path, "x+b")
    if not os.path.isfile(path):  # a pipe might never end
        raise SightlineError(f"the journal {path} is not a file: check the path")
    return open(path, "r+b")


def _truncate_partial_line(path: str, stream: BinaryIO) -> None:
    """Remove an incomplete last line after a crash; raises SightlineError if it is no journal."""
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
