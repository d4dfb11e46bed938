"""What becomes of the files of a group: what holds more than its keeper stays and says what."""

from pathlib import Path

import pytest

from search.dedup.detect.evidence import Evidence
from search.dedup.detect.kinds import Kind
from search.dedup.plan.entries import entries
from search.dedup.plan.groups import Group, Member
from search.dedup.plan.plan import Entry
from storage.records import Item
from tests.search.dedup.extras.containers import drawn, encoded, video
from tests.search.dedup.planted_duplicates import put

STILL = encoded("JPEG")
MOTION = STILL + video()
MOVING = encoded("GIF", save_all=True, append_images=[drawn(colour="red")])


def planned(keeper: Path, other: Path, kind: Kind = "same-picture") -> tuple[Entry, Entry]:
    members = [
        Member(
            Item(number, str(number) * 64, "image", 1, "JPEG", 32, 24),
            str(path),
            kind,
            Evidence(kind, agreement=1.0, differs=False) if number else None,
        )
        for number, path in enumerate((keeper, other))
    ]
    group = Group(1, kind, members[0], "format", (members[1],))
    first, second = entries([group], dropped=("identical", "same-picture", "edited", "similar"))
    return first, second


@pytest.mark.parametrize("kind", ["same-picture", "edited", "similar"])
def test_what_holds_more_than_its_keeper_stays(tmp_path: Path, kind: Kind) -> None:
    still, motion = put(tmp_path / "a.jpg", STILL), put(tmp_path / "b.jpg", MOTION)
    keeper, other = planned(still, motion, kind)
    assert (other.action, other.rule) == ("keep", "format")
    assert other.evidence["extras"] == [{"kind": "video", "count": 1, "bytes": len(video())}]
    assert "frames" not in other.evidence and other.evidence["agreement"] == 1.0
    assert keeper.evidence == {}


def test_a_keeper_that_holds_it_as_well_lets_it_go(tmp_path: Path) -> None:
    motion = put(tmp_path / "b.jpg", MOTION)
    larger = put(tmp_path / "a.jpg", encoded("JPEG", drawn((64, 48))) + video())
    keeper, other = planned(larger, motion)
    assert other.action == "drop" and "extras" not in other.evidence
    assert keeper.evidence["extras"] == [{"kind": "video", "count": 1, "bytes": len(video())}]
    different = put(tmp_path / "c.jpg", STILL + video(4001))
    assert planned(larger, different)[1].action == "keep"


def test_the_same_bytes_may_always_go(tmp_path: Path) -> None:
    keeper, other = planned(
        put(tmp_path / "a.gif", MOVING), put(tmp_path / "b.gif", MOVING), "identical"
    )
    assert other.action == "drop"
    assert "extras" not in {**keeper.evidence, **other.evidence}


@pytest.mark.parametrize(
    ("data", "frames"), [(MOVING, 2), (b"GIF89a and no more", 0), (b"image", 0)]
)
def test_frames_and_what_is_not_understood_are_counted_as_before(
    tmp_path: Path, data: bytes, frames: int
) -> None:
    _, other = planned(put(tmp_path / "a.jpg", STILL), put(tmp_path / "b", data))
    assert (other.action, other.evidence["frames"]) == ("keep", frames)


def test_a_file_that_is_gone_may_hold_more(tmp_path: Path) -> None:
    _, other = planned(put(tmp_path / "a.jpg", STILL), tmp_path / "none.jpg")
    assert (other.action, other.evidence["frames"]) == ("keep", 0)


def test_companions_are_named(tmp_path: Path) -> None:
    first, second = put(tmp_path / "a.jpg", STILL), put(tmp_path / "x" / "b.jpg", STILL)
    beside = [put(tmp_path / "x" / name) for name in ("b.MOV", "b.jpg.xmp", "B.nef", "bc.mov")]
    keeper, other = planned(first, second)
    assert keeper.companions == ()
    assert other.companions == tuple(sorted(map(str, beside[:3])))
