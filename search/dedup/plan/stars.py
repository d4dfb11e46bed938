"""Stars in the graph of pairs: a keeper and the neighbours that duplicate it directly.

Greedy by quality. The best file of all heads the first star and takes its neighbours; the best of
the files left heads the next:

    pairs        best first: B A C D E      stars
    A─B─C─D      B takes A and C            B: A C
      E─D        D takes E                  D: E      (C─D is not used: C is taken)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import Kind
from search.dedup.plan.keepers import Candidate, KeepOrder
from storage.tables.decisions import Decided

Neighbours = dict[int, dict[int, Evidence]]  # by item: its pairs, by the other item
Files = dict[int, list[Candidate]]  # by item: its files, the best first


@dataclass(frozen=True, slots=True)
class Star:
    """The files of a keeper's content, and by item the files of its neighbours."""

    own: list[Candidate]
    others: Mapping[int, tuple[list[Candidate], Evidence]]


def stars(
    files: Files, neighbours: Neighbours, kinds: Sequence[Kind], order: KeepOrder, decided: Decided
) -> tuple[list[Star], Files]:
    """Return the stars of the pairs of these kinds, best keepers first, and the files left over.

    One file is left of a keeper, none of its neighbours. The arguments are not changed.
    """
    left, found = dict(files), []
    heads = _heads([each[0] for each in files.values() if each], neighbours, order)
    taken: set[int] = set()
    for head in heads:
        number = head.item.id
        if number in taken:
            continue
        taken.add(number)
        others = dict(_available_neighbours(head, neighbours, kinds, left, taken, decided))
        taken.update(others)
        own = left[number] if "identical" in kinds else left[number][:1]
        if others or len(own) > 1:
            found.append(Star(own, others))
        if "identical" in kinds:
            left[number] = left[number][:1]
        left.update({other: [] for other in others})
    return found, left


def _heads(heads: list[Candidate], neighbours: Neighbours, order: KeepOrder) -> list[Candidate]:
    """Sort one file of each content, best first; files without neighbours are not opened."""
    ordered = order.sort(heads, opening=False)
    paired = iter(order.sort([each for each in ordered if neighbours.get(each.item.id)]))
    return [next(paired) if neighbours.get(each.item.id) else each for each in ordered]


def _available_neighbours(
    head: Candidate,
    neighbours: Neighbours,
    kinds: Sequence[Kind],
    left: Files,
    taken: set[int],
    decided: Decided,
) -> Iterator[tuple[int, tuple[list[Candidate], Evidence]]]:
    for other, evidence in sorted(neighbours.get(head.item.id, {}).items()):
        if other in taken or evidence.kind not in kinds or not left.get(other):
            continue
        if not decided.parts(head.item.hash, left[other][0].item.hash):
            yield other, (left[other], evidence)


def components(neighbours: Neighbours) -> list[set[int]]:
    """Return the connected components of the graph of pairs, as sets of items."""
    found, met = [], set[int]()
    for start in neighbours:
        if start in met:
            continue
        whole, waiting = {start}, [start]
        while waiting:
            for other in neighbours.get(waiting.pop(), {}):
                if other not in whole:
                    whole.add(other)
                    waiting.append(other)
        met |= whole
        found.append(whole)
    return found
