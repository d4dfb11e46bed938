"""Which file is kept follows the rules in their order, and is the same on every run."""

from itertools import permutations

import pytest

from search.duplicates.keepers import Candidate, KeepOrder
from storage.errors import InvalidArgument
from storage.records import Capture, Item


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
        ("name", _file("/b/x.jpg"), _file("/a/x (1).jpg")),
        ("name", _file("/b/x.jpg"), _file("/a/x copy.jpg")),
        ("name", _file("/b/x.jpg"), _file("/a/IMG-20200101-WA0003.jpg")),
        ("path", _file("/a"), _file("/b")),
    ],
)
def test_each_rule_decides_what_it_is_about(rule: str, better: Candidate, worse: Candidate) -> None:
    order = KeepOrder([] if rule == "path" else [rule])
    assert order.sort([worse, better])[0] is better
    assert order.decided(better, [worse]) == rule


def test_the_first_rule_that_differs_decides() -> None:
    large, png = _file("/a", width=200), _file("/b", form="PNG")
    assert KeepOrder(["resolution", "format"]).sort([png, large])[0] is large
    assert KeepOrder(["format", "resolution"]).sort([large, png])[0] is png


def test_a_preferred_folder_goes_before_every_rule() -> None:
    large, small = _file("/phone/a", width=200), _file("/archive/a")
    order = KeepOrder(prefer=["/archive", "/phone"])
    assert order.sort([large, small])[0] is small
    assert order.decided(small, [large]) == "prefer"
    beside = _file("/archives/a", width=300)  # not inside: only its name begins alike
    assert order.sort([beside, small])[0] is small


def test_the_order_of_what_is_given_does_not_matter() -> None:
    files = [_file("/c"), _file("/a"), _file("/b", size=20), _file("/d", width=200)]
    orders = {tuple(one.path for one in KeepOrder().sort(each)) for each in permutations(files)}
    assert orders == {("/d", "/b", "/a", "/c")}


@pytest.mark.parametrize("names", [["size"], ["bytes", "bytes"]])
def test_a_rule_that_is_none_or_stands_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidArgument, match="resolution, format"):
        KeepOrder(names)
