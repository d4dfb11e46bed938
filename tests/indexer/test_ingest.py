"""Each test reads like the sentence it proves: what a run makes of what happened to the files."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Connection, event, update

from indexer import IndexConfig, Indexer, Progress, Report
from indexer.encode import text_hash
from indexer.models.protocols import Pixels
from indexer.models.stand_in import StandInEncoder
from search import Engine, Query, Term
from storage import Library, Matrix, files, schema
from storage.errors import (
    DiskFull,
    EncodeFailure,
    InvalidArgument,
    ModelMismatch,
    PathNotFound,
)

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]


def counts(report: Report) -> dict[str, int]:
    names = ("new", "copied", "moved", "unchanged", "missing", "skipped", "failed")
    found = {name: getattr(report, name) for name in names}
    assert report.scanned == sum(found.values()) - report.missing
    return {name: number for name, number in found.items() if number}


def paths(library: Library) -> set[str]:
    """Every path that a search would show."""
    hits = Engine(library, StandInEncoder).search(Query((Term("text", "anything"),), k=1000))
    return {path for hit in hits for path in hit.item.paths}


def test_every_new_picture_becomes_an_item(library: Library, photos: Path, index: Index) -> None:
    assert counts(index(photos)) == {"new": 6}
    assert library.status().items == 6
    assert len(paths(library)) == 6


def test_an_unchanged_file_is_not_encoded_again(photos: Path, index: Index, encoded: Count) -> None:
    index(photos)
    assert counts(index(photos)) == {"unchanged": 6}
    assert encoded() == 6


def test_no_path_means_every_known_root(photos: Path, index: Index, draw: Draw) -> None:
    index(photos)
    draw(photos / "autumn" / "6.png", 6)
    assert counts(index()) == {"new": 1, "unchanged": 6}


def test_a_moved_file_keeps_its_vector(
    library: Library, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    before = library.find(str(photos / "0.png"))
    (photos / "0.png").rename(photos / "summer" / "renamed.png")
    assert counts(index(photos)) == {"moved": 1, "unchanged": 5}
    after = library.find(str(photos / "summer" / "renamed.png"))
    assert (after.id, after.missing_paths) == (before.id, ())
    assert encoded() == 6


def test_a_copy_shares_the_vector_of_its_original(
    library: Library, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    shutil.copy(photos / "0.png", photos / "copy.png")
    assert counts(index(photos)) == {"copied": 1, "unchanged": 6}
    assert library.find(str(photos / "copy.png")).paths == (
        str(photos / "0.png"),
        str(photos / "copy.png"),
    )
    assert encoded() == 6


def test_copies_found_in_one_run_are_encoded_once(
    photos: Path, index: Index, encoded: Count
) -> None:
    for number in range(20):
        shutil.copy(photos / "0.png", photos / f"copy-{number}.png")
    assert counts(index(photos)) == {"new": 6, "copied": 20}
    assert encoded() == 6


def test_a_file_that_vanished_is_missing_and_hidden(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    (photos / "0.png").unlink()
    assert counts(index(photos)) == {"unchanged": 5, "missing": 1}
    assert str(photos / "0.png") not in paths(library)
    assert library.find(str(photos / "0.png")).missing_paths == (str(photos / "0.png"),)


def test_a_file_that_returns_comes_back_whole(
    library: Library, tmp_path: Path, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    away = (photos / "0.png").rename(tmp_path / "away.png")
    index(photos)
    away.rename(photos / "0.png")
    assert counts(index(photos)) == {"unchanged": 6}
    assert str(photos / "0.png") in paths(library)
    assert encoded() == 6


def test_an_emptied_root_deletes_nothing(
    library: Library, tmp_path: Path, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    photos.rename(tmp_path / "elsewhere")
    photos.mkdir()
    report = index()
    assert counts(report) == {"missing": 6}
    assert "not mounted" in report.notices[0]
    assert library.status().items == 6
    photos.rmdir()
    (tmp_path / "elsewhere").rename(photos)
    assert counts(index()) == {"unchanged": 6}
    assert (len(paths(library)), encoded()) == (6, 6)


def test_an_unmounted_root_deletes_nothing(
    library: Library, tmp_path: Path, photos: Path, index: Index
) -> None:
    index(photos)
    photos.rename(tmp_path / "elsewhere")
    assert counts(index()) == {"missing": 6}
    assert library.plan_forget().files == 0
    assert library.plan_forget().kept == (str(photos),)
    (tmp_path / "elsewhere").rename(photos)
    assert counts(index(photos)) == {"unchanged": 6}


def test_a_renamed_root_keeps_every_vector(
    library: Library, tmp_path: Path, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    renamed = photos.rename(tmp_path / "pictures")
    assert counts(index(renamed)) == {"unchanged": 6}
    assert encoded() == 6
    assert [root.path for root in library.roots()] == [str(renamed)]
    assert counts(index()) == {"unchanged": 6}


def test_a_renamed_root_is_known_by_its_files_and_not_by_its_number_alone(
    library: Library, tmp_path: Path, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    other = draw(tmp_path / "other disk" / "9.png", 9).parent
    number = os.stat(other)
    with library.catalogue.writing() as connection:
        connection.execute(update(schema.roots).values(inode=f"{number.st_dev}:{number.st_ino}"))
    photos.rename(tmp_path / "unplugged")
    assert counts(index(other)) == {"new": 1}
    assert [root.path for root in library.roots()] == [str(other), str(photos)]


def test_a_twin_elsewhere_does_not_take_the_place_of_an_unplugged_disk(
    library: Library, tmp_path: Path, photos: Path, index: Index
) -> None:
    index(photos)
    twin = Path(shutil.copytree(photos, tmp_path / "twin"))
    away = photos.rename(tmp_path / "unplugged")
    assert counts(index(twin)) == {"copied": 6}
    away.rename(photos)
    assert counts(index()) == {"unchanged": 12}
    assert len(library.find(str(photos / "0.png")).paths) == 2


def test_a_file_moved_over_another_leaves_no_ghost(
    library: Library, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    (photos / "0.png").replace(photos / "1.png")
    assert counts(index(photos)) == {"moved": 1, "unchanged": 4}
    assert library.find(str(photos / "1.png")).missing_paths == ()
    assert library.status().missing == 0
    assert encoded() == 6


def test_an_edited_file_is_a_new_item_and_the_old_content_goes(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    old = library.find(str(photos / "0.png"))
    draw(photos / "0.png", 99)
    os.utime(photos / "0.png", ns=(1, 1))
    assert counts(index(photos)) == {"new": 1, "unchanged": 5}
    assert library.find(str(photos / "0.png")).hash != old.hash
    assert library.status().items == 6


def test_a_touched_file_is_unchanged(photos: Path, index: Index, encoded: Count) -> None:
    index(photos)
    os.utime(photos / "0.png", ns=(1, 1))
    assert counts(index(photos)) == {"unchanged": 6}
    assert encoded() == 6


def test_a_broken_file_is_a_failure_until_it_changes(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    (photos / "broken.jpg").write_bytes(b"not a picture")
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


def test_a_file_that_stopped_being_a_picture_hides_its_old_content(
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


def test_hidden_and_excluded_files_are_not_seen(photos: Path, index: Index, draw: Draw) -> None:
    draw(photos / ".hidden" / "7.png", 7)
    draw(photos / "@eaDir" / "8.png", 8)
    (photos / "link.png").symlink_to(photos / "0.png")
    assert counts(index(photos, exclude=("summer", "1.*"))) == {"new": 3}


def test_an_excluded_file_that_is_still_there_does_not_go_missing(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    assert counts(index(photos, exclude=("summer",))) == {"unchanged": 4}
    assert len(paths(library)) == 6


def test_the_same_bytes_under_another_kind_of_name_are_read_for_what_they_are(
    library: Library, photos: Path, index: Index
) -> None:
    (photos / "note.txt").write_text("red kites over the hill")
    index(photos)
    shutil.copy(photos / "note.txt", photos / "note.jpg")
    shutil.copy(photos / "0.png", photos / "picture.txt")
    assert counts(index(photos)) == {"unchanged": 7, "failed": 2}
    assert [(Path(f.path).name, f.stage) for f in library.failures()] == [
        ("note.jpg", "decode"),
        ("picture.txt", "text"),
    ]


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

    monkeypatch.setattr("indexer.scan.os.lstat", refuse)
    report = index(photos)
    assert counts(report) == {"unchanged": 4}
    assert "Permission denied" in report.notices[0]
    assert len(paths(library)) == 6


def test_what_no_row_can_hold_fails_alone(
    library: Library, photos: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = files.record

    def refuse(connection: Connection, seen: files.Sighting, *rest: Any) -> files.Outcome:
        if seen.path.endswith("3.png"):
            raise OverflowError("too large")
        return record(connection, seen, *rest)

    monkeypatch.setattr("storage.files.record", refuse)
    assert counts(index(photos)) == {"new": 5, "failed": 1}
    assert [failure.stage for failure in library.failures()] == ["write"]


def test_half_a_surrogate_pair_in_a_table_is_replaced(
    library: Library, tmp_path: Path, index: Index
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "rows.jsonl").write_text('{"caption": "a cat \\ud83d"}\n')
    (folder / "odd.jsonl").write_text('{"\\ud83d": "a cat"}\n')
    assert counts(index(folder, text_columns=("caption",))) == {"new": 1, "failed": 1}
    hits = Engine(library, StandInEncoder).search(Query((Term("text", "cat"),)))
    assert [hit.item.text for hit in hits] == ["a cat ?"]


def test_a_known_file_that_turns_into_something_else_is_found_no_more(
    library: Library, photos: Path, index: Index
) -> None:
    (photos / "0.png").rename(photos / "extensionless")
    index(photos)
    (photos / "extensionless").write_text("#!/bin/sh")
    assert counts(index(photos)) == {"unchanged": 5, "skipped": 1, "missing": 1}
    assert str(photos / "extensionless") not in paths(library)


def test_an_edited_table_is_read_by_the_columns_it_was_read_by(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = tmp_path / "corpus" / "rows.csv"
    table.parent.mkdir()
    table.write_text("caption\na dog\n")
    index(table.parent, text_columns=("caption",))
    table.write_text("caption\na horse\n")
    assert counts(index(table.parent)) == {"new": 1}
    assert library.status().items == 1


def test_a_mistyped_column_is_mended_by_the_right_one(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = tmp_path / "corpus" / "rows.csv"
    table.parent.mkdir()
    table.write_text("caption\na dog\n")
    assert counts(index(table.parent, text_columns=("captoin",))) == {"failed": 1}
    assert counts(index(table.parent, text_columns=("caption",))) == {"new": 1}
    assert library.failures() == []


def test_passages_of_an_interrupted_document_are_kept_for_the_next_run(
    library: Library, tmp_path: Path, photos: Path, index: Index
) -> None:
    class Tiring(StandInEncoder):
        def encode_texts(self, texts: Sequence[str]) -> Matrix:
            if "word 300" in " ".join(texts):
                raise RuntimeError("the device went away")
            return super().encode_texts(texts)

    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "long.txt").write_text(". ".join(f"word {number}" for number in range(2000)))
    config = IndexConfig(paths=(str(folder),), workers=1, batch_size=2)
    with pytest.raises(RuntimeError):
        Indexer(library, Tiring(), config).run()
    before = library.status().items
    assert before > 0
    index(photos)
    assert library.status().items == before + 6


def test_the_thumbnail_of_an_edited_photo_goes_with_its_content(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    draw(photos / "0.png", 99)
    index(photos)
    assert len(list(library.paths.thumbnails.rglob("*.webp"))) == 6


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


def test_a_text_becomes_passages_that_know_their_place(
    library: Library, tmp_path: Path, index: Index
) -> None:
    notes = tmp_path / "notes" / "kites.txt"
    notes.parent.mkdir()
    notes.write_text("Red kites turned over the hill.\n\n" * 40)
    assert counts(index(notes.parent)) == {"new": 1}
    hits = Engine(library, StandInEncoder).search(Query((Term("text", "red kites"),)))
    text = notes.read_text()
    assert hits
    for hit in hits:
        assert hit.item.text == text[hit.item.start : hit.item.end]
        assert hit.item.paths == (str(notes),)


def test_a_table_is_read_by_the_named_column_and_again_by_another(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = tmp_path / "corpus" / "rows.jsonl"
    table.parent.mkdir()
    table.write_text('{"en": "a dog", "de": "ein Hund"}\n{"en": "a cat", "de": "eine Katze"}\n')
    folder = table.parent
    assert counts(index(folder)) == {"skipped": 1}
    assert counts(index(folder, text_columns=("en",))) == {"new": 1}
    assert counts(index(folder, text_columns=("en",))) == {"unchanged": 1}
    index(folder, text_columns=("de",))
    hits = Engine(library, StandInEncoder).search(Query((Term("text", "Hund"),)))
    assert {hit.item.text for hit in hits} == {"ein Hund", "eine Katze"}
    assert library.status().items == 2


def test_rows_added_to_a_table_leave_the_others_alone(
    library: Library, tmp_path: Path, index: Index
) -> None:
    table = tmp_path / "corpus" / "rows.csv"
    table.parent.mkdir()
    table.write_text("caption\na dog\na cat\n")
    index(table.parent, text_columns=("caption",))
    before = library.find(text_hash("a dog")).id
    table.write_text("caption\na dog\na cat\na bird\n")
    index(table.parent, text_columns=("caption",))
    assert library.find(text_hash("a dog")).id == before
    assert library.status().items == 3


def test_a_single_file_is_indexed_without_its_neighbours(photos: Path, index: Index) -> None:
    assert counts(index(photos / "0.png")) == {"new": 1}
    assert counts(index()) == {"unchanged": 1}
    assert counts(index(photos)) == {"new": 5, "unchanged": 1}


def test_listed_files_are_indexed_one_by_one(
    library: Library, photos: Path, encoder: StandInEncoder
) -> None:
    listed = (str(photos / "0.png"), str(photos / "gone.png"), str(photos / "summer" / "4.png"))
    report = Indexer(library, encoder, IndexConfig(files=listed, workers=1)).run()
    assert counts(report) == {"new": 2}
    assert "gone.png" in report.notices[0]


def test_a_folder_around_a_root_takes_it_over(
    library: Library, tmp_path: Path, photos: Path, index: Index, encoded: Count
) -> None:
    index(photos / "summer")
    assert counts(index(photos)) == {"new": 4, "unchanged": 2}
    assert [root.path for root in library.roots()] == [str(photos)]
    assert encoded() == 6


def test_a_folder_that_does_not_exist_is_an_error_that_names_it(
    tmp_path: Path, index: Index
) -> None:
    with pytest.raises(PathNotFound, match="nowhere"):
        index(tmp_path / "nowhere")


def test_the_librarys_own_folder_is_never_indexed(
    library: Library, tmp_path: Path, photos: Path, index: Index
) -> None:
    index(tmp_path)
    assert counts(index(tmp_path))["unchanged"] == 6
    assert library.status().items == 6


def test_a_library_refuses_another_model(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    other = StandInEncoder()
    other.space = replace(other.space, name="other", revision="2")
    with pytest.raises(ModelMismatch, match="'other'"):
        Indexer(library, other, IndexConfig(paths=(str(photos),))).run()


class Choosy(StandInEncoder):
    """Refuses every batch that holds a black picture."""

    def encode_pictures(self, pixels: Pixels) -> Matrix:
        if (pixels.reshape(len(pixels), -1).max(axis=1) == 0).any():
            raise EncodeFailure("the model gave a vector that is not finite")
        return super().encode_pictures(pixels)


def test_a_picture_the_model_cannot_encode_fails_alone(library: Library, photos: Path) -> None:
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(photos / "black.png")
    report = Indexer(library, Choosy(), IndexConfig(paths=(str(photos),), workers=1)).run()
    assert counts(report) == {"new": 6, "failed": 1}
    assert [failure.stage for failure in library.failures()] == ["encode"]


class Halting(StandInEncoder):
    """A tower that stops working for good."""

    def encode_pictures(self, pixels: Pixels) -> Matrix:
        raise RuntimeError("the device went away")


def test_copies_of_a_picture_the_model_cannot_encode_all_fail(
    library: Library, photos: Path
) -> None:
    for name in ("black.png", "black too.png"):
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(photos / name)
    report = Indexer(library, Choosy(), IndexConfig(paths=(str(photos),), workers=1)).run()
    assert counts(report) == {"new": 6, "failed": 2}


def test_progress_ends_with_every_file_accounted_for(
    library: Library, photos: Path, encoder: StandInEncoder
) -> None:
    told: list[Progress] = []
    config = IndexConfig(paths=(str(photos),), workers=1)
    Indexer(library, encoder, config, told.append).run()
    assert (told[-1].stored, told[-1].waiting, told[-1].total) == (6, 0, 6)


def test_a_full_disk_is_named_and_costs_nothing_that_was_committed(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    (photos / "long.txt").write_text(" ".join(map(str, range(20_000))))
    with library.catalogue.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    library.close()

    def fill_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way of a full disk

    event.listen(library.catalogue._engine, "connect", fill_up)
    with pytest.raises(DiskFull, match="free some space"):
        index(photos)
    event.remove(library.catalogue._engine, "connect", fill_up)
    library.close()
    assert library.status().items >= 6
    assert counts(index(photos)) == {"new": 1, "unchanged": 6}


def test_an_error_of_the_encoder_ends_the_run_and_keeps_the_library(
    library: Library, photos: Path, index: Index
) -> None:
    with pytest.raises(RuntimeError, match="went away"):
        Indexer(library, Halting(), IndexConfig(paths=(str(photos),), workers=1)).run()
    assert counts(index(photos)) == {"new": 6}
