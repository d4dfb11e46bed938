"""Which file is kept follows the rules in their order, and is the same on every run."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from indexer.images.metadata.description import Metadata, read
from search.dedup import extras
from search.dedup.extras import Contents
from search.dedup.plan import keepers
from search.dedup.plan.keepers import Candidate, KeepOrder
from search.dedup.request import KEEP_RULES
from storage.errors import InvalidArgument, PathNotFound
from storage.records import Capture, Item
from tests.search.dedup.extras.containers import drawn, encoded, video
from tests.search.dedup.xmp_samples import packet, photo


def _file(
    path: str,
    width: int = 100,
    form: str = "JPEG",
    size: int = 10,
    camera: str | None = None,
    taken_at: str | None = None,
) -> Candidate:
    capture = Capture(taken_at=taken_at, camera=camera)
    return Candidate(Item(1, "0" * 64, "image", size, form, width, 100, capture), path)


@pytest.mark.parametrize(
    ("rule", "better", "worse"),
    [
        ("resolution", _file("/b", width=200), _file("/a")),
        ("format", _file("/b", form="PNG"), _file("/a")),
        ("format", _file("/b", form="HEIF"), _file("/a", form="TIFF")),
        ("bytes", _file("/b", size=20), _file("/a")),
        ("exif", _file("/b", camera="X"), _file("/a")),
        ("date", _file("/b", taken_at="2001-01-01"), _file("/a", taken_at="2002-01-01")),
        ("date", _file("/b", taken_at="2001-01-01"), _file("/a")),
        ("date", _file("/b", taken_at="2001-07-04T12:30"), _file("/a", taken_at="2001-07-04")),
        ("date", _file("/b", taken_at="2001-07-04"), _file("/a", taken_at="2001")),
        ("date", _file("/b", taken_at="2001"), _file("/a", taken_at="2002-07-04T12:30:00")),
        ("name", _file("/b/x.jpg"), _file("/a/x (1).jpg")),
        ("name", _file("/b/x.jpg"), _file("/a/x copy.jpg")),
        ("name", _file("/b/x.jpg"), _file("/a/IMG-20200101-WA0003.jpg")),
        ("path", _file("/a"), _file("/b")),
    ],
)
def test_each_rule_decides_what_it_is_about(rule: str, better: Candidate, worse: Candidate) -> None:
    order = KeepOrder([] if rule == "path" else [rule])
    assert order.sort([worse, better])[0] is better
    assert order.deciding_rule(better, [worse]) == rule


def test_the_first_rule_that_differs_decides() -> None:
    large, png = _file("/a", width=200), _file("/b", form="PNG")
    assert KeepOrder(["resolution", "format"]).sort([png, large])[0] is large
    assert KeepOrder(["format", "resolution"]).sort([large, png])[0] is png


def test_a_preferred_folder_goes_before_every_rule(tmp_path: Path) -> None:
    for name in ("archive", "phone"):
        (tmp_path / name).mkdir()
    large, small = _file(f"{tmp_path}/phone/a", width=200), _file(f"{tmp_path}/archive/a")
    order = KeepOrder(prefer=[f"{tmp_path}/archive", f"{tmp_path}/phone"])
    assert order.sort([large, small])[0] is small
    assert order.deciding_rule(small, [large]) == "prefer"
    beside = _file(f"{tmp_path}/archives/a", width=300)  # not inside: only its name begins alike
    assert order.sort([beside, small])[0] is small


def test_a_preferred_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="is no folder"):
        KeepOrder(prefer=[str(tmp_path / "no")])


def test_what_the_camera_wrote_goes_before_the_format() -> None:
    original = _file("/a.jpg", camera="Canon EOS 5D", taken_at="2019-06-01T12:00:00")
    export = _file("/b.png", form="PNG")
    assert KeepOrder().sort([export, original])[0] is original


def test_the_order_of_what_is_given_does_not_matter() -> None:
    files = [_file("/c"), _file("/a"), _file("/b", size=20), _file("/d", width=200)]
    orders = {tuple(one.path for one in KeepOrder().sort(each)) for each in permutations(files)}
    assert orders == {("/d", "/b", "/a", "/c")}


def test_a_higher_rating_goes_first_and_files_are_opened_only_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stars = {"a": "-1", "b": None, "c": "2", "d": "5"}
    for name, rating in stars.items():
        xmp = packet(attributes=f'xmp:Rating="{rating}"') if rating else None
        photo(tmp_path / f"{name}.jpg", xmp)
    files = [_file(str(tmp_path / f"{name}.jpg")) for name in stars]
    opened = []

    def counted(path: str) -> Metadata:
        opened.append(path)
        return read(path)

    monkeypatch.setattr(keepers, "read", counted)
    order = KeepOrder(["rating", "resolution"])
    best = order.sort(files)
    assert [Path(one.path).stem for one in best] == ["d", "c", "b", "a"]
    assert order.deciding_rule(best[0], best[1:]) == "rating"
    assert len(opened) == len(files)
    assert "rating" not in KEEP_RULES
    KeepOrder().sort(files)
    assert len(opened) == len(files)
    gone = _file(str(tmp_path / "gone.jpg"))
    assert KeepOrder(["rating"]).sort([gone, files[2]])[0] is files[2]


def _alike(path: Path, data: bytes, number: int = 0) -> Candidate:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return Candidate(Item(number, str(number) * 64, "image", 10, "JPEG", 100, 100), str(path))


def test_what_holds_more_goes_before_a_better_format(tmp_path: Path) -> None:
    motion = _alike(tmp_path / "b.jpg", encoded("JPEG") + video(), 1)
    still = _alike(tmp_path / "a.png", encoded("PNG"), 2)
    still = replace(still, item=replace(still.item, format="PNG"))
    assert KeepOrder().sort([still, motion])[0] is motion
    assert KeepOrder().deciding_rule(motion, [still]) == "extras"
    assert KeepOrder(["format", "extras"]).sort([still, motion])[0] is still
    dated = replace(still, item=replace(still.item, capture=Capture(taken_at="2001-01-01")))
    assert KeepOrder().sort([motion, dated])[0] is dated  # its date would be lost


@pytest.mark.parametrize(
    "more", [encoded("GIF", save_all=True, append_images=[drawn(colour="red")]), b"no image"]
)
def test_frames_and_unknown_bytes_are_no_reason_to_keep(tmp_path: Path, more: bytes) -> None:
    several, one = _alike(tmp_path / "b", more, 1), _alike(tmp_path / "a", encoded("JPEG"), 2)
    assert KeepOrder(["extras"]).sort([several, one])[0] is one


def test_companions_make_a_keeper_of_two_equal_files(tmp_path: Path) -> None:
    alone, beside = (_alike(tmp_path / name / "P.jpg", b"same") for name in "ab")
    (tmp_path / "b" / "P.MOV").touch()
    assert KeepOrder().sort([alone, beside])[0] is beside
    assert KeepOrder().deciding_rule(beside, [alone]) == "companions"
    (tmp_path / "a" / "P.nef").touch()
    (tmp_path / "a" / "P.jpg.xmp").touch()
    assert KeepOrder().sort([alone, beside])[0] is alone


def test_files_are_opened_only_to_break_a_tie_of_different_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def counted(path: str) -> Contents:
        opened.append(path)
        return Contents()

    monkeypatch.setattr(extras, "read", counted)
    copies = [_alike(tmp_path / name, b"same") for name in "ab"]
    KeepOrder().sort(copies)
    KeepOrder().deciding_rule(copies[0], copies[1:])
    KeepOrder().sort([*copies, _file("/c", width=200)])
    KeepOrder().sort([*copies, _alike(tmp_path / "d", b"other", 3)], opening=False)
    assert opened == []
    KeepOrder().sort([*copies, _alike(tmp_path / "d", b"other", 3)])
    assert sorted(opened) == sorted(str(tmp_path / name) for name in "abd")


@pytest.mark.parametrize("names", [["size"], ["bytes", "bytes"]])
def test_a_rule_that_is_none_or_stands_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidArgument, match="resolution, format"):
        KeepOrder(names)
