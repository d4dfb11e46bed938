"""Groups of duplicates: every member is what it is beside the keeper, and nothing by a third.

A picture that is like a member but not like the keeper is left out, and may head a group of its
own: chains (A like B, B like C) are how other tools come to delete what has no copy.
"""

import os
import stat
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from search.dedup.detect.detail_check import DetailCheck
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.finder import evidence_of
from search.dedup.detect.kinds import KINDS, Kind
from search.dedup.detect.verify import verify
from search.dedup.plan.keepers import Candidate, KeepOrder
from search.dedup.plan.stars import Neighbours, Star, stars
from storage.library import Library
from storage.records import Item
from storage.tables import duplicate_pairs, items
from storage.tables.decisions import Decided
from storage.tables.files import is_under


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a group beside its keeper; the keeper itself has no evidence."""

    item: Item
    path: str
    kind: Kind
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A keeper and what duplicates it; `kind` is the loosest in it."""

    number: int
    kind: Kind
    keeper: Member
    rule: str
    others: tuple[Member, ...]


class Grouping:
    """Makes groups of the pairs that were found, best keepers first."""

    def __init__(
        self,
        library: Library,
        order: KeepOrder,
        kinds: Sequence[Kind],
        dropped: Collection[Kind] = (),
        check: DetailCheck | None = None,
    ) -> None:
        """Take the kinds to group, and those of them whose files are to go.

        The latter are grouped first, so that a copy finds its keeper among its like and not in an
        edit that happens to be larger; what they leave is then grouped by the other kinds. What
        is to go is compared with its keeper once more by `check`, at full detail; without that
        no plan drops it.
        """
        self._library, self._order, self._check = library, order, check
        self._kinds = [kind for kind in KINDS if kind in kinds]
        going = [kind for kind in self._kinds if kind in dropped]
        self._going = going
        self._passes = [
            each for each in (going, [k for k in self._kinds if k not in going]) if each
        ]

    def run(
        self,
        within: Collection[int] | None = None,
        against: Collection[int] | None = None,
        folders: Sequence[str] = (),
    ) -> Iterator[Group]:
        """Yield the groups of pictures `within`, or of those each with what is `against` them.

        A picture that has files on both sides is on both. Of files only those in `folders` are
        given, where there are any; absolute paths.
        """
        with self._library.catalogue.reading() as connection:
            decided = Decided.read(connection)
            beside: Neighbours = defaultdict(dict)
            for page in duplicate_pairs.pairs(connection, self._kinds, within, against):
                for pair in page:
                    beside[pair.first][pair.second] = evidence_of(pair)
                    beside[pair.second][pair.first] = evidence_of(pair)
            chosen = set(beside)
            if "identical" in self._kinds:
                chosen |= set(_several(connection, within, against))
            found: dict[int, Item] = {}
            for part in items.batches(sorted(chosen)):
                found |= items.hydrate(connection, part)
        number = 0
        files = {item: self._files(found[item], folders) for item in sorted(found)}
        if self._check is not None:
            verify(self._library, self._check, self._going, self._order, files, beside, decided)
        for kinds in self._passes:
            formed, files = stars(files, beside, kinds, self._order, decided)
            for star in formed:
                group = self._group(number + 1, star)
                hashes = [group.keeper.item.hash, *(one.item.hash for one in group.others)]
                if not decided.hides(hashes):
                    number += 1
                    yield group

    def _group(self, number: int, star: Star) -> Group:
        keeper, *copies = star.own
        members = [
            Member(each.item, each.path, "identical", Evidence("identical")) for each in copies
        ]
        for files, evidence in star.others.values():
            members += [Member(each.item, each.path, evidence.kind, evidence) for each in files]
        members.sort(key=lambda member: (KINDS.index(member.kind), member.path))
        loosest = max((member.kind for member in members), key=KINDS.index)
        rule = self._order.decided(
            keeper, [Candidate(member.item, member.path) for member in members]
        )
        return Group(
            number, loosest, Member(keeper.item, keeper.path, loosest), rule, tuple(members)
        )

    def _files(self, item: Item, folders: Sequence[str]) -> list[Candidate]:
        """Return an item's files, the best first; names of one and the same file count once.

        Of identical files beyond the first none is given where `kinds` leave them out.
        """
        once: dict[tuple[int, int], Candidate] = {}
        for path in item.paths:
            if folders and not any(is_under(path, folder) for folder in folders):
                continue
            try:
                state = os.lstat(path)
            except OSError:
                continue  # gone since it was indexed: nothing to keep and nothing to drop
            if not stat.S_ISREG(state.st_mode):
                continue  # made a link since: no file of its own
            once.setdefault((state.st_dev, state.st_ino), Candidate(item, path))
        files = self._order.sort(list(once.values()))
        return files if "identical" in self._kinds else files[:1]


def _several(
    connection: Connection,
    within: Collection[int] | None,
    against: Collection[int] | None,
) -> Iterable[int]:
    allowed = None if within is None else set(within)
    if allowed is not None and against is not None:
        allowed &= set(against)  # files on both sides
    several = duplicate_pairs.of_several_files(connection)
    return several if allowed is None else (number for number in several if number in allowed)
