"""Decisions: a user's decisions on groups of duplicates, stored by content.

A decision holds the content hashes of a group's files, one for each file, so it survives moves,
re-indexing and changes of model. With a new file in it the group is undecided again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self, get_args

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from storage import schema
from storage.errors import InvalidArgument

DecisionKind = Literal["keep-all", "not-duplicates"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: "keep-all" hides its group, "not-duplicates" also parts every pair in it."""

    id: int
    kind: DecisionKind
    hashes: tuple[str, ...]  # sorted; a content of two files stands twice
    at: str  # ISO 8601, UTC


class Decided:
    """All decisions of a library, read once and used for many groups."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self._members: dict[int, Counter[str]] = {}
        self._holding: dict[str, set[int]] = {}
        self._parting: set[int] = set()
        for decision in decisions:
            self._members[decision.id] = Counter(decision.hashes)
            for content in decision.hashes:
                self._holding.setdefault(content, set()).add(decision.id)
            if decision.kind == "not-duplicates":
                self._parting.add(decision.id)

    @classmethod
    def read(cls, connection: Connection) -> Self:
        """Read the decisions of a library."""
        return cls(every(connection))

    def hides(self, hashes: Iterable[str]) -> bool:
        """Return whether a group is hidden: `hashes` has one for each of its files.

        It is where one decision holds them all, so a new member, or a new copy of an old one,
        shows the group again.
        """
        group = Counter(hashes)
        return any(group <= self._members[number] for number in self._common(group))

    def stays(self, hashes: Sequence[str]) -> list[bool]:
        """Return for each file of a group, the best first, whether a decision keeps it.

        As many files of a content as one decision names: what joined the group later is not
        decided on, and of equal files the last ones are taken for it.
        """
        left: Counter[str] = Counter()
        for content in set(hashes):
            for number in self._holding.get(content, ()):
                left[content] = max(left[content], self._members[number][content])
        staying = []
        for content in hashes:
            staying.append(left[content] > 0)
            left[content] -= 1
        return staying

    def parts(self, first: str, second: str) -> bool:
        """Return whether a decision says that two contents are not duplicates."""
        return first != second and bool(self._common((first, second)) & self._parting)

    def _common(self, hashes: Iterable[str]) -> set[int]:
        """Return the decisions that contain all of these contents; none for no contents."""
        holding = [self._holding.get(content, set()) for content in hashes]
        return set.intersection(*holding) if holding else set()


def record(connection: Connection, kind: DecisionKind, hashes: Iterable[str]) -> int:
    """Store a decision on a group, one content hash for each file; returns its number.

    The same decision taken again keeps its number. Raises InvalidArgument where there is nothing
    to decide: an unknown kind, no files, or the same bytes called not duplicates.
    """
    members = tuple(sorted(hashes))
    if kind not in get_args(DecisionKind):
        known = ", ".join(get_args(DecisionKind))
        raise InvalidArgument(f"there is no decision {kind!r}: take one of {known}")
    if len(set(members)) < (2 if kind == "not-duplicates" else 1):
        raise InvalidArgument(
            f"{kind} needs a group of "
            + ("different contents: files of the same bytes are duplicates" if members else "files")
        )
    table = schema.decisions
    now = datetime.now(UTC).isoformat(timespec="seconds")
    put = insert(table).values(kind=kind, hashes=members, at=now)
    again = put.on_conflict_do_update(index_elements=["kind", "hashes"], set_={"at": now})
    return int(connection.execute(again.returning(table.c.id)).scalar_one())


def every(connection: Connection) -> list[Decision]:
    """List the decisions in the order they were first taken."""
    rows = connection.execute(select(schema.decisions).order_by(schema.decisions.c.id))
    return [Decision(**row._mapping) for row in rows]


def remove(connection: Connection, numbers: Iterable[int]) -> int:
    """Delete decisions by number; return how many there were."""
    table = schema.decisions
    gone = [delete(table).where(table.c.id == number) for number in set(numbers)]
    return sum(connection.execute(statement).rowcount for statement in gone)
