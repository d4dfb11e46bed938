"""A library that an earlier version of the reader made: what is read again, once, and what for."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image
from sqlalchemy import select, update

from indexer import IndexConfig, Progress, Report
from indexer.images.limits import Limits
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.reader import READER_VERSION
from storage import Library, schema
from storage.tables import duplicate_pairs, fingerprints
from tests.indexer.images.encoded import P3, profile
from tests.indexer.images.jxl_header import container, turned
from tests.indexer.old_library import make_old, spoil, vector, versions
from tests.indexer.search_results import counts

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]
DISPLAY_P3 = profile(P3)


@pytest.fixture
def mixed(tmp_path: Path, draw: Draw) -> Path:
    """A folder of three plain photos and two in Display P3."""
    folder = tmp_path / "mixed"
    for number in range(3):
        draw(folder / f"plain {number}.png", number)
    for number in (3, 4):
        draw(folder / f"wide {number}.png", number, icc_profile=DISPLAY_P3)
    return folder


def test_only_where_pixels_are_read_otherwise_are_they_encoded_again_and_once(
    library: Library, mixed: Path, index: Index, encoded: Count
) -> None:
    report = index(mixed)
    assert (report.new, report.reread, report.renewed) == (5, 0, 0)
    make_old(library)
    report = index(mixed)
    assert counts(report) == {"unchanged": 5}
    assert (report.reread, report.renewed) == (5, 2)
    assert encoded() == 5 + 2
    assert versions(library) == {READER_VERSION}
    assert library.find(str(mixed / "plain 0.png")).capture.camera is None
    report = index(mixed)  # and never again
    assert (counts(report), report.reread, report.renewed) == ({"unchanged": 5}, 0, 0)
    assert encoded() == 5 + 2


def test_vector_and_thumbnail_are_those_of_a_fresh_library(
    library: Library, mixed: Path, index: Index, tmp_path: Path, encoder: FakeEncoder
) -> None:
    index(mixed)
    make_old(library)
    wide, plain = mixed / "wide 3.png", mixed / "plain 0.png"
    for path in (wide, plain):
        spoil(library, path)
    index(mixed)
    with Library.create(tmp_path / "fresh") as fresh:
        Indexer(fresh, encoder, IndexConfig(paths=(str(mixed),), workers=1)).run()
        name = fresh.find(str(wide)).hash
        np.testing.assert_array_equal(vector(library, wide), vector(fresh, wide))
        assert library.thumbnail(name) == fresh.thumbnail(name)
    # Of the other, whose pixels are as they were, nothing was made anew.
    assert not np.any(vector(library, plain))
    assert library.thumbnail(library.find(str(plain)).hash) == b"other colours"


def test_the_index_files_forget_the_vectors_that_were_replaced(
    library: Library, mixed: Path, index: Index
) -> None:
    index(mixed)
    library.refresh_builds(1)
    make_old(library)
    before = _vector_numbers(library)
    index(mixed)
    after = _vector_numbers(library)
    assert len(after) == len(before) == 5
    assert len(before - after) == 2
    with library.catalogue.reading() as connection:
        built = connection.execute(select(schema.builds.c.watermark)).all()
        buried = set(connection.scalars(select(schema.tombstones.c.vector_id)))
    assert not built or before - after <= buried


def _vector_numbers(library: Library) -> set[int]:
    with library.catalogue.reading() as connection:
        return set(connection.scalars(select(schema.vectors.c.id)))


def test_duplicates_of_what_changed_are_compared_anew(
    library: Library, mixed: Path, index: Index
) -> None:
    index(mixed)
    wide, other, plain = (
        library.find(str(mixed / f"{name}.png")).id for name in ("wide 3", "wide 4", "plain 0")
    )
    plains = [library.find(str(mixed / f"plain {number}.png")).id for number in (1, 2)]
    codes, points = np.zeros((2, 16), np.uint8), np.zeros((2, 4), np.float16)
    with library.catalogue.writing() as connection:
        for item in (wide, other, plain):
            fingerprints.add_fingerprints(connection, [(item, np.zeros((8, 32), np.uint8), 90)])
            fingerprints.add_features(connection, [(item, codes, points)])
        pairs = [(wide, other), (plain, wide), (plains[0], plains[1])]
        duplicate_pairs.add_pairs(connection, [(*pair, "edited", {}) for pair in pairs])
        duplicate_pairs.set_watermark(connection, "hashes", 3)
    make_old(library)
    index(mixed)
    with library.catalogue.reading() as connection:
        assert set(fingerprints.fingerprints_of(connection, [wide, other, plain])) == {plain}
        assert set(fingerprints.features_of(connection, [wide, other, plain])) == {plain}
        [page] = duplicate_pairs.pairs(connection, ["edited"])
        assert [(pair.first, pair.second) for pair in page] == [tuple(sorted(plains))]
        assert duplicate_pairs.watermark(connection, "hashes") == 3


def test_vectors_of_other_models_are_made_anew_when_those_are_used(
    library: Library, mixed: Path, index: Index, second: FakeEncoder, tmp_path: Path
) -> None:
    index(mixed)
    index(mixed, by=second)
    make_old(library)
    index(mixed)
    assert [counted.lacking for counted in library.spaces()] == [0, 2]
    log = tmp_path / "encoded second.log"
    before = len(log.read_text().splitlines())
    report = index(mixed, by=second)
    assert (counts(report), report.reread) == ({"unchanged": 5}, 0)
    assert len(log.read_text().splitlines()) == before + 2
    assert [counted.lacking for counted in library.spaces()] == [0, 0]


def test_filling_a_second_space_of_an_old_library_renews_the_first(
    library: Library, mixed: Path, index: Index, second: FakeEncoder
) -> None:
    index(mixed)
    make_old(library)
    report = index(mixed, by=second)
    assert (report.reread, report.renewed) == (5, 2)
    assert [counted.lacking for counted in library.spaces()] == [2, 0]
    index(mixed)
    assert [counted.lacking for counted in library.spaces()] == [0, 0]


def test_what_a_camera_wrote_is_read_again(
    library: Library, tmp_path: Path, index: Index, draw: Draw
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Box 1"
    for name in ("a.jpg", "b.png", "c.webp", "d.tif"):
        draw(tmp_path / "shots" / name, exif=exif)
    index(tmp_path / "shots")
    make_old(library)
    assert index(tmp_path / "shots").reread == 4
    found = {library.find(str(path)).capture.camera for path in (tmp_path / "shots").iterdir()}
    assert found == {"Box 1"}


def test_what_was_turned_twice_takes_its_right_size(
    library: Library, tmp_path: Path, index: Index, draw: Draw
) -> None:
    path = draw(tmp_path / "shots" / "a.jxl", 1)
    path.write_bytes(container(turned(path.read_bytes(), 6), 6))
    index(tmp_path / "shots")
    assert (library.find(str(path)).width, library.find(str(path)).height) == (64, 96)
    make_old(library)
    with library.catalogue.writing() as connection:  # as if turned once too often
        connection.execute(update(schema.items).values(width=96, height=64))
    assert index(tmp_path / "shots").renewed == 1
    assert (library.find(str(path)).width, library.find(str(path)).height) == (64, 96)


def test_a_copy_and_a_moved_file_of_an_old_item_bring_it_up_to_date(
    library: Library, mixed: Path, index: Index, encoded: Count
) -> None:
    index(mixed)
    make_old(library)
    shutil.copy(mixed / "wide 3.png", mixed / "copy.png")
    (mixed / "wide 4.png").rename(mixed / "moved.png")
    (mixed / "plain 0.png").rename(mixed / "plain moved.png")
    report = index(mixed)
    assert counts(report) == {"copied": 1, "moved": 2, "unchanged": 3}
    assert (report.reread, report.renewed) == (5, 2)
    assert encoded() == 5 + 2
    assert versions(library) == {READER_VERSION}


def test_copies_of_one_old_item_are_encoded_once(
    library: Library, mixed: Path, index: Index, encoded: Count
) -> None:
    for number in range(6):
        shutil.copy(mixed / "wide 3.png", mixed / f"copy {number}.png")
    index(mixed)
    make_old(library)
    for batch in (1, 32):
        make_old(library)
        before = encoded()
        report = index(mixed, batch_size=batch)
        assert (report.reread, report.renewed, encoded() - before) == (5, 2, 2)


def test_what_is_on_a_disk_that_is_away_waits_for_it(
    library: Library, mixed: Path, index: Index, tmp_path: Path
) -> None:
    index(mixed)
    make_old(library)
    mixed.rename(tmp_path / "away")
    assert index().reread == 0
    (tmp_path / "away").rename(mixed)
    report = index()
    assert (counts(report), report.reread, report.renewed) == ({"unchanged": 5}, 5, 2)
    assert not library.status().missing


def test_a_failure_of_an_earlier_version_is_tried_once_more(
    library: Library, tmp_path: Path, index: Index, draw: Draw
) -> None:
    whole = draw(tmp_path / "shots" / "a.png").read_bytes()
    (tmp_path / "shots" / "a.png").write_bytes(b"not an image")
    broken = tmp_path / "shots" / "b.png"
    broken.write_bytes(whole[:60])
    assert counts(index(tmp_path / "shots")) == {"failed": 2}
    assert index(tmp_path / "shots").stages["read"] == pytest.approx(0, abs=0.01)
    make_old(library)
    # As if it had been refused for what is no damage now.
    path = tmp_path / "shots" / "a.png"
    seen = path.stat()
    path.write_bytes(whole)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    with library.catalogue.writing() as connection:
        table = schema.failures
        connection.execute(update(table).where(table.c.path == str(path)).values(size=len(whole)))
    assert counts(index(tmp_path / "shots")) == {"new": 1, "failed": 1}
    [failure] = library.failures()
    assert failure.path == str(broken)
    with library.catalogue.reading() as connection:
        assert connection.scalar(select(schema.failures.c.reader_version)) == READER_VERSION


def test_a_text_is_read_again_in_full_and_encoded_where_it_is_new(
    library: Library, tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("A red kite over a lake.")
    (tmp_path / "texts" / "b.jsonl").write_text(json.dumps({"caption": "A submarine."}))
    index(tmp_path / "texts", text_columns=("caption",))
    before = _vector_numbers(library)
    make_old(library)
    report = index(tmp_path / "texts")
    assert (counts(report), report.reread, report.renewed) == ({"unchanged": 2}, 2, 0)
    assert _vector_numbers(library) == before
    assert versions(library) == {READER_VERSION}
    assert index(tmp_path / "texts").reread == 0


def test_a_file_that_cannot_be_read_just_now_is_kept_and_tried_again(
    library: Library, mixed: Path, index: Index
) -> None:
    index(mixed)
    make_old(library)
    report = index(mixed, limits=Limits(file_bytes=10))
    assert (counts(report), report.reread) == ({"unchanged": 5}, 0)
    [notice] = report.notices
    assert "plain 0.png and 4 more could not be read again" in notice
    assert not library.failures()
    assert index(mixed).renewed == 2


def test_an_image_that_this_version_refuses_stays_as_it_was_read(
    library: Library, mixed: Path, index: Index
) -> None:
    index(mixed)
    make_old(library)
    before = vector(library, mixed / "wide 3.png")
    report = index(mixed, limits=Limits(pixels=100))
    assert counts(report) == {"unchanged": 5}
    [notice] = report.notices
    assert "wide 3.png and 1 more could not be read again" in notice
    np.testing.assert_array_equal(vector(library, mixed / "wide 3.png"), before)
    assert library.find(str(mixed / "wide 3.png")).paths
    report = index(mixed)
    assert (report.reread, report.notices) == (0, ())


def test_how_much_is_read_again_is_told_on_the_way_and_kept(
    library: Library, mixed: Path, index: Index, encoder: FakeEncoder
) -> None:
    index(mixed)
    make_old(library)
    told: list[Progress] = []
    config = IndexConfig(paths=(str(mixed),), workers=1)
    Indexer(library, encoder, config, told.append).run()
    assert told[-1].reread == 5
    with library.catalogue.reading() as connection:
        kept: Any = connection.scalars(select(schema.runs.c.counts)).all()[-1]
    assert (kept["reread"], kept["renewed"]) == (5, 2)


def test_a_transaction_that_fails_leaves_the_old_reading_whole(
    library: Library, mixed: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(mixed)
    make_old(library)
    wide = mixed / "wide 3.png"
    before = vector(library, wide)

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("indexer.writer.vectors.add", broken)
        with pytest.raises(KeyboardInterrupt):
            index(mixed)
    np.testing.assert_array_equal(vector(library, wide), before)
    assert index(mixed).renewed == 2
    assert versions(library) == {READER_VERSION}
