"""Verification: what would go is looked at, once, and what differs leaves its star."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from search.dedup.detect.detail_check import DetailCheck, PairToCheck
from search.dedup.detect.evidence import Evidence
from search.dedup.detect.finder import evidence_of
from search.dedup.detect.kinds import KINDS, Kind
from search.dedup.detect.verify import is_proven
from search.dedup.plan.groups import Group, Grouper
from search.dedup.plan.keepers import KeepOrder
from storage.tables import duplicate_pairs
from tests.search.dedup.paired_images import PairedImages

COPIES: tuple[Kind, ...] = ("identical", "same-picture")


class Eyes:
    """Sees that images differ whose sizes are in `apart`, and cannot read those in `blind`."""

    def __init__(self, *apart: set[int], blind: Sequence[int] = ()) -> None:
        self.apart, self.blind = apart, blind
        self.seen: list[set[int]] = []

    def run(self, asked: Sequence[PairToCheck]) -> Iterator[tuple[PairToCheck, Evidence]]:
        for each in asked:
            sizes = {each.first.size, each.second.size}
            self.seen.append(sizes)
            if sizes & set(self.blind):
                continue
            differs = sizes in self.apart
            evidence = replace(each.evidence, differs=differs, detail=9.0 if differs else 0.5)
            if differs and evidence.kind == "same-picture":
                evidence = replace(evidence, kind="similar")
            yield each, evidence


class Album(PairedImages):
    """Images and pairs that are grouped after a look at full detail."""

    def groups(self, eyes: Eyes, dropped: Sequence[Kind] = COPIES) -> list[Group]:
        check = cast(DetailCheck, eyes)
        return list(Grouper(self.library, KeepOrder(["bytes"]), KINDS, dropped, check).run())

    def stored(self) -> list[tuple[int, int, str, bool | None]]:
        with self.library.catalogue.reading() as connection:
            pairs = [one for page in duplicate_pairs.pairs(connection, KINDS) for one in page]
        return [(one.first, one.second, one.kind, evidence_of(one).differs) for one in pairs]


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path)


def _shown(groups: list[Group]) -> list[tuple[str, ...]]:
    return [
        (Path(one.keeper.path).name, *(f"{Path(m.path).name} {m.kind}" for m in one.others))
        for one in groups
    ]


def test_what_differs_is_similar_and_leaves_the_copies(album: Album) -> None:
    large, copy, other = album.add(30, "30"), album.add(20, "20"), album.add(10, "10")
    album.pair(large, copy)
    album.pair(large, other)
    groups = album.groups(Eyes({30, 10}))
    assert _shown(groups) == [("30", "20 same-picture"), ("30", "10 similar")]
    assert album.stored() == [
        (large, copy, "same-picture", False),
        (large, other, "similar", True),
    ]


def test_what_left_a_star_is_looked_at_beside_its_new_keeper(album: Album) -> None:
    large, middle, small = album.add(30, "30"), album.add(20, "20"), album.add(10, "10")
    for first, second in ((large, middle), (large, small), (middle, small)):
        album.pair(first, second)
    eyes = Eyes({30, 20}, {30, 10})
    groups = album.groups(eyes)
    assert ("20", "10 same-picture") in _shown(groups)
    assert eyes.seen == [{30, 20}, {30, 10}, {20, 10}]


def test_a_pair_is_looked_at_once(album: Album) -> None:
    large, copy = album.add(30, "30"), album.add(20, "20")
    album.pair(large, copy)
    first, second = Eyes(), Eyes()
    assert album.groups(first) == album.groups(second)
    assert first.seen == [{30, 20}]
    assert second.seen == []


def test_what_cannot_be_read_is_asked_for_once_a_run_and_is_not_proven(album: Album) -> None:
    large, lost = album.add(30, "30"), album.add(20, "20")
    album.pair(large, lost)
    eyes = Eyes(blind=[20])
    [group] = album.groups(eyes)
    assert eyes.seen == [{30, 20}]
    assert not is_proven("same-picture", group.others[0].evidence)
    again = Eyes()
    [group] = album.groups(again)
    assert again.seen == [{30, 20}]
    assert is_proven("same-picture", group.others[0].evidence)


def test_edits_are_looked_at_where_they_are_to_go_and_keep_their_kind(album: Album) -> None:
    photo, edit, other = album.add(30, "30"), album.add(20, "20"), album.add(10, "10")
    album.pair(photo, edit, "edited")
    album.pair(photo, other, "edited")
    eyes = Eyes({30, 10})
    album.groups(eyes)
    assert eyes.seen == []
    [group] = album.groups(eyes, (*COPIES, "edited"))
    assert eyes.seen == [{30, 20}, {30, 10}]
    proven = {Path(m.path).name: is_proven(m.kind, m.evidence) for m in group.others}
    assert proven == {"20": True, "10": False}


def test_only_copies_and_edits_need_a_look() -> None:
    assert is_proven("identical", None)
    assert is_proven("similar", Evidence("similar"))
    for kind in ("same-picture", "edited"):
        assert not is_proven(kind, None)
        assert not is_proven(kind, Evidence(kind))
        assert not is_proven(kind, Evidence(kind, differs=True))
        assert is_proven(kind, Evidence(kind, differs=False))
