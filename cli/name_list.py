"""Lists of file names that other programs write: one a line, or each ended by a NUL.

A name is bytes: in a list without a mark, or in UTF-8, it comes through as it is.
"""

import os
import sys
from pathlib import Path

from storage.byte_order_mark import marked_encoding
from storage.errors import InvalidArgument, PathNotFound

_LETTERS = 3  # names of one byte, beyond which they are the letters of a text in UTF-16


def read_names(source: str, flag: str, *, ended_by_nul: bool) -> tuple[str, ...]:
    """Read the names in a file, or on stdin where `source` is "-"; `flag` is how it was given.

    A byte order mark names the encoding and is dropped. Raises PathNotFound for a file that
    cannot be read and InvalidArgument for one that holds something else than such a list.
    """
    data = _plain(_read(source, flag), f"{flag} {source}")
    split = _ended_by_nul if ended_by_nul else _lines
    return tuple(os.fsdecode(name) for name in split(data, f"{flag} {source}"))


def _read(source: str, flag: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise PathNotFound(f"{flag} {source} cannot be read: {error.strerror}") from error


def _plain(data: bytes, given: str) -> bytes:
    """Return the names as the bytes that the system has for them."""
    marked = marked_encoding(data)
    if marked is None:
        return data
    encoding, rest = marked
    if encoding == "utf-8":
        return rest
    try:
        return os.fsencode(rest.decode(encoding))
    except UnicodeError as error:
        raise InvalidArgument(
            f"{given} begins as {encoding.upper()} and is none ({error}): save it as UTF-8"
        ) from None


def _lines(data: bytes, given: str) -> list[bytes]:
    if b"\0" in data:
        raise InvalidArgument(
            f"{given} holds zero bytes: give names that end in them (find -print0) by "
            "--files-from0, and save a list in UTF-16 as UTF-8"
        )
    return [name for name in data.splitlines() if name]


def _ended_by_nul(data: bytes, given: str) -> list[bytes]:
    names = data.removesuffix(b"\0").split(b"\0") if data else []
    if b"\0" not in data and len(data.splitlines()) > 1:
        raise InvalidArgument(f"{given} holds no zero bytes: give names one a line by --files-from")
    if len(names) > _LETTERS and all(len(name) < 2 for name in names):
        raise InvalidArgument(f"{given} looks like UTF-16 without its mark: save it as UTF-8")
    if b"" in names:
        number = names.index(b"") + 1
        raise InvalidArgument(f"{given} holds an empty name, number {number:,}: leave it out")
    return names
