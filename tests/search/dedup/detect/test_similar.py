"""Similar images: near in the space, or a little less near and of one burst."""

from pathlib import Path

import numpy as np
import pytest

from search.dedup.detect.finder import DuplicateFinder, evidence_of
from search.dedup.detect.kinds import Thresholds
from search.dedup.detect.similar import judged, metres_between
from storage import Library
from storage.records import Capture, Space
from storage.schema import items, spaces
from storage.tables import duplicate_pairs, vectors
from storage.tables.items import Content, add
from storage.tables.spaces import register

LIMITS = Thresholds()
NOON = Capture("2024-05-01T12:00:00", "Canon EOS 40D", None, 46.95, 7.45)
Known = list[tuple[int, int, float]]


def test_a_burst_needs_less_than_two_scenes_that_only_look_alike() -> None:
    soon = Capture("2024-05-01T12:00:02", "Canon EOS 40D", None, 46.9501, 7.45)
    late = Capture("2024-05-01T12:10:00", "Canon EOS 40D", None, 46.95, 7.45)
    far = Capture("2024-05-01T12:00:02", "Canon EOS 40D", None, 47.95, 7.45)
    other = Capture("2024-05-01T12:00:02", "Pixel 8", None, 46.95, 7.45)
    burst = judged(0.92, NOON, soon, LIMITS)
    assert burst is not None
    assert (burst.kind, burst.seconds_apart, burst.camera) == ("similar", 2.0, "Canon EOS 40D")
    assert burst.metres_apart == pytest.approx(11.1, abs=0.1)
    assert judged(0.89, NOON, soon, LIMITS) is None
    for apart in (late, far, other, Capture()):
        assert judged(0.92, NOON, apart, LIMITS) is None
        assert judged(0.96, NOON, apart, LIMITS) is not None
    strict = LIMITS.with_overrides(["cosine=0.99", "burst_seconds=1"])
    assert judged(0.96, NOON, soon, strict) is None


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    north = Capture(latitude=47.95, longitude=7.45)
    assert metres_between(NOON, north) == pytest.approx(111_195, rel=1e-4)
    assert metres_between(NOON, NOON) == 0
    assert metres_between(NOON, Capture(latitude=1.0)) is None


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.create(tmp_path / "library")


def _space(library: Library, name: str) -> int:
    with library.catalogue.writing() as connection:
        number = register(connection, Space(name, f"revision of {name}", 8, "none")).id
        assert number is not None
        connection.execute(spaces.update().values(current=spaces.c.id == number))
    return number


def _put(library: Library, space: int, *angles: float) -> None:
    """Add images whose vectors lie in one plane at these angles, in degrees."""
    with library.catalogue.writing() as connection:
        for angle in angles:
            content = Content(f"{round(angle * 1000):064x}", "image", 1, "PNG")
            number, _ = add(connection, content)
            connection.execute(items.update().where(items.c.id == number).values(present=True))
            vector = np.zeros(8, np.float32)
            vector[:2] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            vectors.add(connection, space, "image", [number], vector[None])


def _similar(library: Library) -> Known:
    with library.catalogue.reading() as connection:
        pairs = [pair for page in duplicate_pairs.pairs(connection, ["similar"]) for pair in page]
    return [(pair.first, pair.second, evidence_of(pair).cosine or 0.0) for pair in pairs]


def _find(library: Library, *settings: str) -> None:
    DuplicateFinder(library, LIMITS.with_overrides(settings), crops=False, by_vectors=True).run()


def test_near_vectors_are_paired_and_new_ones_meet_the_old(library: Library) -> None:
    space = _space(library, "one")
    _put(library, space, 0, 10, 60, 90)
    _find(library)
    [(first, second, cosine)] = _similar(library)
    assert (first, second) == (1, 2)
    assert cosine == pytest.approx(np.cos(np.radians(10)), abs=2e-3)
    _put(library, space, 65)
    _find(library)
    assert [pair[:2] for pair in _similar(library)] == [(1, 2), (3, 5)]


def test_other_limits_begin_again(library: Library) -> None:
    _put(library, _space(library, "one"), 0, 10, 40)
    _find(library)
    assert len(_similar(library)) == 1
    _find(library, "cosine=0.8")
    assert [pair[:2] for pair in _similar(library)] == [(1, 2), (2, 3)]
    _find(library, "cosine=0.999", "burst_cosine=0.999")
    assert _similar(library) == []


def test_another_models_vectors_take_the_place_of_the_last(library: Library) -> None:
    _put(library, _space(library, "one"), 0, 10)
    _find(library)
    other = _space(library, "two")
    with library.catalogue.writing() as connection:
        vectors.add(connection, other, "image", [1, 2], np.eye(8, dtype=np.float32)[:2])
    _find(library)
    assert _similar(library) == []


def test_what_pixels_decided_is_not_called_similar_as_well(library: Library) -> None:
    _put(library, _space(library, "one"), 0, 5)
    DuplicateFinder(library, LIMITS, crops=False).run()
    with library.catalogue.writing() as connection:
        duplicate_pairs.add_pairs(connection, [(1, 2, "edited", {"agreement": 0.9})])
    _find(library)
    assert _similar(library) == []


def test_without_vectors_nothing_is_similar(library: Library) -> None:
    _find(library)
    assert _similar(library) == []
