"""Each test reads like the sentence it proves: what a run makes of what happened to the files."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import update

from indexer import IndexConfig, Progress, Report
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from storage import Library, schema
from tests.indexer.search_results import counts, paths

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]


def test_every_new_image_becomes_an_item(library: Library, photos: Path, index: Index) -> None:
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
    renamed = photos.rename(tmp_path / "images")
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


def test_hidden_and_excluded_files_are_not_seen(photos: Path, index: Index, draw: Draw) -> None:
    draw(photos / ".hidden" / "7.png", 7)
    draw(photos / "@eaDir" / "8.png", 8)
    (photos / "link.png").symlink_to(photos / "0.png")
    assert counts(index(photos, exclude=("summer", "1.*"))) == {"new": 3}


def test_the_thumbnail_of_an_edited_photo_goes_with_its_content(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    draw(photos / "0.png", 99)
    index(photos)
    assert len(list(library.paths.thumbnails.rglob("*.webp"))) == 6


def test_a_single_file_is_indexed_without_its_neighbours(photos: Path, index: Index) -> None:
    assert counts(index(photos / "0.png")) == {"new": 1}
    assert counts(index()) == {"unchanged": 1}
    assert counts(index(photos)) == {"new": 5, "unchanged": 1}


def test_listed_files_are_indexed_one_by_one(
    library: Library, photos: Path, encoder: FakeEncoder
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


def test_the_librarys_own_folder_is_never_indexed(
    library: Library, tmp_path: Path, photos: Path, index: Index
) -> None:
    index(tmp_path)
    assert counts(index(tmp_path))["unchanged"] == 6
    assert library.status().items == 6


def test_progress_ends_with_every_file_accounted_for(
    library: Library, photos: Path, encoder: FakeEncoder
) -> None:
    told: list[Progress] = []
    config = IndexConfig(paths=(str(photos),), workers=1)
    Indexer(library, encoder, config, told.append).run()
    assert (told[-1].stored, told[-1].waiting, told[-1].total) == (6, 0, 6)
