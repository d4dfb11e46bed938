"""The join finds the near pairs that comparing everything with everything finds."""

import hashlib

import numpy as np
import pytest

from storage import Library
from storage.index import builds, knn_join
from storage.index.knn_join import NeighbourPairs
from storage.records import Matrix
from storage.tables import items, vectors

DIM, COUNT, LEAST = 48, 4000, 0.9
Pairs = dict[tuple[int, int], float]


def drawn(count: int, seed: int = 0) -> Matrix:
    """Unit vectors of which the second half lie near some of the first, at cosines 0.85 to 1."""
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((count // 2, DIM))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    beside = first[rng.integers(0, len(first), count - len(first))]
    away = rng.standard_normal(beside.shape)
    away -= (away * beside).sum(1, keepdims=True) * beside
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    cosine = rng.uniform(0.85, 1, (len(beside), 1))
    second = cosine * beside + np.sqrt(1 - cosine**2) * away
    return np.vstack([first, second]).astype(np.float16).astype(np.float32)


def add(library: Library, space_id: int, matrix: Matrix, first: int = 0) -> None:
    """Add items; item n + 100 has vector n, so that the two are not taken for one another."""
    with library.catalogue.writing() as connection:
        if not first:
            for number in range(100):
                name = hashlib.sha256(f"text {number}".encode()).hexdigest()
                items.add(connection, items.Content(name, "text", 1, "text"))
        numbers = []
        for number in range(first, first + len(matrix)):
            name = hashlib.sha256(str(number).encode()).hexdigest()
            numbers.append(items.add(connection, items.Content(name, "image", 1, "PNG"))[0])
        vectors.add(connection, space_id, "image", numbers, matrix)


def join(library: Library, space_id: int, after: int = 0, k: int = 30) -> list[NeighbourPairs]:
    index = library.paths.index
    return list(knn_join.neighbours(library.catalogue, index, space_id, after, k, LEAST))


def told(found: list[NeighbourPairs]) -> Pairs:
    return {
        (int(first), int(second)): float(cosine)
        for block in found
        for first, second, cosine in zip(block.first, block.second, block.cosines, strict=True)
    }


def brute_force(matrix: Matrix, after: int = 0) -> Pairs:
    scores = matrix @ matrix.T
    rows, columns = np.nonzero(np.triu(scores >= LEAST, 1))
    return {
        (int(row) + 101, int(column) + 101): float(scores[row, column])
        for row, column in zip(rows, columns, strict=True)
        if column >= after
    }


def test_few_comparisons_are_made_one_and_all(library: Library, space_id: int) -> None:
    matrix = drawn(1000)
    add(library, space_id, matrix)
    found, true = told(join(library, space_id)), brute_force(matrix)
    assert found.keys() == true.keys() and len(true) > 200
    assert all(abs(found[pair] - true[pair]) < 1e-5 for pair in true)


@pytest.mark.parametrize("built", [False, True])
def test_many_comparisons_find_nearly_all_of_them(
    library: Library, space_id: int, built: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knn_join, "FEW_COMPARISONS", 0)
    monkeypatch.setattr(knn_join, "_ASKED", 1500)
    monkeypatch.setattr(vectors, "_BLOCK", 500)
    matrix = drawn(COUNT)
    add(library, space_id, matrix[:3900])
    if built:
        builds.make(library.catalogue, library.paths.index, space_id, "image", "ivf")
    add(library, space_id, matrix[3900:], 3900)  # after the build, if there is one
    blocks = join(library, space_id)
    assert [block.upto for block in blocks] == [1500, 3000, 4000]
    found, true = told(blocks), brute_force(matrix)
    assert found.keys() <= true.keys()
    assert len(found) >= 0.99 * len(true) > 500
    assert all(abs(found[pair] - true[pair]) < 1e-5 for pair in found)


@pytest.mark.parametrize("few", [0, 10**9])
def test_only_what_is_new_is_asked_about(
    library: Library, space_id: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knn_join, "FEW_COMPARISONS", few)
    matrix = drawn(1000)
    add(library, space_id, matrix)
    true = brute_force(matrix, after=950)
    found = told(join(library, space_id, after=950))
    assert found.keys() <= true.keys()
    assert len(found) >= 0.99 * len(true) > 10
    assert join(library, space_id, after=1000) == []


@pytest.mark.parametrize("few", [0, 10**9])
def test_of_a_crowd_each_has_the_k_nearest(
    library: Library, space_id: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knn_join, "FEW_COMPARISONS", few)
    monkeypatch.setattr(knn_join, "_WAITING", 100)
    rng = np.random.default_rng(0)
    crowd = np.eye(1, DIM) + 0.02 * rng.standard_normal((300, DIM))
    add(library, space_id, (crowd / np.linalg.norm(crowd, axis=1)[:, None]).astype(np.float32))
    found = told(join(library, space_id, k=5))
    degree = np.bincount(np.array(list(found)).ravel(), minlength=401)[101:]
    assert degree.min() >= 5
    assert 300 * 5 / 2 <= len(found) <= 300 * 5


def test_the_same_vector_many_times_over(library: Library, space_id: int) -> None:
    add(library, space_id, np.repeat(np.eye(1, DIM, dtype=np.float32), 50, axis=0))
    found = join(library, space_id, k=3)
    assert 75 <= len(told(found)) <= 150
    assert all(block.cosines.min() == 1 for block in found)
    again = join(library, space_id, k=3)
    assert told(again) == told(found)


def test_an_image_that_is_gone_is_no_neighbour(
    library: Library, space_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knn_join, "FEW_COMPARISONS", 0)
    matrix = drawn(400)
    add(library, space_id, matrix)
    builds.make(library.catalogue, library.paths.index, space_id, "image", "ivf")
    (first, second), *_ = brute_force(matrix)
    with library.catalogue.writing() as connection:
        items.drop_orphans(connection)  # nothing holds any of them
        add_again = matrix[second - 101][None]
    add(library, space_id, add_again, 5000)
    assert told(join(library, space_id)) == {}


def test_a_damaged_index_does_not_stop_the_join(
    library: Library, space_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = drawn(400)
    add(library, space_id, matrix)
    build = builds.make(library.catalogue, library.paths.index, space_id, "image", "ivf")
    assert build is not None
    (library.paths.index / build.file).write_bytes(b"torn")
    assert told(join(library, space_id)).keys() == brute_force(matrix).keys()


def test_a_space_without_images_has_no_pairs(library: Library, space_id: int) -> None:
    assert join(library, space_id) == []
