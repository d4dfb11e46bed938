"""Verification: every pair that would drop a file is compared at full detail.

Which pairs those are depends on the stars, and those depend on which pairs differ. So stars are
formed, their pairs compared, and stars formed again, until no pair is left to compare.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from search.dedup.detect.detail_check import DetailCheck, PairToCheck, file_of, form_of
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import CHECKED, Kind
from search.dedup.plan.keepers import KeepOrder
from search.dedup.plan.stars import Files, Neighbours, Star, components, stars
from storage.library import Library
from storage.tables import duplicate_pairs
from storage.tables.decisions import Decided

_PAGE = 64  # pairs between commits; committed ones are not compared again
_Pair = tuple[int, int]  # items, the lower first


def verify(
    library: Library,
    check: DetailCheck,
    dropped: Sequence[Kind],
    order: KeepOrder,
    files: Files,
    neighbours: Neighbours,
    decided: Decided,
) -> None:
    """Compare the pairs that the stars of the `dropped` kinds consist of; updates `beside`.

    An image that differs leaves its star and may join the star of another neighbour. Raises
    LibraryInUse while another process writes.
    """
    asked_before: set[_Pair] = set()  # a pair that cannot be read is tried only once
    waiting = components(neighbours) if set(dropped) & set(CHECKED) else []
    while waiting:
        pairs: dict[PairToCheck, _Pair] = {}
        unsettled = []
        for part in waiting:
            some = {number: files[number] for number in sorted(part) if files.get(number)}
            formed, _ = stars(some, neighbours, dropped, order, decided)
            pending = {
                each: pair for each, pair in _unchecked_pairs(formed) if pair not in asked_before
            }
            if pending:
                pairs |= pending
                unsettled.append(part)
        if pairs:
            _check_pairs(library, check, pairs, neighbours)
        asked_before.update(pairs.values())
        waiting = unsettled


def _unchecked_pairs(formed: Iterable[Star]) -> Iterable[tuple[PairToCheck, _Pair]]:
    for star in formed:
        keeper = star.own[0].item
        for number, (held, evidence) in star.others.items():
            if evidence.kind in CHECKED and evidence.differs is None:
                form = form_of(evidence, swapped=number < keeper.id)
                pair = min(keeper.id, number), max(keeper.id, number)
                yield PairToCheck(file_of(keeper), file_of(held[0].item), form, evidence), pair


def _check_pairs(
    library: Library, check: DetailCheck, pairs: dict[PairToCheck, _Pair], neighbours: Neighbours
) -> None:
    seen = check.run(list(pairs))
    with library.writing("dedup"):
        while page := list(islice(seen, _PAGE)):
            rows = [(*pairs[each], each.evidence.kind, evidence) for each, evidence in page]
            with library.catalogue.writing() as connection:
                duplicate_pairs.replace_pairs(
                    connection,
                    (
                        (first, second, before, evidence.kind, evidence.as_row())
                        for first, second, before, evidence in rows
                    ),
                )
            for first, second, _, evidence in rows:
                neighbours[first][second] = neighbours[second][first] = evidence


def is_proven(kind: Kind, evidence: Evidence | None) -> bool:
    """Return whether a file may be dropped: copies and edits must be equal at full detail."""
    return kind not in CHECKED or (evidence is not None and evidence.differs is False)
