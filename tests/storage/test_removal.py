"""What `remove` and `forget` take out of the catalogue, and what they leave."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import Report
from storage import Library
from storage.errors import ItemNotFound, LibraryChanged
from storage.index import builds
from storage.tables import vectors

Index = Callable[..., Report]


def vector_count(library: Library) -> int:
    with library.catalogue.reading() as connection:
        return vectors.count(connection, 1, "image")


def test_removing_a_folder_takes_its_items_and_touches_no_file(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    plan = library.plan_remove(str(photos / "summer"))
    assert (plan.files, plan.items, plan.roots) == (2, 2, ())
    library.apply(plan, "remove")
    assert (library.status().files, vector_count(library)) == (4, 4)
    assert len(list(photos.rglob("*.png"))) == 6


def test_content_that_another_file_holds_stays(
    library: Library, photos: Path, index: Index
) -> None:
    shutil.copy(photos / "0.png", photos / "summer" / "copy.png")
    index(photos)
    plan = library.plan_remove(str(photos / "summer"))
    assert (plan.files, plan.items) == (3, 2)
    library.apply(plan, "remove")
    assert library.find(str(photos / "0.png")).paths == (str(photos / "0.png"),)


def test_removing_a_root_stops_visiting_it(library: Library, photos: Path, index: Index) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    index(photos)
    plan = library.plan_remove(str(photos))
    assert (plan.files, plan.failures, plan.roots) == (6, 1, (str(photos),))
    library.apply(plan, "remove")
    assert index().scanned == 0
    assert library.status().failures == 0


def test_thumbnails_go_with_their_items(library: Library, photos: Path, index: Index) -> None:
    index(photos)
    name = library.find(str(photos / "0.png")).hash
    assert library.thumbnail(name) is not None
    library.apply(library.plan_remove(str(photos / "0.png")), "remove")
    assert library.thumbnail(name) is None


@pytest.fixture
def without_the_first(photos: Path, index: Index) -> Path:
    """The photos, of which the first was indexed and is missing now."""
    index(photos)
    (photos / "0.png").unlink()
    index(photos)
    return photos


def test_forgetting_takes_only_what_is_missing(library: Library, without_the_first: Path) -> None:
    photos = without_the_first
    plan = library.plan_forget()
    assert (plan.files, plan.items, plan.paths) == (1, 1, (str(photos / "0.png"),))
    library.apply(plan, "forget")
    assert (library.status().files, library.status().missing) == (5, 0)


def test_what_was_removed_can_be_indexed_again(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    with library.writing("build"):
        builds.make(library.catalogue, library.paths.index, 1, "image")
    library.apply(library.plan_remove(str(photos / "0.png")), "remove")
    with pytest.raises(ItemNotFound):
        library.find(str(photos / "0.png"))
    assert index(photos).new == 1
    assert vector_count(library) == 6


def test_passages_go_with_their_last_document(
    library: Library, tmp_path: Path, index: Index
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, words in (("a", "the same words"), ("b", "the same words"), ("c", "other words")):
        (folder / f"{name}.txt").write_text(words)
    index(folder)
    assert library.status().items == 2
    library.apply(library.plan_remove(str(folder / "a.txt")), "remove")
    assert library.status().items == 2
    library.apply(library.plan_remove(str(folder / "b.txt")), "remove")
    assert library.status().items == 1


def test_a_plan_that_no_longer_fits_is_refused_whole(
    library: Library, without_the_first: Path, index: Index
) -> None:
    plan = library.plan_forget()
    (without_the_first / "1.png").unlink()
    index(without_the_first)
    with pytest.raises(LibraryChanged, match="look again"):
        library.apply(plan, "forget")
    assert library.status().files == 6


def test_a_file_of_any_name_can_be_removed(library: Library, photos: Path, index: Index) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (photos / "0.png").rename(photos / name)
    index(photos)
    library.apply(library.plan_remove(str(photos / name)), f"remove {photos / name}")
    assert library.status().files == 5
