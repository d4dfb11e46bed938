"""The questions asked for every file or every query are answered by indexes, never by a scan."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from indexer import Report
from storage import Caption, Filters, Library, Tag, active_space
from storage.selection import select_items, select_vectors
from storage.tables import captions, files, known_files, tags, vectors
from storage.tables.known_files import Demands
from storage.tables.roots import Roots
from storage.tables.stored_contents import stored_by_size

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
    whole = {f"SCAN {table}" for table in "files failures passages captions tags".split()}
    large = ("SCAN items", "SCAN vectors")  # too many rows even for a scan of an index,
    few = "SCAN items USING INDEX items_absent"  # but for that of the absent alone
    return [
        step
        for step in steps
        if step in whole or (step.startswith(large) and step != few) or "ORDER BY" in step
    ]


def test_the_hot_questions_use_indexes(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    with library.catalogue.reading() as connection:
        root = next(iter(Roots(connection)))
        with plans(connection) as steps:
            start, end = os.fsencode(photos / "1.png"), os.fsencode(f"{photos}0")
            known_files.page(connection, root, start, end, Demands(1, 1, 1))
            known_files.known(connection, root, [str(photos / "1.png")], 1)
            stored_by_size(connection, range(500), 1, 1)
            vectors.any_of(connection, 1, "text")
            vectors.count(connection, 1, "text")
            list(vectors.blocks(connection, 1, "text"))
            select_vectors(connection, 1, "image", Filters())
            files.count_missing(connection, str(photos / "summer"))
        assert steps
        assert scans(steps) == []


def test_a_filter_begins_with_what_it_names(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    narrow = [
        Filters(tags=("beach", "sunset")),
        Filters(after="2020"),
        Filters(before="2020"),
        Filters(rating="4"),
        Filters(keyword=("sea", "sunset")),
        Filters(folder=str(photos / "summer")),
    ]
    with library.catalogue.writing() as connection:
        tags.record(connection, "m", [Tag(1, "beach", "m", 0.5)])
    with library.catalogue.reading() as connection:
        for filters in narrow:
            with plans(connection) as steps:
                select_items(connection, "image", filters)
                select_vectors(connection, 1, "image", filters)
            assert scans(steps) == []
            assert not any("items_1 (kind=?)" in step for step in steps)  # nearly all rows


def test_captions_are_found_by_their_words_and_by_their_items(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    with library.catalogue.writing() as connection:
        captions.record(connection, [Caption(1, "m", "1", "a red kite")])
    with library.catalogue.reading() as connection:
        with plans(connection) as steps:
            allowed = select_items(connection, "image", Filters(tags=("beach",)))
            captions.matching(connection, "red kite", allowed, 10)
            assert captions.matching(connection, "red kite", None, 10) == [1]
            captions.any_at_all(connection)
        assert any("caption_words VIRTUAL TABLE INDEX" in step for step in steps)
        assert scans(steps) == []
        with plans(connection) as steps:
            captions.of_items(connection, [1, 2], "m")
            captions.lacking(connection, "m", "1", [1, 2])
            tags.of_items(connection, [1, 2])
        assert all(step.startswith(("SEARCH", "USE TEMP B-TREE")) for step in steps)


def test_what_must_see_every_item_reads_them_once_in_their_order(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    with library.catalogue.reading() as connection:
        for filters in (Filters(), Filters(missing=True)):
            with plans(connection) as steps:
                select_items(connection, "image", filters)
            assert scans(steps) == ["SCAN items"]
        with plans(connection) as steps:
            active_space.count_lacking(connection, 1)
        assert scans(steps) == ["SCAN items"]
        assert any(step.startswith("SEARCH failures") for step in steps), steps
        with plans(connection) as steps:
            active_space.counts(connection)
        assert not any(step.startswith(("SCAN items", "SCAN vectors")) for step in steps)
