"""One run of duplicates over a folder, as the product does it: pairs, groups and a default plan."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

from indexer import IndexConfig
from indexer.cpu import usable_cores
from indexer.images.limits import Limits
from indexer.ingest import Indexer
from indexer.models import load
from indexer.workers import ReadPool
from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.finder import DuplicateFinder
from search.dedup.detect.kinds import KINDS, Thresholds
from search.dedup.plan.entries import entries
from search.dedup.plan.groups import Grouper
from search.dedup.plan.keepers import KeepOrder
from search.dedup.plan.plan import Entry
from search.dedup.request import DROPPED
from storage import Library
from storage.tables import duplicate_pairs, items

Pair = tuple[str, str]  # paths, in order


@dataclass(frozen=True, slots=True)
class Run:
    """What was found: the kind of each pair of files, the plan, and the seconds of each part."""

    kinds: dict[Pair, str]
    plan: list[Entry]
    seconds: dict[str, float]

    @property
    def groups(self) -> list[set[str]]:
        """The files of each group."""
        found: dict[int, set[str]] = {}
        for entry in self.plan:
            found.setdefault(entry.group, set()).add(entry.path)
        return list(found.values())


def run(folder: Path, library_folder: Path) -> Run:
    """Index a folder with `mini`, and find and plan without its help."""
    limits = Thresholds()
    with Library.create(library_folder) as library:
        began = time.monotonic()
        Indexer(library, load("mini"), IndexConfig(paths=(str(folder),))).run()
        indexed = time.monotonic()
        DuplicateFinder(library, limits).run()
        found = time.monotonic()
        with ReadPool(usable_cores(), Limits(), "indexer.images.compare.comparison") as pool:
            check = DetailCheck(limits, library.thumbnail, pool)
            groups = Grouper(library, KeepOrder(), KINDS[:3], DROPPED, check).run()
            plan = list(entries(groups))
        planned = time.monotonic()
        kinds = kinds_of(library, KINDS[:3])
    seconds = {"index": indexed - began, "find": found - indexed, "plan": planned - found}
    return Run(kinds, plan, seconds)


def kinds_of(library: Library, asked: Sequence[str]) -> dict[Pair, str]:
    """Return the kind of every pair of files, of which those of one content are one item."""
    kinds: dict[Pair, str] = {}
    with library.catalogue.reading() as connection:
        for number in duplicate_pairs.of_several_files(connection):
            paths = items.hydrate(connection, [number])[number].paths
            same = (ordered(*pair) for pair in combinations(paths, 2))
            kinds |= dict.fromkeys(same, "identical")
        for page in duplicate_pairs.pairs(connection, asked):
            numbers = sorted({number for pair in page for number in (pair.first, pair.second)})
            held = {
                number: item.paths
                for part in items.batches(numbers)
                for number, item in items.hydrate(connection, part).items()
            }
            for pair in page:
                for both in product(held[pair.first], held[pair.second]):
                    kinds[ordered(*both)] = pair.kind
    return kinds


def ordered(one: str, other: str) -> Pair:
    """Return a pair as `Run.kinds` names it."""
    return (one, other) if one < other else (other, one)
