"""Groups of duplicates: every member was compared with the keeper itself.

An image that is like a member but not like the keeper is left out, and may head a group of its
own. Tools that follow chains (A like B, B like C) delete files that have no copy left.
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
    """A file of a group; the keeper itself has no evidence."""

    item: Item
    path: str
    kind: Kind
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A keeper and its duplicates; `kind` is the least certain of them."""

    number: int
    kind: Kind
    keeper: Member
    rule: str
    others: tuple[Member, ...]


class Grouper:
    """Forms groups of stored pairs, best keepers first."""

    def __init__(
        self,
        library: Library,
        order: KeepOrder,
        kinds: Sequence[Kind],
        dropped: Collection[Kind] = (),
        check: DetailCheck | None = None,
    ) -> None:
        """Create a grouper for `kinds`, of which the `dropped` ones are grouped first.

        So a copy joins the keeper of its copies, not an edit that happens to be larger; the
        remaining files are then grouped by the other kinds. Pairs that would drop a file are
        compared at full detail by `check`; without it no plan drops them.
        """
        self._library, self._order, self._check = library, order, check
        self._kinds = [kind for kind in KINDS if kind in kinds]
        going = [kind for kind in self._kinds if kind in dropped]
        self._dropped = going
        self._passes = [
            each for each in (going, [k for k in self._kinds if k not in going]) if each
        ]

    def run(
        self,
        within: Collection[int] | None = None,
        against: Collection[int] | None = None,
        folders: Sequence[str] = (),
    ) -> Iterator[Group]:
        """Yield the groups of the images `within`, or of pairs between `within` and `against`.

        An image with files on both sides counts for both. If there are `folders` (absolute
        paths), only files in them become members.
        """
        with self._library.catalogue.reading() as connection:
            decided = Decided.read(connection)
            neighbours: Neighbours = defaultdict(dict)
            for page in duplicate_pairs.pairs(connection, self._kinds, within, against):
                for pair in page:
                    neighbours[pair.first][pair.second] = evidence_of(pair)
                    neighbours[pair.second][pair.first] = evidence_of(pair)
            chosen = set(neighbours)
            if "identical" in self._kinds:
                chosen |= set(_with_several_files(connection, within, against))
            found: dict[int, Item] = {}
            for part in items.batches(sorted(chosen)):
                found |= items.hydrate(connection, part)
        number = 0
        files = {item: self._files(found[item], folders) for item in sorted(found)}
        if self._check is not None:
            verify(
                self._library, self._check, self._dropped, self._order, files, neighbours, decided
            )
        for kinds in self._passes:
            formed, files = stars(files, neighbours, kinds, self._order, decided)
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
        rule = self._order.deciding_rule(
            keeper, [Candidate(member.item, member.path) for member in members]
        )
        return Group(
            number, loosest, Member(keeper.item, keeper.path, loosest), rule, tuple(members)
        )

    def _files(self, item: Item, folders: Sequence[str]) -> list[Candidate]:
        """Return an item's files, the best first; hard links of a file count once.

        Without the kind "identical" only the best one is returned.
        """
        once: dict[tuple[int, int], Candidate] = {}
        for path in item.paths:
            if folders and not any(is_under(path, folder) for folder in folders):
                continue
            try:
                state = os.lstat(path)
            except OSError:
                continue  # removed since it was indexed: nothing to keep and nothing to drop
            if not stat.S_ISREG(state.st_mode):
                continue  # replaced by a link since it was indexed
            once.setdefault((state.st_dev, state.st_ino), Candidate(item, path))
        files = self._order.sort(list(once.values()))
        return files if "identical" in self._kinds else files[:1]


def _with_several_files(
    connection: Connection,
    within: Collection[int] | None,
    against: Collection[int] | None,
) -> Iterable[int]:
    allowed = None if within is None else set(within)
    if allowed is not None and against is not None:
        allowed &= set(against)  # files on both sides
    several = duplicate_pairs.of_several_files(connection)
    return several if allowed is None else (number for number in several if number in allowed)
