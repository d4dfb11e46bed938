"""Groups of duplicates: every member is what it is beside the keeper, and nothing by a third.

A picture that is like a member but not like the keeper is left out, and may head a group of its
own: chains (A like B, B like C) are how other tools come to delete what has no copy.
"""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from search.duplicates.evidence import Evidence
from search.duplicates.finding import evidence_of
from search.duplicates.keepers import Candidate, KeepOrder
from search.duplicates.kinds import KINDS, Kind
from storage import duplicates, items
from storage.decisions import Decided
from storage.files import is_under
from storage.library import Library
from storage.records import Item

_Beside = dict[int, dict[int, Evidence]]  # of an item, what is beside it
_Others = dict[int, tuple[list[Candidate], Evidence]]


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
    ) -> None:
        """Take the kinds to group, and those of them whose files are to go.

        The latter are grouped first, so that a copy finds its keeper among its like and not in an
        edit that happens to be larger; what they leave is then grouped by the other kinds.
        """
        self._library, self._order = library, order
        self._kinds = [kind for kind in KINDS if kind in kinds]
        going = [kind for kind in self._kinds if kind in dropped]
        self._passes = [
            each for each in (going, [k for k in self._kinds if k not in going]) if each
        ]

    def run(
        self,
        within: Collection[int] | None = None,
        against: Collection[int] | None = None,
        folders: Sequence[str] = (),
    ) -> Iterator[Group]:
        """Give the groups of pictures `within`, or of those each with what is `against` them.

        A picture that has files on both sides is on both. Of files only those in `folders` are
        given, where there are any; absolute paths.
        """
        with self._library.catalogue.reading() as connection:
            decided = Decided.read(connection)
            beside: _Beside = defaultdict(dict)
            for page in duplicates.pairs(connection, self._kinds, within, against):
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
        for kinds in self._passes:
            for keeper, others in self._stars(files, beside, kinds, decided):
                group = self._group(number + 1, keeper, others)
                hashes = [group.keeper.item.hash, *(one.item.hash for one in group.others)]
                if not decided.hides(hashes):
                    number += 1
                    yield group

    def _stars(
        self,
        files: dict[int, list[Candidate]],
        beside: "_Beside",
        kinds: list[Kind],
        decided: Decided,
    ) -> Iterator[tuple[list[Candidate], "_Others"]]:
        """Give, best first, the files of a keeper's content and those of the contents beside it.

        What becomes of copies here is settled: `files` is left with the keepers.
        """
        heads = self._heads([each[0] for each in files.values() if each], beside)
        taken: set[int] = set()
        for head in heads:
            number = head.item.id
            if number in taken:
                continue
            taken.add(number)
            others: _Others = {}
            for other, evidence in sorted(beside.get(number, {}).items()):
                if other in taken or evidence.kind not in kinds or not files.get(other):
                    continue
                if decided.parts(head.item.hash, files[other][0].item.hash):
                    continue
                taken.add(other)
                others[other] = (files[other], evidence)
            own = files[number] if "identical" in kinds else files[number][:1]
            if others or len(own) > 1:
                yield own, others
            files[number] = files[number][:1] if "identical" in kinds else files[number]
            files.update({other: [] for other in others})

    def _heads(self, heads: list[Candidate], beside: "_Beside") -> list[Candidate]:
        """Sort one file of each content, best first; those that no other is like are not opened."""
        ordered = self._order.sort(heads, opening=False)
        paired = iter(self._order.sort([each for each in ordered if beside.get(each.item.id)]))
        return [next(paired) if beside.get(each.item.id) else each for each in ordered]

    def _group(
        self,
        number: int,
        own: list[Candidate],
        others: "_Others",
    ) -> Group:
        keeper, *copies = own
        members = [
            Member(each.item, each.path, "identical", Evidence("identical")) for each in copies
        ]
        for files, evidence in others.values():
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
        """Give an item's files, the best first; names of one and the same file count once.

        Of identical files beyond the first none is given where --kind leaves them out.
        """
        once: dict[tuple[int, int], Candidate] = {}
        for path in item.paths:
            if folders and not any(is_under(path, folder) for folder in folders):
                continue
            try:
                state = os.stat(path)
            except OSError:
                continue  # gone since it was indexed: nothing to keep and nothing to drop
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
    several = duplicates.of_several_files(connection)
    return several if allowed is None else (number for number in several if number in allowed)
