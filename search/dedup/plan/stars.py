"""Stars: images that are duplicates of one keeper, each by its own comparison with it.

The best file is the first keeper and takes what is beside it; the best of the rest is the next.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import Kind
from search.dedup.plan.keepers import Candidate, KeepOrder
from storage.tables.decisions import Decided

Neighbours = dict[int, dict[int, Evidence]]  # of an item, what was found beside it
Files = dict[int, list[Candidate]]  # of an item, its files, the best first


@dataclass(frozen=True, slots=True)
class Star:
    """The files of a keeper's content, and those of the contents beside it."""

    own: list[Candidate]
    others: Mapping[int, tuple[list[Candidate], Evidence]]


def stars(
    files: Files, beside: Neighbours, kinds: Sequence[Kind], order: KeepOrder, decided: Decided
) -> tuple[list[Star], Files]:
    """Return the stars of pairs of these kinds, best keepers first, and the files that are left.

    Of a keeper one file is left, of what lies beside it none.
    """
    left, found = dict(files), []
    heads = _heads([each[0] for each in files.values() if each], beside, order)
    taken: set[int] = set()
    for head in heads:
        number = head.item.id
        if number in taken:
            continue
        taken.add(number)
        others = dict(_beside(head, beside, kinds, left, taken, decided))
        taken.update(others)
        own = left[number] if "identical" in kinds else left[number][:1]
        if others or len(own) > 1:
            found.append(Star(own, others))
        if "identical" in kinds:
            left[number] = left[number][:1]
        left.update({other: [] for other in others})
    return found, left


def _heads(heads: list[Candidate], beside: Neighbours, order: KeepOrder) -> list[Candidate]:
    """Sort one file of each content, best first; those that no other is like are not opened."""
    ordered = order.sort(heads, opening=False)
    paired = iter(order.sort([each for each in ordered if beside.get(each.item.id)]))
    return [next(paired) if beside.get(each.item.id) else each for each in ordered]


def _beside(
    head: Candidate,
    beside: Neighbours,
    kinds: Sequence[Kind],
    left: Files,
    taken: set[int],
    decided: Decided,
) -> Iterator[tuple[int, tuple[list[Candidate], Evidence]]]:
    for other, evidence in sorted(beside.get(head.item.id, {}).items()):
        if other in taken or evidence.kind not in kinds or not left.get(other):
            continue
        if not decided.parts(head.item.hash, left[other][0].item.hash):
            yield other, (left[other], evidence)


def components(beside: Neighbours) -> list[set[int]]:
    """Return the sets of items that pairs lead through, so that no pair leads out of one."""
    found, met = [], set[int]()
    for start in beside:
        if start in met:
            continue
        whole, waiting = {start}, [start]
        while waiting:
            for other in beside.get(waiting.pop(), {}):
                if other not in whole:
                    whole.add(other)
                    waiting.append(other)
        met |= whole
        found.append(whole)
    return found
