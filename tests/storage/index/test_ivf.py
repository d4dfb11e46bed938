"""The inverted file answers as brute force does, to the recall that is measured with it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from storage import Library, Space
from storage.errors import IndexDamaged
from storage.index import builds, ivf, kinds
from storage.records import Build, Matrix
from storage.selection import Selection
from storage.tables import items, spaces, vectors
from storage.tables.vectors import Ids

DIM, COUNT = 32, 2000
NOTHING = np.empty(0, np.int64)


def drawn(seed: int, count: int) -> Matrix:
    """Unit vectors around forty centres, as images of forty places would lie."""
    centres = np.random.default_rng(0).standard_normal((40, DIM))
    rng = np.random.default_rng(seed)
    matrix = centres[rng.integers(0, 40, count)] + 0.5 * rng.standard_normal((count, DIM))
    unit: Matrix = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.fixture
def filled(library: Library) -> Library:
    """A library whose item n has vector n, 2000 of them."""
    with library.catalogue.writing() as connection:
        space = spaces.register(connection, Space("m", "1", DIM, "{}"))
        add(library, drawn(1, COUNT), space.id or 0, connection)
    return library


def add(library: Library, matrix: Matrix, space_id: int, connection: object) -> None:
    names = (hashlib.sha256(row.tobytes()).hexdigest() for row in matrix)
    numbers = [
        items.add(connection, items.Content(name, "image", 1, "PNG"))[0]  # type: ignore[arg-type]
        for name in names
    ]
    vectors.add(connection, space_id, "image", numbers, matrix)  # type: ignore[arg-type]


def made(library: Library) -> Build:
    build = builds.make(library.catalogue, library.paths.index, 1, "image", "ivf")
    assert build is not None
    return build


@pytest.fixture
def opened(filled: Library) -> Iterator[ivf.IvfIndex]:
    index = builds.open_checked(filled.paths.index, made(filled))
    assert isinstance(index, ivf.IvfIndex)
    yield index


def best(matrix: Matrix, query: Matrix, k: int) -> Ids:
    scores = matrix.astype(np.float16).astype(np.float32) @ query
    ranked: Ids = np.argsort(-scores, kind="stable")[:k] + 1
    return ranked


def test_the_build_is_registered_with_the_recall_that_was_measured(filled: Library) -> None:
    build = made(filled)
    assert (build.index_kind, build.count, build.watermark) == ("ivf", COUNT, COUNT)
    assert builds.MIN_RECALL <= build.recall <= 1
    matrix, queries = drawn(1, COUNT), drawn(2, 50)
    chosen = Selection(None, NOTHING)
    hits = 0
    with filled.catalogue.reading() as connection:
        for query in queries:
            ids, scores = filled.nearest(1, "image").search(connection, query, 10, chosen)
            hits += len(set(ids.tolist()) & set(best(matrix, query, 10).tolist()))
            stored = matrix[ids - 1].astype(np.float16).astype(np.float32)
            np.testing.assert_allclose(scores, stored @ query, atol=1e-6)  # not those of the codes
    assert hits >= 0.95 * 500


def test_more_lists_are_looked_at_until_the_recall_is_there(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ivf, "_PROBES", 1)
    monkeypatch.setattr(ivf, "_ROWS_PER_HIT", 0)
    loose = np.random.default_rng(5).standard_normal((COUNT, DIM)).astype(np.float32)
    with filled.catalogue.writing() as connection:  # vectors that no list fits
        add(filled, loose / np.linalg.norm(loose, axis=1)[:, None], 1, connection)
    with filled.catalogue.reading() as connection:
        index, truth, _, _ = builds._gather(connection, 1, "image", "ivf", 2 * COUNT)
        truth.queries = truth.ids = truth.scores = None
        [(ids, block)] = vectors.blocks(connection, 1, "image")
        truth.add(ids[COUNT:], block[COUNT:])
        truth.add(ids[:COUNT], block[:COUNT])
        recalls = [truth.recall(connection, index)]
        while index.probe_more():
            recalls.append(truth.recall(connection, index))
    assert min(recalls) < 0.7 and recalls[-1] == 1
    assert made(filled).recall >= builds.MIN_RECALL


def test_what_was_added_later_deleted_or_hidden_is_answered_rightly(filled: Library) -> None:
    made(filled)
    later = drawn(9, 5)
    with filled.catalogue.writing() as connection:
        add(filled, later, 1, connection)
    hidden = np.array([7], np.int64)
    with filled.catalogue.reading() as connection:
        find = filled.nearest(1, "image").search
        assert find(connection, later[3], 1, Selection(None, NOTHING))[0].tolist() == [COUNT + 4]
        old = drawn(1, COUNT)[6]
        assert find(connection, old, 1, Selection(None, NOTHING))[0].tolist() == [7]
        assert find(connection, old, 1, Selection(None, hidden))[0].tolist() != [7]


@pytest.mark.parametrize("few", [1, 20, 400])
def test_a_filter_that_leaves_few_rows_still_finds_them_all(opened: ivf.IvfIndex, few: int) -> None:
    included = np.sort(np.random.default_rng(few).choice(COUNT, few, replace=False)) + 1
    matrix = drawn(1, COUNT)
    ids, _ = opened.search(matrix[:1], few, included, NOTHING)
    assert sorted(ids[0].tolist()) == included.tolist()


def test_more_than_all_rows_can_be_asked_for(opened: ivf.IvfIndex) -> None:
    ids, _ = opened.search(drawn(3, 2), COUNT + 10, None, np.array([5], np.int64))
    assert [len(set(row.tolist())) for row in ids] == [COUNT, COUNT]  # −1 in the place of 5
    assert 5 not in ids


def test_lists_hold_every_row_once_within_the_error_of_the_codes(opened: ivf.IvfIndex) -> None:
    matrix, query = drawn(1, COUNT), drawn(4, 1)[0]
    seen: list[int] = []
    for number in range(opened.list_count()):
        ids, rows = opened.read_list(number)
        seen += ids.tolist()
        assert np.abs(rows @ query - matrix[ids - 1] @ query).max(initial=0) < opened.code_error()
    assert sorted(seen) == list(range(1, COUNT + 1))


def test_an_empty_list_has_no_rows() -> None:
    index = ivf.IvfIndex.create(DIM, 100, drawn(1, 100))
    ids, rows = index.read_list(0)
    assert (ids.shape, rows.shape) == ((0,), (0, DIM))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_very_few_rows_make_an_index(count: int) -> None:
    matrix = drawn(1, count)
    index = ivf.IvfIndex.create(DIM, count, matrix)
    index.add(np.arange(count), matrix)
    assert sorted(index.search(matrix[:1], count, None, NOTHING)[0][0]) == list(range(count))


def test_a_file_that_is_no_inverted_file_is_damaged(tmp_path: Path, filled: Library) -> None:
    (tmp_path / "torn.faiss").write_bytes(b"torn")
    with pytest.raises(IndexDamaged, match="torn"):
        ivf.IvfIndex.open(tmp_path / "torn.faiss")
    exact = builds.make(filled.catalogue, filled.paths.index, 1, "image")
    assert exact is not None and exact.index_kind == "exact"
    with pytest.raises(IndexDamaged, match="another kind"):
        ivf.IvfIndex.open(filled.paths.index / exact.file)


def test_the_number_of_rows_chooses_the_kind(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [kinds.choose_kind(rows) for rows in (10, 999_999, 1_000_000)] == [
        "exact",
        "exact",
        "ivf",
    ]
    monkeypatch.setattr(kinds, "WORTH_IVF", COUNT)
    build = builds.make(filled.catalogue, filled.paths.index, 1, "image")
    assert build is not None and build.index_kind == "ivf"
