"""From groups to a plan: what is to become of every file, before anyone has looked at it."""

from collections.abc import Collection, Iterable, Iterator

from search.duplicates.frames import frames
from search.duplicates.groups import Group, Member
from search.duplicates.kinds import Kind
from search.duplicates.plan import Choice, Entry

# An edit was made on purpose, and of similar shots a person may want both.
DROPPED: tuple[Kind, ...] = ("identical", "same-picture")


def entries(groups: Iterable[Group], dropped: Collection[Kind] = DROPPED) -> Iterator[Entry]:
    """Give one entry for each file, the keeper first; files of the `dropped` kinds are to go.

    What holds more frames or pages than were compared stays, unless its bytes are the keeper's.
    """
    for group in groups:
        yield _entry(group, group.keeper, "keep")
        for member in group.others:
            goes = member.kind in dropped
            held = 1 if not goes or member.kind == "identical" else _frames(member)
            goes = goes and held == 1
            yield _entry(group, member, "drop" if goes else "keep", held)


def _frames(member: Member) -> int:
    return frames(member.path, member.item.format)


def _entry(group: Group, member: Member, action: Choice, held: int = 1) -> Entry:
    evidence = {} if member.evidence is None else member.evidence.as_row()
    return Entry(
        group=group.number,
        kind=member.kind,
        path=member.path,
        item=member.item.hash,
        keeper=group.keeper.path,
        action=action,
        rule=group.rule,
        evidence=evidence | ({"frames": held} if held > 1 else {}),
        bytes=member.item.bytes,
    )
