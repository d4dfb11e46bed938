"""A plan: JSON Lines, one object for each file of a group, to be reviewed and then applied."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from search.dedup.detect.kinds import KINDS, Kind
from search.dedup.plan.jsonl import (
    BadLine,
    digest,
    numbered,
    parsed,
    place,
    places,
    present,
    text,
    unwritable,
    whole,
)
from storage.disk.atomic import written_whole

Choice = Literal["keep", "drop"]
CHOICES: tuple[Choice, ...] = ("keep", "drop")
BY_HAND = "by hand"  # the rule of a row that a person changed in the report
Word = TypeVar("Word", bound=str)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a group, and what is to become of it; the fields are the keys of a plan's line.

    The keeper's own row has action "keep" and its own path as keeper.
    """

    group: int
    kind: Kind  # of this file beside the keeper; in the keeper's own row the group's loosest
    path: str  # absolute, undecodable bytes as surrogates
    item: str  # SHA-256 of the file's bytes, 64 hexadecimal digits
    keeper: str  # absolute path
    action: Choice
    rule: str  # that decided
    evidence: Mapping[str, object]
    bytes: int  # of the file
    companions: tuple[str, ...] = ()  # absolute paths of the files that belong to it


# Plans of before there were companions lack them.
_KEYS = tuple(field.name for field in fields(Entry) if field.name != "companions")


def line(entry: Entry) -> str:
    """Spell an entry as one line of JSON in plain ASCII, so that any path survives."""
    return json.dumps(asdict(entry)) + "\n"


def write(entries: Iterable[Entry], file: str | Path) -> None:
    """Write a plan so that it is there whole or not at all.

    Raises DiskFull, or SightlineError where the folder takes no file.
    """
    target = Path(file)
    try:
        with written_whole(target) as stream:
            stream.writelines(line(entry).encode("ascii") for entry in entries)
    except OSError as error:
        raise unwritable("the plan", target, error) from error


def read(file: str | Path) -> tuple[tuple[Entry, ...], tuple[BadLine, ...]]:
    """Read a plan: its entries, and the lines that are none with the reason for each.

    Keys that a plan does not have are passed over. Raises PathNotFound, or SightlineError where
    something is there that cannot be read.
    """
    entries, refused = [], []
    for number, found in numbered(file, "the plan"):
        try:
            entries.append(_entry(parsed(found)))
        except ValueError as error:
            refused.append(BadLine(number, str(error)))
    return tuple(entries), tuple(refused)


def _entry(row: dict[str, Any]) -> Entry:
    present(row, *_KEYS)
    evidence = row["evidence"]
    if not isinstance(evidence, dict):
        raise ValueError("evidence is not an object")
    return Entry(
        group=whole(row, "group"),
        kind=_among(KINDS, row, "kind"),
        path=place(row, "path"),
        item=digest(row, "item"),
        keeper=place(row, "keeper"),
        action=_among(CHOICES, row, "action"),
        rule=text(row, "rule"),
        evidence=evidence,
        bytes=whole(row, "bytes"),
        companions=places(row, "companions") if "companions" in row else (),
    )


def _among(words: tuple[Word, ...], row: dict[str, Any], name: str) -> Word:
    for word in words:
        if row[name] == word:
            return word
    raise ValueError(f"{name} is none of {', '.join(words)}")
