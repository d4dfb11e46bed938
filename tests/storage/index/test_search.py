"""What the index answers is what brute force answers, whatever came, went or is filtered."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

from storage import Filters, Library, Near, schema
from storage.index import builds, kinds
from storage.records import Capture, Matrix
from storage.selection import select_vectors
from storage.tables import files, items, known_files, vectors
from storage.tables.file_state import FileSeen
from storage.tables.items import Content
from storage.tables.roots import Roots
from storage.tables.vectors import Ids
from tests.storage.unit_vectors import unit_vectors

DIM = 24
Fill = Callable[[int, int], Matrix]


@pytest.fixture
def fill(library: Library, space_id: int) -> Fill:
    """Adds random unit vectors for items numbered from `first`; returns them."""

    def add(first: int, count: int) -> Matrix:
        matrix = unit_vectors(count, DIM, seed=first)
        with library.catalogue.writing() as connection:
            root = Roots(connection).enter("/photos", walked=True)
            for number, row in enumerate(matrix, start=first):
                item, fresh = items.add(connection, content(number))
                vectors.add(connection, space_id, "image", [item], row[None])
                seen = FileSeen(root.id, f"/photos/{number % 3}/{number}.jpg", number, 0)
                files.record(connection, seen, item, fresh, lambda root, path: False)
        return matrix

    return add


def content(number: int) -> Content:
    capture = Capture(
        taken_at=f"20{number % 20:02}-06-01T12:00:00" if number % 4 else None,
        camera=("Canon EOS 40D", "NIKON D70", "ÉCLAIR Caméra")[number % 3],
        latitude=number % 180 - 90 if number % 5 else None,
        longitude=number % 360 - 180 if number % 5 else None,
    )
    name = hashlib.sha256(str(number).encode()).hexdigest()
    return Content(name, "image", number, "JPEG", 10, 10, capture)


def found(
    library: Library,
    space_id: int,
    query: Matrix,
    k: int,
    filters: Filters | None = None,
    notices: list[str] | None = None,
) -> tuple[Ids, Matrix]:
    with library.catalogue.reading() as connection:
        chosen = select_vectors(connection, space_id, "image", filters or Filters())
        return library.nearest(space_id, "image").search(connection, query, k, chosen, notices)


def brute_force(library: Library, space_id: int, query: Matrix, k: int) -> Matrix:
    """The best cosines over all stored rows whose items are there."""
    with library.catalogue.reading() as connection:
        blocks = list(vectors.blocks(connection, space_id, "image"))
    scores = np.concatenate([matrix @ query for _, matrix in blocks])
    return np.sort(scores)[::-1][:k]


def build(library: Library, space_id: int) -> Path:
    made = builds.make(library.catalogue, library.paths.index, space_id, "image")
    assert made is not None
    return library.paths.index / made.file


@pytest.mark.parametrize("built", [0, 150, 300])
def test_answers_are_those_of_brute_force(
    library: Library, space_id: int, fill: Fill, built: int
) -> None:
    matrix = fill(0, max(built, 1))
    if built:
        build(library, space_id)
    matrix = np.vstack([matrix, fill(1000, 300)])
    for query in matrix[::50]:
        _, scores = found(library, space_id, query, 20)
        np.testing.assert_allclose(scores, brute_force(library, space_id, query, 20), atol=2e-3)


def test_more_hits_than_items_returns_them_all(library: Library, space_id: int, fill: Fill) -> None:
    query = fill(0, 50)[0]
    build(library, space_id)
    for k in (51, 5_000):
        assert sorted(found(library, space_id, query, k)[0]) == list(range(1, 51))


def test_a_deleted_row_is_hidden_from_an_old_build(
    library: Library, space_id: int, fill: Fill
) -> None:
    query = fill(0, 50)[7]
    build(library, space_id)
    best = found(library, space_id, query, 1)[0][0]
    assert best == 8
    library.apply(library.plan_remove("/photos/1/7.jpg"), "remove")
    ids, _ = found(library, space_id, query, 50)
    assert best not in ids
    assert len(ids) == 49


def test_row_numbers_are_never_used_again(library: Library, space_id: int, fill: Fill) -> None:
    fill(0, 5)
    library.apply(library.plan_remove("/photos"), "remove")
    fill(10, 1)
    with library.catalogue.reading() as connection:
        ids = [ids for ids, _ in vectors.blocks(connection, space_id, "image")]
    assert ids[0].tolist() == [6]


def test_items_whose_files_are_missing_are_hidden_unless_asked_for(
    library: Library, space_id: int, fill: Fill
) -> None:
    query = fill(0, 50)[7]
    build(library, space_id)
    with library.catalogue.writing() as connection:
        root = Roots(connection).enter("/photos", walked=True)
        known = known_files.known(connection, root, ["/photos/1/7.jpg"], space_id)
        files.mark_missing(connection, list(known.values()))
    assert 8 not in found(library, space_id, query, 50)[0]
    assert found(library, space_id, query, 1, Filters(missing=True))[0].tolist() == [8]


FILTERS: list[tuple[Filters, Callable[[int], bool]]] = [
    (Filters(folder="/photos/1"), lambda n: n % 3 == 1),
    (Filters(after="2005", before="2010"), lambda n: n % 4 != 0 and 5 <= n % 20 < 10),
    (Filters(camera="canon"), lambda n: n % 3 == 0),
    (Filters(camera="CAME\u0301RA"), lambda n: n % 3 == 2),
    (Filters(camera="came"), lambda n: False),
    (Filters(camera="%"), lambda n: False),
    (
        Filters(near=Near(0.0, 0.0, 2000.0)),
        lambda n: n % 5 != 0 and far(n % 180 - 90, n % 360 - 180) <= 2000,
    ),
    (Filters(folder="/photos/2", camera="d70"), lambda n: False),
]


def far(latitude: float, longitude: float) -> float:
    """Kilometres from 0°, 0°, by the spherical law of cosines."""
    a, b = np.radians(latitude), np.radians(longitude)
    return float(6371.0088 * np.arccos(np.clip(np.cos(a) * np.cos(b), -1, 1)))


@pytest.mark.parametrize(("filters", "allows"), FILTERS)
@pytest.mark.parametrize("few", [0, 5_000])
def test_a_filter_allows_exactly_what_it_says(
    library: Library,
    space_id: int,
    fill: Fill,
    filters: Filters,
    allows: Callable[[int], bool],
    few: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("storage.index.search.EXACT_LIMIT", few)  # both ways of the plan
    query = fill(0, 400)[3]
    build(library, space_id)
    fill(400, 20)
    expected = {number + 1 for number in range(420) if allows(number)}
    assert set(found(library, space_id, query, 1000, filters)[0].tolist()) == expected
    assert len(found(library, space_id, query, 3, filters)[0]) == min(3, len(expected))


def test_a_damaged_index_is_made_again_with_a_notice(
    library: Library, space_id: int, fill: Fill
) -> None:
    query = fill(0, 50)[7]
    path = build(library, space_id)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one flipped bit
    path.write_bytes(bytes(content))
    notices: list[str] = []
    assert found(library, space_id, query, 1, notices=notices)[0].tolist() == [8]
    assert "damaged" in notices[0] and "made again" in notices[0]
    assert not path.exists()
    with Library.open(library.path) as again:
        notices.clear()
        assert found(again, space_id, query, 1, notices=notices)[0].tolist() == [8]
        assert notices == []


def test_a_missing_index_is_made_again_with_a_notice(
    library: Library, space_id: int, fill: Fill
) -> None:
    query = fill(0, 50)[7]
    build(library, space_id).unlink()
    notices: list[str] = []
    assert found(library, space_id, query, 1, notices=notices)[0].tolist() == [8]
    assert "missing" in notices[0]


def test_a_damaged_index_still_answers_while_another_process_writes(
    library: Library, space_id: int, fill: Fill
) -> None:
    query = fill(0, 50)[7]
    build(library, space_id).write_bytes(b"torn")
    notices: list[str] = []
    with Library.open(library.path) as writer, writer.writing("index"):
        assert found(library, space_id, query, 1, notices=notices)[0].tolist() == [8]
    assert "comes later" in notices[0]


def test_files_of_the_index_folder_that_are_not_builds_stay_or_go_by_name(
    library: Library, space_id: int, fill: Fill
) -> None:
    fill(0, 50)
    folder = build(library, space_id).parent
    (folder / "image-exact-0.faiss.tmp").write_bytes(b"left by a crash")
    (folder / "notes.txt").write_text("mine")
    build(library, space_id)
    assert sorted(path.suffix for path in folder.iterdir()) == [".faiss", ".txt"]


def test_recall_is_measured_when_a_build_is_made(
    library: Library, space_id: int, fill: Fill
) -> None:
    fill(0, 200)
    build(library, space_id)
    assert [made.recall for made in library.status().builds] == [1.0]


def test_a_build_is_due_when_there_is_enough_to_gain(
    library: Library, space_id: int, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.index.builds.WORTH_BUILDING", 100)
    fill(0, 99)
    assert not needs_rebuild(library, space_id)
    fill(99, 1)
    assert needs_rebuild(library, space_id)
    build(library, space_id)
    assert not needs_rebuild(library, space_id)
    fill(200, 11)
    assert needs_rebuild(library, space_id)


def needs_rebuild(library: Library, space_id: int) -> bool:
    with library.catalogue.reading() as connection:
        return builds.needs_rebuild(connection, space_id, "image")


def test_a_build_of_the_wrong_recall_would_show(
    library: Library, space_id: int, fill: Fill
) -> None:
    truth = builds.GroundTruth()
    matrix = fill(0, 100)
    truth.add(np.arange(100), matrix)
    index = kinds.load_kind("exact").create(DIM, 50, matrix[:0])
    index.add(np.arange(50), matrix[50:])  # half of the rows, under wrong numbers
    with library.catalogue.reading() as connection:
        assert truth.recall(connection, index) < 0.9


def test_a_schema_row_cannot_lose_its_item(library: Library, space_id: int, fill: Fill) -> None:
    fill(0, 1)
    with pytest.raises(Exception, match="FOREIGN KEY"), library.catalogue.writing() as connection:
        connection.execute(delete(schema.items))
    with library.catalogue.writing() as connection:  # the refused transaction left nothing
        connection.execute(update(schema.files).values(missing=False))
        assert vectors.count(connection, space_id, "image") == 1
