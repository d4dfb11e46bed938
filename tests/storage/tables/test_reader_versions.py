from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from indexer import Report
from storage import Library, schema
from storage.records import Capture
from storage.tables import duplicate_pairs, fingerprints, items, reader_versions
from storage.tables.stored_contents import stored_by_size

Index = Callable[..., Report]
CAPTURE = Capture("2019-06-01T12:30:00", "Acme Box", None, 38.7, -9.1)


def content(version: int, capture: Capture = CAPTURE) -> items.Content:
    return items.Content("ab" * 32, "image", 5, "JPEG", 4, 3, capture, reader_version=version)


def test_a_row_takes_what_a_later_version_reads(library: Library) -> None:
    with library.catalogue.writing() as connection:
        item, made = items.add(connection, content(0, Capture()))
        assert made
        assert items.add(connection, content(1)) == (item, False)
        assert items.captures(connection, [item]) == {item: CAPTURE}
        assert reader_versions.version(connection, "image", "ab" * 32) == 1


def test_a_row_keeps_what_a_later_version_read(library: Library) -> None:
    with library.catalogue.writing() as connection:
        item, _ = items.add(connection, content(2))
        items.add(connection, content(1, Capture()))
        assert items.captures(connection, [item]) == {item: CAPTURE}
        assert reader_versions.version(connection, "image", "ab" * 32) == 2


def test_content_without_a_row_has_no_version(library: Library) -> None:
    with library.catalogue.writing() as connection:
        items.add(connection, content(1))
        assert reader_versions.version(connection, "image", "cd" * 32) is None
        assert reader_versions.version(connection, "document", "ab" * 32) is None
        names = [f"{number:064x}" for number in range(2000)] + ["ab" * 32]
        assert reader_versions.versions(connection, "image", names) == {"ab" * 32: 1}


def test_a_version_is_recorded_with_and_without_metadata(library: Library) -> None:
    with library.catalogue.writing() as connection:
        item, _ = items.add(connection, content(0))
        reader_versions.record(connection, item, 1, None)
        assert items.captures(connection, [item]) == {item: CAPTURE}
        reader_versions.record(connection, item, 1, Capture(camera="Other"))
        assert items.captures(connection, [item]) == {item: Capture(camera="Other")}


def test_all_that_was_made_of_pixels_goes(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    with library.catalogue.writing() as connection:
        rows = [(number, np.zeros((8, 32), np.uint8), 90) for number in (1, 2)]
        fingerprints.add_fingerprints(connection, rows)
        duplicate_pairs.add_pairs(connection, [(1, 2, "edited", {}), (2, 3, "edited", {})])
        reader_versions.forget_pixels(connection, 1)
        assert set(fingerprints.fingerprints_of(connection, [1, 2])) == {2}
        [page] = duplicate_pairs.pairs(connection, ["edited"])
        assert [(pair.first, pair.second) for pair in page] == [(2, 3)]
        held = set(connection.scalars(select(schema.vectors.c.item_id)))
        assert held == {2, 3, 4, 5, 6}


@pytest.mark.parametrize("version", [0, 1])
def test_stored_contents_are_told_by_their_version(library: Library, version: int) -> None:
    with library.catalogue.writing() as connection:
        connection.exec_driver_sql("INSERT INTO spaces VALUES (1, 'm', '1', 2, '{}', 1, 'fp32')")
        item, _ = items.add(connection, content(version))
        connection.exec_driver_sql(
            "INSERT INTO vectors (space_id, item_id, kind, vector) VALUES (1, ?, 'image', x'00')",
            (item,),
        )
        stored = stored_by_size(connection, [5], 1, 1)[("image", 5)]
    name = "ab" * 32
    assert stored.current == (frozenset([name]) if version else frozenset())
    assert stored.outdated == ({} if version else {name: 0})
