"""From groups to a plan: what is to become of every file, before anyone has looked at it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from search.duplicates.frames import frames
from search.duplicates.groups import Group, Member
from search.duplicates.kinds import Kind
from search.duplicates.plan import Choice, Entry
from search.duplicates.verification import is_proven
from storage.decisions import Decided

# An edit was made on purpose, and of similar shots a person may want both.
DROPPED: tuple[Kind, ...] = ("identical", "same-picture")


def entries(
    groups: Iterable[Group],
    dropped: Collection[Kind] = DROPPED,
    decided: Decided | None = None,
) -> Iterator[Entry]:
    """Give one entry for each file, the keeper first; files of the `dropped` kinds are to go.

    A copy or an edit goes only where a look at all its detail found nothing that differs.
    What may hold more frames or pages than were compared stays, unless its bytes are the keeper's.
    So does what a person decided to keep before others joined its group: its rule is "decision".
    """
    decided = decided or Decided(())
    for group in groups:
        stays = decided.stays([each.item.hash for each in (group.keeper, *group.others)])
        yield _entry(group, group.keeper, "keep")
        for member, kept in zip(group.others, stays[1:], strict=True):
            goes = member.kind in dropped and is_proven(member.kind, member.evidence)
            held = 1 if not goes or member.kind == "identical" else _frames(member)
            entry = _entry(group, member, "drop" if goes and held == 1 else "keep", held)
            if kept and entry.action == "drop":
                entry = replace(entry, action="keep", rule="decision")
            yield entry


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
        evidence=evidence | ({} if held == 1 else {"frames": held}),
        bytes=member.item.bytes,
    )
