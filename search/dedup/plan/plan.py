"""A plan: JSON Lines, one object for each file of a group, to be reviewed and then applied."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from hashlib import file_digest
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal, Self, TypeVar

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
from storage.errors import SightlineError

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


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan as it was read: its entries, and the lines that are none."""

    path: Path
    entries: tuple[Entry, ...]
    refused: tuple[BadLine, ...]

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a plan; raises PathNotFound, or SightlineError for a file that is no plan."""
        entries, refused = read(path)
        if refused and not entries:
            lines = "1 line" if len(refused) == 1 else f"{len(refused):,} lines"
            raise SightlineError(
                f"{path} is no plan: of its {lines} none is a plan's; "
                f"line {refused[0].line}: {refused[0].reason}"
            )
        return cls(Path(path), entries, refused)

    @property
    def notices(self) -> tuple[str, ...]:
        """The lines that are no entries, each with the reason."""
        return tuple(f"{self.path}, line {bad.line}: {bad.reason}" for bad in self.refused)

    @property
    def drops(self) -> list[Entry]:
        """The files that are to go."""
        return [entry for entry in self.entries if entry.action == "drop"]

    @property
    def journal(self) -> Path:
        """Where the journal goes: its name has a digest, as another plan has its own journal."""
        with self.path.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
        return self.path.with_name(f"{self.path.stem}-{digest[:8]}.journal.jsonl")


def line(entry: Entry) -> str:
    """Spell an entry as one line of JSON in plain ASCII, so that any path survives."""
    return json.dumps(asdict(entry)) + "\n"


def write(entries: Iterable[Entry], file: str | Path) -> None:
    """Write a plan so that it is there whole or not at all.

    Raises DiskFull, or SightlineError where the folder takes no file.
    """
    target = Path(file)
    draft = target.with_name(f".sightline-{token_hex(8)}")
    try:
        try:
            with draft.open("x", encoding="ascii", newline="\n") as stream:
                stream.writelines(map(line, entries))
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(target)
        finally:
            with suppress(OSError):
                draft.unlink()
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
