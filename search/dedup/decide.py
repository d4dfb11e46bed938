"""Decisions of a person on groups of a plan: stored, listed and taken back."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.dedup.plan.plan import PlanFile
from storage.errors import Hint, InvalidArgument, SightlineError
from storage.library import Library
from storage.records import Item
from storage.tables import decisions, items
from storage.tables.decisions import Decision, DecisionKind


@dataclass(frozen=True, slots=True)
class DecidedGroup:
    """A decision, with a file for each of its contents; None for a content that is gone."""

    decision: Decision
    paths: tuple[str | None, ...]


def decide(library: Library, plan: PlanFile, groups: Sequence[int], kind: DecisionKind) -> None:
    """Store a decision on each of these groups of a plan.

    Raises SightlineError for a plan with lines that cannot be read, as a decision names every
    file of its group, InvalidArgument for a group that the plan does not have, LibraryInUse.
    """
    if plan.refused:
        raise SightlineError(
            f"{plan.path}, line {plan.refused[0].line}: {plan.refused[0].reason}; a decision names "
            "every file of its group, so nothing was decided: make the plan anew"
        )
    hashes: dict[int, list[str]] = defaultdict(list)
    for entry in plan.entries:
        hashes[entry.group].append(entry.item)
    missing = [number for number in groups if number not in hashes]
    if missing:
        raise InvalidArgument(f"{plan.path} has no group {missing[0]}: see its report")
    with library.writing("dedup decide"), library.catalogue.writing() as connection:
        for number in groups:
            decisions.record(connection, kind, hashes[number])


def decided(library: Library) -> list[DecidedGroup]:
    """List what was decided, in order, each with the files it is about."""
    with library.catalogue.reading() as connection:
        known = decisions.every(connection)
        numbers = items.numbers(connection, "image", {each for one in known for each in one.hashes})
        found = items.hydrate(connection, list(numbers.values()))
    by_hash = {item.hash: item for item in found.values()}
    return [DecidedGroup(each, tuple(_paths(each, by_hash))) for each in known]


def take_back(library: Library, numbers: Sequence[int]) -> int:
    """Take decisions back and return how many; raises InvalidArgument for an unknown number."""
    with library.writing("dedup decide"), library.catalogue.writing() as connection:
        known = {one.id for one in decisions.every(connection)}
        unknown = [number for number in numbers if number not in known]
        if unknown:
            raise InvalidArgument(
                f"there is no decision {unknown[0]}, so none was taken back: list the decisions",
                hint=Hint("list decisions"),
            )
        return decisions.remove(connection, numbers)


def _paths(decision: Decision, by_hash: dict[str, Item]) -> Iterator[str | None]:
    """Name a file for each content of a decision, another one where a content comes again."""
    waiting = {each: iter(item.paths + item.excluded_paths) for each, item in by_hash.items()}
    for content in decision.hashes:
        yield next(waiting.get(content, iter(())), None)
