"""The entries of a plan, made of groups: which file is kept and which is dropped."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from search.dedup import extras
from search.dedup.companions import CompanionFinder
from search.dedup.detect.kinds import Kind
from search.dedup.detect.verify import is_proven
from search.dedup.extras import Contents, Extra, as_rows, lacking
from search.dedup.plan.groups import Group, Member
from search.dedup.plan.plan import Choice, Entry
from search.dedup.request import DROPPED
from storage.tables.decisions import Decided

_SEQUENCES = frozenset(("frame", "page", "unknown"))


def entries(
    groups: Iterable[Group],
    dropped: Collection[Kind] = DROPPED,
    decided: Decided | None = None,
) -> Iterator[Entry]:
    """Yield one entry for each file, the keeper first; files of the `dropped` kinds are dropped.

    A copy or an edit is dropped only if it equals its keeper at full detail. A file with extras
    that its keeper lacks is kept, and its evidence lists them, unless it has the keeper's bytes.
    A file that a person decided to keep before others joined its group is kept by the rule
    "decision". Entries list companions.
    """
    decided = decided or Decided(())
    companions = CompanionFinder()
    for group in groups:
        stays = decided.stays([each.item.hash for each in (group.keeper, *group.others)])
        reader = _ExtrasReader(group)
        for member, kept in zip((group.keeper, *group.others), stays, strict=True):
            more = reader.beyond_keeper(member)
            goes = member is not group.keeper and member.kind in dropped and not more
            goes = goes and is_proven(member.kind, member.evidence)
            entry = _entry(group, member, "drop" if goes else "keep", _evidence(member, more))
            entry = replace(entry, companions=companions(member.path))
            if kept and entry.action == "drop":
                entry = replace(entry, action="keep", rule="decision")
            yield entry


class _ExtrasReader:
    """Reads the extras of the files of a group; each content is read once."""

    def __init__(self, group: Group) -> None:
        self._keeper = group.keeper
        self._identical = all(each.kind == "identical" for each in group.others)
        self._read: dict[str, Contents] = {}

    def beyond_keeper(self, member: Member) -> tuple[Extra, ...]:
        """Return the extras that the keeper lacks; for the keeper itself, all of its extras."""
        if self._identical or (member is not self._keeper and member.kind == "identical"):
            return ()
        if member is self._keeper:
            return self._contents(member).extras
        return lacking(self._contents(member), self._contents(self._keeper))

    def _contents(self, member: Member) -> Contents:
        if member.item.hash not in self._read:
            self._read[member.item.hash] = extras.read(member.path)
        return self._read[member.item.hash]


def _evidence(member: Member, more: tuple[Extra, ...]) -> Mapping[str, object]:
    """Return the evidence of a member as a row, with its extras."""
    seen = {} if member.evidence is None else member.evidence.as_row()
    if not more:
        return seen
    counts = [each.count for each in more if each.kind in _SEQUENCES]
    frames = {"frames": 0 if None in counts else 1 + sum(filter(None, counts))} if counts else {}
    return seen | frames | {"extras": as_rows(more)}


def _entry(group: Group, member: Member, action: Choice, evidence: Mapping[str, object]) -> Entry:
    return Entry(
        group=group.number,
        kind=member.kind,
        path=member.path,
        item=member.item.hash,
        keeper=group.keeper.path,
        action=action,
        rule=group.rule,
        evidence=evidence,
        bytes=member.item.bytes,
    )
