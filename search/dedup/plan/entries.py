"""From groups to a plan: what is to become of every file, before anyone has looked at it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from search.dedup import extras
from search.dedup.companions import CompanionFinder
from search.dedup.detect.kinds import Kind
from search.dedup.detect.verify import is_proven
from search.dedup.extras import Contents, Extra, as_rows, lacking
from search.dedup.plan.groups import Group, Member
from search.dedup.plan.plan import Choice, Entry
from storage.tables.decisions import Decided

# An edit was made on purpose, and of similar shots a person may want both.
DROPPED: tuple[Kind, ...] = ("identical", "same-picture")
_SEQUENCES = frozenset(("frame", "page", "unknown"))


def entries(
    groups: Iterable[Group],
    dropped: Collection[Kind] = DROPPED,
    decided: Decided | None = None,
) -> Iterator[Entry]:
    """Yield one entry for each file, the keeper first; files of the `dropped` kinds are to go.

    A copy or an edit goes only where a look at all its detail found nothing that differs. What
    holds more than its keeper beyond the image that was compared stays, and its evidence says
    what, unless its bytes are the keeper's. So does what a person decided to keep before others
    joined its group: its rule is "decision". Companions are named.
    """
    decided = decided or Decided(())
    companions = CompanionFinder()
    for group in groups:
        stays = decided.stays([each.item.hash for each in (group.keeper, *group.others)])
        held = _Held(group)
        for member, kept in zip((group.keeper, *group.others), stays, strict=True):
            more = held.beyond_keeper(member)
            goes = member is not group.keeper and member.kind in dropped and not more
            goes = goes and is_proven(member.kind, member.evidence)
            entry = _entry(group, member, "drop" if goes else "keep", _evidence(member, more))
            entry = replace(entry, companions=companions(member.path))
            if kept and entry.action == "drop":
                entry = replace(entry, action="keep", rule="decision")
            yield entry


class _Held:
    """What the files of a group hold beyond their first images; each content is read once."""

    def __init__(self, group: Group) -> None:
        self._keeper = group.keeper
        self._alike = all(each.kind == "identical" for each in group.others)
        self._read: dict[str, Contents] = {}

    def beyond_keeper(self, member: Member) -> tuple[Extra, ...]:
        """Return what a member holds that the keeper lacks; of the keeper, all it holds."""
        if self._alike or (member is not self._keeper and member.kind == "identical"):
            return ()
        if member is self._keeper:
            return self._contents(member).extras
        return lacking(self._contents(member), self._contents(self._keeper))

    def _contents(self, member: Member) -> Contents:
        if member.item.hash not in self._read:
            self._read[member.item.hash] = extras.read(member.path)
        return self._read[member.item.hash]


def _evidence(member: Member, more: tuple[Extra, ...]) -> Mapping[str, object]:
    """Return what was seen of a member, with what it holds beyond the image that was compared."""
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
