"""The questions asked for every file or every query are answered by indexes, never by a scan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from indexer import Report
from storage import Filters, Library, files, items, vectors
from storage.roots import Roots
from storage.selection import select_vectors

Index = Callable[..., Report]


@contextmanager
def plans(connection: Connection) -> Iterator[list[str]]:
    """Gather how SQLite carries out each SELECT of the block."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.lstrip().startswith("SELECT"):
            asked.append((statement, parameters))

    steps: list[str] = []
    event.listen(connection, "before_cursor_execute", note)
    try:
        yield steps
    finally:
        event.remove(connection, "before_cursor_execute", note)
        for statement, parameters in asked:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += [str(row.detail) for row in rows]


def scans(steps: list[str]) -> list[str]:
    """The steps that go through a whole table, or sort what an index could give in order."""
    whole = ("SCAN files", "SCAN items", "SCAN vectors", "SCAN failures", "SCAN passages")
    return [step for step in steps if step in whole or "ORDER BY" in step]


def test_the_hot_questions_use_indexes(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    with library.catalogue.reading() as connection:
        root = next(iter(Roots(connection)))
        with plans(connection) as steps:
            files.page(connection, root, str(photos), str(photos / "1.png"), 1000)
            items.stored_by_size(connection, range(500), 1)
            vectors.any_of(connection, 1, "text")
            vectors.count(connection, 1, "text")
            list(vectors.blocks(connection, 1, "text"))
            select_vectors(connection, 1, "image", Filters())
            files.count_missing(connection, str(photos / "summer"))
        assert steps
        assert scans(steps) == []
