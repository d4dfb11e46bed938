"""Verification: every pair by which a file is to go is compared at full detail, and stored.

Which pairs those are depends on who keeps whom, and that on what differs: so the stars are formed,
their pairs looked at, and the stars formed anew, until there is nothing left to look at.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from search.dedup.detect.detail_check import Asked, DetailCheck, file_of, form_of
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import CHECKED, Kind
from search.dedup.plan.keepers import KeepOrder
from search.dedup.plan.stars import Files, Neighbours, Star, components, stars
from storage.library import Library
from storage.tables import duplicate_pairs
from storage.tables.decisions import Decided

_PAGE = 64  # pairs between commits: what was looked at is not looked at again
_Pair = tuple[int, int]  # items, the lower first


def verify(
    library: Library,
    check: DetailCheck,
    dropped: Sequence[Kind],
    order: KeepOrder,
    files: Files,
    beside: Neighbours,
    decided: Decided,
) -> None:
    """Look at the pairs of the `dropped` kinds that their stars rest on; updates `beside`.

    What differs leaves its star, and whatever is beside it then may be its keeper instead.
    Raises LibraryInUse while another process writes.
    """
    asked_before: set[_Pair] = set()  # what cannot be read now is asked for once
    waiting = components(beside) if set(dropped) & set(CHECKED) else []
    while waiting:
        asked: dict[Asked, _Pair] = {}
        unsettled = []
        for part in waiting:
            some = {number: files[number] for number in sorted(part) if files.get(number)}
            formed, _ = stars(some, beside, dropped, order, decided)
            pending = {each: pair for each, pair in _unseen(formed) if pair not in asked_before}
            if pending:
                asked |= pending
                unsettled.append(part)
        if asked:
            _look(library, check, asked, beside)
        asked_before.update(asked.values())
        waiting = unsettled


def _unseen(formed: Iterable[Star]) -> Iterable[tuple[Asked, _Pair]]:
    for star in formed:
        keeper = star.own[0].item
        for number, (held, evidence) in star.others.items():
            if evidence.kind in CHECKED and evidence.differs is None:
                form = form_of(evidence, swapped=number < keeper.id)
                pair = min(keeper.id, number), max(keeper.id, number)
                yield Asked(file_of(keeper), file_of(held[0].item), form, evidence), pair


def _look(
    library: Library, check: DetailCheck, asked: dict[Asked, _Pair], beside: Neighbours
) -> None:
    seen = check.run(list(asked))
    with library.writing("dedup"):
        while page := list(islice(seen, _PAGE)):
            rows = [(*asked[each], each.evidence.kind, evidence) for each, evidence in page]
            with library.catalogue.writing() as connection:
                duplicate_pairs.replace_pairs(
                    connection,
                    (
                        (first, second, before, evidence.kind, evidence.as_row())
                        for first, second, before, evidence in rows
                    ),
                )
            for first, second, _, evidence in rows:
                beside[first][second] = beside[second][first] = evidence


def is_proven(kind: Kind, evidence: Evidence | None) -> bool:
    """Return whether a file may go by what was seen: copies and edits need a look at all detail."""
    return kind not in CHECKED or (evidence is not None and evidence.differs is False)
