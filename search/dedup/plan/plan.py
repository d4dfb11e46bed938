"""A plan: JSON Lines, one entry for each file of a group, to be reviewed and then applied."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from search.dedup.detect.kinds import KINDS, Kind
from search.dedup.plan.jsonl import (
    BadLine,
    hash_field,
    integer_field,
    parse_object,
    path_field,
    path_fields,
    read_lines,
    require_keys,
    string_field,
    write_error,
)
from storage.disk.atomic import written_whole
from storage.errors import SightlineError

Choice = Literal["keep", "drop"]
CHOICES: tuple[Choice, ...] = ("keep", "drop")
BY_HAND = "by hand"  # the rule of a row that a person changed in the report
Value = TypeVar("Value", bound=str)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a group and its action; the fields are the keys of a line of a plan.

    The keeper's own entry has the action "keep" and its own path as keeper.
    """

    group: int
    kind: Kind  # of the pair with the keeper; in the keeper's entry the group's least certain one
    path: str  # absolute, undecodable bytes as surrogates
    item: str  # SHA-256 of the file's bytes, 64 hexadecimal digits
    keeper: str  # absolute path
    action: Choice
    rule: str  # that decided
    evidence: Mapping[str, object]
    bytes: int  # of the file
    companions: tuple[str, ...] = ()  # absolute paths of the files that belong to it


# Plans of earlier versions have no companions.
_KEYS = tuple(field.name for field in fields(Entry) if field.name != "companions")


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan as it was read: its entries, and the lines that are none."""

    path: Path
    entries: tuple[Entry, ...]
    refused: tuple[BadLine, ...]
    former: Path | None = None  # where the plan that lay there before is now

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
        """Return the lines that are no entries, each with the reason."""
        return tuple(f"{self.path}, line {bad.line}: {bad.reason}" for bad in self.refused)

    @property
    def drops(self) -> list[Entry]:
        """Return the files that are to be dropped."""
        return [entry for entry in self.entries if entry.action == "drop"]

    @property
    def journal(self) -> Path:
        """Return where the journal goes: the name has a digest, so that each plan has its own."""
        with self.path.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
        return self.path.with_name(f"{self.path.stem}-{digest[:8]}.journal.jsonl")


def line(entry: Entry) -> str:
    """Return an entry as one line of JSON in plain ASCII, so that any path survives."""
    return json.dumps(asdict(entry)) + "\n"


def write(entries: Iterable[Entry], file: str | Path) -> None:
    """Write a plan atomically; raises DiskFull, or SightlineError if it cannot be written."""
    target = Path(file)
    try:
        with written_whole(target) as stream:
            stream.writelines(line(entry).encode("ascii") for entry in entries)
    except OSError as error:
        raise write_error("the plan", target, error) from error


def read(file: str | Path) -> tuple[tuple[Entry, ...], tuple[BadLine, ...]]:
    """Read a plan: its entries, and its invalid lines, each with the reason.

    Unknown keys are ignored. Raises PathNotFound, or SightlineError if it cannot be read.
    """
    entries, refused = [], []
    for number, found in read_lines(file, "the plan"):
        try:
            entries.append(_entry(parse_object(found)))
        except ValueError as error:
            refused.append(BadLine(number, str(error)))
    return tuple(entries), tuple(refused)


def _entry(row: dict[str, Any]) -> Entry:
    require_keys(row, *_KEYS)
    evidence = row["evidence"]
    if not isinstance(evidence, dict):
        raise ValueError("evidence is not an object")
    return Entry(
        group=integer_field(row, "group"),
        kind=_one_of(KINDS, row, "kind"),
        path=path_field(row, "path"),
        item=hash_field(row, "item"),
        keeper=path_field(row, "keeper"),
        action=_one_of(CHOICES, row, "action"),
        rule=string_field(row, "rule"),
        evidence=evidence,
        bytes=integer_field(row, "bytes"),
        companions=path_fields(row, "companions") if "companions" in row else (),
    )


def _one_of(words: tuple[Value, ...], row: dict[str, Any], name: str) -> Value:
    for word in words:
        if row[name] == word:
            return word
    raise ValueError(f"{name} is none of {', '.join(words)}")
