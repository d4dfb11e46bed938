"""Parsing of JSON Lines from untrusted files: each line is an object with checked fields."""

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from storage.errors import DiskFull, PathNotFound, SightlineError

LONGEST_LINE = 1 << 20  # bytes; a path has at most a few thousand, evidence a few hundred
_LARGEST = 2**63 - 1
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class BadLine:
    """An invalid line of a plan or a journal, with the reason."""

    line: int  # from 1
    reason: str


def read_lines(file: str | Path, what: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, numbered from 1; `what` names the file in messages.

    A line longer than LONGEST_LINE is cut off, and `parse_object` refuses it. Raises PathNotFound,
    or SightlineError if the file cannot be read.
    """
    try:
        if not os.path.lexists(file):
            raise PathNotFound(f"{what} {file} is not there: check the path")
        if not os.path.isfile(file):  # a pipe might never end
            raise SightlineError(f"{what} {file} is not a file: check the path")
        with open(file, "rb") as stream:
            yield from _read_lines(stream)
    except OSError as error:
        raise SightlineError(f"{what} {file} cannot be read: {error.strerror or error}") from error


def _read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
        if line.strip():
            yield number, line


def write_error(what: str, file: str | Path, error: OSError) -> SightlineError:
    """Return the error to raise for a plan or a journal that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{what} {file}: the disk took no more; free some space and run it again")
    reason = error.strerror or str(error)
    return SightlineError(f"{what} {file} cannot be written: {reason}; choose another place for it")


def parse_object(line: bytes) -> dict[str, Any]:
    """Parse a line as a JSON object; raises a ValueError worded for the user."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"it is longer than {LONGEST_LINE:,} bytes")
    try:
        # Some editors write a byte order mark before the first line.
        string_field = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    try:
        found = json.loads(string_field, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg}, at character {error.colno}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Programs differ on which of two equal keys wins; a user's choice must not depend on that.
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands in it twice")
    return made


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def require_keys(row: dict[str, Any], *names: str) -> None:
    """Raise a ValueError with the missing keys, if there are any."""
    missing = [name for name in names if name not in row]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")


def integer_field(row: dict[str, Any], name: str, least: int = 0) -> int:
    """Return a field that must be an integer of 63 bits; raises ValueError."""
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST:
        raise ValueError(f"{name} is not a whole number from {least}")
    return value


def string_field(row: dict[str, Any], name: str) -> str:
    """Return a field that must be a string; raises ValueError."""
    value = row[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    return value


def hash_field(row: dict[str, Any], name: str) -> str:
    """Return a field that must be a SHA-256 of 64 hexadecimal digits; raises ValueError."""
    value = string_field(row, name)
    if len(value) != 64 or not _HEX.issuperset(value):
        raise ValueError(f"{name} is not a SHA-256 of 64 hexadecimal digits")
    return value


def path_fields(row: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a field that must be an array of absolute paths; raises ValueError."""
    values = row[name]
    if not isinstance(values, list):
        raise ValueError(f"{name} is not an array")
    return tuple(path_field({name: value}, name) for value in values)


def path_field(row: dict[str, Any], name: str) -> str:
    """Return a field that must be a valid absolute path; raises ValueError."""
    value = string_field(row, name)
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds characters that no path has") from None
    if not os.path.isabs(value) or "\0" in value:
        raise ValueError(f"{name} is not an absolute path")
    return value
