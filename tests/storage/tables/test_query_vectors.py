"""The vectors of texts that were asked come back bit by bit, in a bounded number, by space."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import func, select

from indexer.models.networks.fake import FakeEncoder
from storage import Library, Space, schema
from storage.errors import LibraryInUse
from storage.tables import query_vectors, spaces
from storage.tables.query_vectors import QueryText


@pytest.fixture
def spaces_of_two(library: Library, encoder: FakeEncoder) -> tuple[Space, Space]:
    """Two spaces, the first one current."""
    with library.catalogue.writing() as connection:
        first = spaces.register(connection, encoder.space)
        second = spaces.register(connection, replace(encoder.space, name="second", revision="2"))
    return first, second


def made(seed: int, truncation: tuple[int, int, int] | None = None) -> QueryText:
    row = np.random.default_rng(seed).standard_normal(64).astype(np.float32)
    return QueryText(row / np.linalg.norm(row), truncation)


def record(library: Library, space: Space, texts: dict[str, QueryText]) -> None:
    assert space.id is not None
    with library.caching() as connection:
        query_vectors.record(connection, space.id, texts)


def stored(library: Library, space: Space, *texts: str) -> dict[str, QueryText]:
    assert space.id is not None
    with library.catalogue.reading() as connection:
        return query_vectors.stored(connection, space.id, texts)


def test_a_text_comes_back_as_it_was_stored(
    library: Library, spaces_of_two: tuple[Space, Space]
) -> None:
    first, second = spaces_of_two
    record(library, first, {"red kite": made(1), "a b c": made(2, (2, 3, 1))})
    found = stored(library, first, "a b c", "red kite", "Red kite")
    assert sorted(found) == ["a b c", "red kite"]
    assert found["red kite"].vector.dtype == np.float32
    assert found["red kite"].vector.tobytes() == made(1).vector.tobytes()
    assert [found[text].truncation for text in ("red kite", "a b c")] == [None, (2, 3, 1)]
    assert stored(library, second, "red kite") == {}


def test_the_first_vector_of_a_text_stays(
    library: Library, spaces_of_two: tuple[Space, Space]
) -> None:
    record(library, spaces_of_two[0], {"red kite": made(1)})
    record(library, spaces_of_two[0], {"red kite": made(2)})
    found = stored(library, spaces_of_two[0], "red kite")
    assert found["red kite"].vector.tobytes() == made(1).vector.tobytes()


def test_of_many_texts_the_last_are_kept_in_each_space(
    library: Library, spaces_of_two: tuple[Space, Space], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_vectors, "KEPT", 3)
    first, second = spaces_of_two
    record(library, second, {"other": made(9)})
    for number in range(5):
        record(library, first, {f"text {number}": made(number)})
    texts = [f"text {number}" for number in range(10)]
    assert sorted(stored(library, first, *texts)) == ["text 2", "text 3", "text 4"]
    record(library, first, {text: made(7) for text in texts[5:]})
    assert sorted(stored(library, first, *texts)) == ["text 7", "text 8", "text 9"]
    assert sorted(stored(library, second, "other")) == ["other"]


def test_no_text_lies_in_the_library(library: Library, spaces_of_two: tuple[Space, Space]) -> None:
    record(library, spaces_of_two[0], {"a very private question": made(1)})
    library.close()
    held = b"".join(path.read_bytes() for path in library.path.rglob("*") if path.is_file())
    assert b"private question" not in held


def test_they_go_with_their_space(library: Library, spaces_of_two: tuple[Space, Space]) -> None:
    for space in spaces_of_two:
        record(library, space, {"red kite": made(1)})
    library.prune(["second"])
    with library.catalogue.reading() as connection:
        left = connection.scalars(select(schema.query_vectors.c.space_id)).all()
    assert left == [spaces_of_two[0].id]


def test_a_cache_waits_for_no_other_writer_and_leaves_the_connection_as_it_was(
    library: Library, spaces_of_two: tuple[Space, Space]
) -> None:
    other = sqlite3.connect(library.paths.catalogue, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryInUse):
        record(library, spaces_of_two[0], {"red kite": made(1)})
    other.execute("ROLLBACK")
    other.close()
    record(library, spaces_of_two[0], {"red kite": made(1)})
    with library.catalogue.writing() as connection:
        pragmas = ("busy_timeout", "synchronous")
        settings = [connection.exec_driver_sql(f"PRAGMA {each}").scalar() for each in pragmas]
        kept = connection.scalar(select(func.count()).select_from(schema.query_vectors))
    assert (settings, kept) == ([30_000, 2], 1)  # 2: FULL
