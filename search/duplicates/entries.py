"""From groups to a plan: what is to become of every file, before anyone has looked at it."""

from collections.abc import Collection, Iterable, Iterator

from search.duplicates.groups import Group, Member
from search.duplicates.kinds import Kind
from search.duplicates.plan import Choice, Entry

# An edit was made on purpose, and of similar shots a person may want both.
DROPPED: tuple[Kind, ...] = ("identical", "same-picture")


def entries(groups: Iterable[Group], dropped: Collection[Kind] = DROPPED) -> Iterator[Entry]:
    """Give one entry for each file, the keeper first; files of the `dropped` kinds are to go."""
    for group in groups:
        yield _entry(group, group.keeper, "keep")
        for member in group.others:
            yield _entry(group, member, "drop" if member.kind in dropped else "keep")


def _entry(group: Group, member: Member, action: Choice) -> Entry:
    return Entry(
        group=group.number,
        kind=member.kind,
        path=member.path,
        item=member.item.hash,
        keeper=group.keeper.path,
        action=action,
        rule=group.rule,
        evidence={} if member.evidence is None else member.evidence.as_row(),
        bytes=member.item.bytes,
    )
