"""Semantic deduplication: the same as by brute force, and nobody is dropped without a stand-in."""

from pathlib import Path

import numpy as np
import pytest

from search.dedup.detect import semdedup
from search.dedup.detect.semdedup import SemDeDup, check_cosines
from storage import Filters, Library, Space, fork, schema
from storage.errors import InvalidArgument, LibraryError
from storage.schema import files, items, roots
from storage.tables import spaces, vectors
from storage.tables.items import Content, add

COSINES = (0.97, 0.9, 0.8)


class Shelf:
    """A library of vectors alone; image i lies at /set/i.jpg."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.matrix = np.zeros((0, 16), np.float32)

    def put(self, matrix: np.ndarray) -> list[int]:
        """Store the rows as unit vectors, each of an item of its own."""
        unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        with self.library.catalogue.writing() as connection:
            connection.execute(roots.insert().values(id=1, path="/set", walked=True))
            space = spaces.register(connection, Space("made", "1", matrix.shape[1], "{}"))
            numbers = []
            for place in range(len(unit)):
                number, _ = add(connection, Content(f"{place:064x}", "image", 1, "JPEG"))
                numbers.append(number)
                row = {"path": f"/set/{place:05}.jpg", "item_id": number, "missing": False}
                connection.execute(files.insert().values(**row, root_id=1, size=1, mtime_ns=0))
            connection.execute(items.update().values(present=True))
            assert space.id is not None
            vectors.add(connection, space.id, "image", numbers, unit.astype(np.float32))
        self.matrix = unit.astype(np.float16).astype(np.float32)
        return numbers


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(Library.create(tmp_path / "library"))


def _planted(rows: int, seed: int = 0) -> np.ndarray:
    """Make vectors in bunches, from nearly the same to far apart."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(rows // 8, 16))
    spread = rng.choice([0.02, 0.1, 0.3], rows)[:, None]
    return np.asarray(
        centres[rng.integers(0, len(centres), rows)] + spread * rng.normal(size=(rows, 16))
    )


def _brute(matrix: np.ndarray, centroid: np.ndarray, least: float) -> list[int]:
    """Keep, the least like the centroid first, what no kept one is like."""
    kept: list[int] = []
    for row in np.argsort(matrix @ centroid, kind="stable").tolist():
        if not kept or float((matrix[kept] @ matrix[row]).max()) <= least:
            kept.append(row)
    return kept


@pytest.mark.parametrize("at_once", [4096, 7])
def test_one_cluster_is_settled_as_by_brute_force(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(semdedup, "_AT_ONCE", at_once)
    numbers = shelf.put(_planted(200))
    [cluster] = SemDeDup(shelf.library, COSINES).run()
    centroid = shelf.matrix.mean(axis=0)
    centroid /= np.linalg.norm(centroid)
    for mark, least in enumerate(COSINES):
        kept = cluster.items[cluster.kept[mark]].tolist()
        assert kept == [numbers[row] for row in _brute(shelf.matrix, centroid, least)]


@pytest.mark.parametrize("together", [1000, 25])
def test_every_dropped_image_has_a_kept_one_within_the_threshold(
    shelf: Shelf, together: int
) -> None:
    numbers = shelf.put(_planted(400))
    rows = {number: row for row, number in enumerate(numbers)}
    clusters = list(SemDeDup(shelf.library, COSINES, together=together).run())
    assert sorted(n for cluster in clusters for n in cluster.items.tolist()) == sorted(numbers)
    assert (len(clusters) > 3) == (together == 25)
    dropped = 0
    for cluster in clusters:
        for mark, least in enumerate(COSINES):
            kept = set(cluster.items[cluster.kept[mark]].tolist())
            for place in np.flatnonzero(~cluster.kept[mark]):
                stand = int(cluster.instead[mark, place])
                ours, theirs = (shelf.matrix[rows[n]] for n in (int(cluster.items[place]), stand))
                assert stand in kept
                assert float(ours @ theirs) > least - 1e-5
                assert cluster.cosines[mark, place] == pytest.approx(
                    min(1, ours @ theirs), abs=1e-5
                )
                dropped += 1
    assert dropped > 100


def test_a_chain_is_not_dropped_through_its_middle(shelf: Shelf) -> None:
    angles = np.radians([0, 20, 40])
    matrix = np.zeros((3, 16))
    matrix[:, 0], matrix[:, 1] = np.cos(angles), np.sin(angles)
    shelf.put(matrix)
    [cluster] = SemDeDup(shelf.library, (0.9,)).run()  # cos 20° is 0.94, cos 40° 0.77
    ends_then_middle = sorted(cluster.items[cluster.kept[0]].tolist())
    assert len(ends_then_middle) == 2
    assert cluster.kept[0].tolist() == [True, True, False]


def test_two_runs_say_the_same(shelf: Shelf) -> None:
    shelf.put(_planted(400))
    runs = [list(SemDeDup(shelf.library, COSINES, together=25).run()) for _ in range(2)]
    assert [cluster.items.tolist() for cluster in runs[0]] == [c.items.tolist() for c in runs[1]]


def test_filters_choose_the_images(shelf: Shelf) -> None:
    numbers = shelf.put(_planted(40))
    some = Filters(folder="/set/00003.jpg")
    [cluster] = SemDeDup(shelf.library, COSINES, some).run()
    assert cluster.items.tolist() == [numbers[3]]
    assert list(SemDeDup(shelf.library, COSINES, Filters(folder="/nowhere")).run()) == []


def test_a_library_without_vectors_is_told(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no vectors of images"):
        list(SemDeDup(Library.create(tmp_path / "empty"), COSINES).run())


def test_thresholds_are_checked_and_ordered() -> None:
    assert check_cosines([0.9, 0.95, 0.9]) == (0.95, 0.9)
    assert check_cosines([]) == semdedup.COSINES
    for impossible in (2.0, 1.0, 0.0, -0.5, float("nan")):
        with pytest.raises(InvalidArgument, match="between 0 and 1"):
            check_cosines([impossible])


def test_the_library_is_free_while_the_caller_has_a_cluster(shelf: Shelf) -> None:
    numbers = shelf.put(_planted(400))
    library = shelf.library
    clusters = SemDeDup(library, COSINES, together=25).run()
    seen = next(clusters).items.tolist()
    assert not fork._begun  # a child that is forked now may use the library
    gone = [number for number in numbers if number not in seen and number % 2]
    with library.catalogue.writing() as connection:
        connection.execute(schema.vectors.delete().where(schema.vectors.c.item_id.in_(gone)))
    for cluster in clusters:
        assert not fork._begun
        seen += cluster.items.tolist()
        for mark in range(len(COSINES)):
            kept = set(cluster.items[cluster.kept[mark]].tolist())
            assert set(cluster.instead[mark][~cluster.kept[mark]].tolist()) <= kept
    assert sorted(seen) == sorted(set(numbers) - set(gone))
