"""Files, disks and models in trouble: each costs itself and nothing else."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Connection, event

from indexer import IndexConfig, Report
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import Pixels
from storage import Library, Matrix
from storage.errors import (
    DiskFull,
    EncodeFailure,
    InvalidArgument,
    PathNotFound,
)
from storage.tables import files
from storage.tables.file_state import FileSeen
from tests.indexer.search_results import counts, paths

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]


def test_a_broken_file_is_a_failure_until_it_changes(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    (photos / "broken.jpg").write_bytes(b"not an image")
    (photos / "empty.jpg").write_bytes(b"")
    assert counts(index(photos)) == {"new": 6, "failed": 2}
    assert counts(index(photos)) == {"unchanged": 6, "failed": 2}
    assert [(Path(f.path).name, f.stage) for f in library.failures()] == [
        ("broken.jpg", "decode"),
        ("empty.jpg", "decode"),
    ]
    draw(photos / "broken.jpg", 50)
    assert counts(index(photos)) == {"new": 1, "unchanged": 6, "failed": 1}
    assert len(library.failures()) == 1


def test_a_failed_file_that_went_away_is_no_failure_any_more(
    library: Library, photos: Path, index: Index
) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    index(photos)
    (photos / "empty.jpg").unlink()
    assert counts(index(photos)) == {"unchanged": 6}
    assert library.failures() == []


def test_a_failed_file_is_tried_again_on_request(photos: Path, index: Index) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    index(photos)
    assert counts(index(photos, retry_failures=True)) == {"unchanged": 6, "failed": 1}


def test_a_file_that_stopped_being_an_image_hides_its_old_content(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    (photos / "0.png").write_bytes(b"gone bad")
    assert counts(index(photos)) == {"unchanged": 5, "failed": 1, "missing": 1}
    assert str(photos / "0.png") not in paths(library)


def test_files_of_other_types_are_skipped_without_a_failure(
    library: Library, photos: Path, index: Index
) -> None:
    (photos / "song.xyz").write_bytes(b"\0\1\2")
    (photos / "table.csv").write_text("caption\na dog\n")
    assert counts(index(photos)) == {"new": 6, "skipped": 2}
    assert library.failures() == []


def test_a_date_beyond_what_a_database_holds_is_no_obstacle(photos: Path, index: Index) -> None:
    os.utime(photos / "0.png", (10_413_792_000, 10_413_792_000))  # the year 2300
    assert counts(index(photos)) == {"new": 6}
    assert counts(index(photos)) == {"unchanged": 6}


def test_a_folder_that_cannot_be_read_keeps_what_is_known_of_it(
    library: Library, photos: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(photos)
    look = os.lstat

    def refuse(path: str) -> os.stat_result:
        if "summer" in str(path):
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr("indexer.scan.walk.os.lstat", refuse)
    report = index(photos)
    assert counts(report) == {"unchanged": 4}
    assert "Permission denied" in report.notices[0]
    assert len(paths(library)) == 6


def test_what_no_row_can_hold_fails_alone(
    library: Library, photos: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = files.record

    def refuse(connection: Connection, seen: FileSeen, *rest: Any) -> files.Outcome:
        if seen.path.endswith("3.png"):
            raise OverflowError("too large")
        return record(connection, seen, *rest)

    monkeypatch.setattr("storage.tables.files.record", refuse)
    assert counts(index(photos)) == {"new": 5, "failed": 1}
    assert [failure.stage for failure in library.failures()] == ["write"]


def test_a_known_file_that_turns_into_something_else_is_found_no_more(
    library: Library, photos: Path, index: Index
) -> None:
    (photos / "0.png").rename(photos / "extensionless")
    index(photos)
    (photos / "extensionless").write_text("#!/bin/sh")
    assert counts(index(photos)) == {"unchanged": 5, "skipped": 1, "missing": 1}
    assert str(photos / "extensionless") not in paths(library)


def test_the_librarys_own_thumbnails_are_refused(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    with pytest.raises(InvalidArgument, match="part of the library"):
        index(library.paths.thumbnails)


def test_a_name_that_is_not_utf8_is_kept_to_the_byte(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    draw(photos / name, 7)
    assert counts(index(photos)) == {"new": 7}
    assert os.fsencode(library.find(str(photos / name)).paths[0]).endswith(b"caf\xe9.png")
    assert counts(index(photos)) == {"unchanged": 7}


def test_a_folder_that_does_not_exist_is_an_error_that_names_it(
    tmp_path: Path, index: Index
) -> None:
    with pytest.raises(PathNotFound, match="nowhere"):
        index(tmp_path / "nowhere")


class Choosy(FakeEncoder):
    """Refuses every batch that holds a black image."""

    def encode_images(self, pixels: Pixels) -> Matrix:
        if (pixels.reshape(len(pixels), -1).max(axis=1) == 0).any():
            raise EncodeFailure("the model gave a vector that is not finite")
        return super().encode_images(pixels)


def test_an_image_the_model_cannot_encode_fails_alone(library: Library, photos: Path) -> None:
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(photos / "black.png")
    report = Indexer(library, Choosy(), IndexConfig(paths=(str(photos),), workers=1)).run()
    assert counts(report) == {"new": 6, "failed": 1}
    assert [failure.stage for failure in library.failures()] == ["encode"]


class Halting(FakeEncoder):
    """A tower that stops working for good."""

    def encode_images(self, pixels: Pixels) -> Matrix:
        raise RuntimeError("the device went away")


def test_copies_of_an_image_the_model_cannot_encode_all_fail(
    library: Library, photos: Path
) -> None:
    for name in ("black.png", "black too.png"):
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(photos / name)
    report = Indexer(library, Choosy(), IndexConfig(paths=(str(photos),), workers=1)).run()
    assert counts(report) == {"new": 6, "failed": 2}


def test_a_full_disk_is_named_and_costs_nothing_that_was_committed(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    (photos / "long.txt").write_text(" ".join(map(str, range(20_000))))
    with library.catalogue.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    library.catalogue.release()

    def fill_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way of a full disk

    event.listen(library.catalogue._engine, "connect", fill_up)
    with pytest.raises(DiskFull, match="free some space"):
        index(photos)
    event.remove(library.catalogue._engine, "connect", fill_up)
    library.catalogue.release()
    assert library.status().items >= 6
    assert counts(index(photos)) == {"new": 1, "unchanged": 6}


def test_an_error_of_the_encoder_ends_the_run_and_keeps_the_library(
    library: Library, photos: Path, index: Index
) -> None:
    with pytest.raises(RuntimeError, match="went away"):
        Indexer(library, Halting(), IndexConfig(paths=(str(photos),), workers=1)).run()
    assert counts(index(photos)) == {"new": 6}
