"""What images and their sidecars say is in the library after a run, and follows them later."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from indexer import IndexConfig, Report
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.reader import METADATA_VERSION, FileContent, ReadTask
from indexer.workers import ReadPool
from storage import Item, Library, schema
from storage.errors import DecodeFailure
from tests.indexer.search_results import counts
from tests.search.dedup.xmp_samples import described, packet, photo

Count = Callable[[], int]
Index = Callable[..., Report]
DATE = "<exif:DateTimeOriginal>2019-05-02T10:00:00</exif:DateTimeOriginal>"


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with an image that has three stars and a keyword in itself."""
    inside = packet(described("inside"), 'xmp:Rating="3"', ("sea",))
    photo(tmp_path / "album" / "a.jpg", inside, seed=1)
    return tmp_path / "album"


def write(path: Path, content: bytes, seconds: int = 0) -> None:
    path.write_bytes(content)
    os.utime(path, (1_700_000_000 + seconds,) * 2)


def said(library: Library, path: Path) -> tuple[int | None, tuple[str, ...], str | None]:
    item = library.find(str(path))
    return item.rating, item.keywords, item.description


def test_a_sidecar_goes_before_the_image_and_keywords_are_joined(
    library: Library, album: Path, index: Index
) -> None:
    write(album / "a.xmp", packet(attributes='xmp:Rating="5"', keywords=("wind",)))
    assert counts(index(album)) == {"new": 1, "skipped": 1}
    assert said(library, album / "a.jpg") == (5, ("wind", "sea"), "inside")


def test_a_sidecar_that_appears_changes_or_vanishes_is_noticed_and_nothing_is_encoded_again(
    library: Library, album: Path, index: Index, encoded: Count
) -> None:
    image, sidecar = album / "a.jpg", album / "a.jpg.xmp"
    index(album)
    assert said(library, image) == (3, ("sea",), "inside")
    write(sidecar, packet(described("later"), 'xmp:Rating="0"', ("wind",)))
    report = index(album)
    assert counts(report) == {"unchanged": 1, "skipped": 1}
    assert said(library, image) == (0, ("wind", "sea"), "later")
    write(sidecar, packet(keywords=("kite",)), seconds=1)
    index(album)
    assert said(library, image) == (3, ("kite", "sea"), "inside")
    sidecar.unlink()
    assert counts(index(album)) == {"unchanged": 1}
    assert said(library, image) == (3, ("sea",), "inside")
    assert encoded() == 1


def test_an_unchanged_sidecar_is_not_read_again(
    library: Library, album: Path, index: Index
) -> None:
    sidecar = album / "a.xmp"
    write(sidecar, packet(keywords=("wind",)))
    index(album)
    write(sidecar, packet(keywords=("tide",)))  # of the same size and date
    index(album)
    assert said(library, album / "a.jpg")[1] == ("wind", "sea")


def test_an_image_is_not_read_where_its_sidecar_alone_is_new(
    library: Library, album: Path, index: Index
) -> None:
    image = album / "a.jpg"
    index(album)
    before = image.stat()
    image.write_bytes(b"x" * before.st_size)
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    with library.catalogue.writing() as connection:  # nothing says that it changed
        connection.execute(update(schema.files).values(ctime_ns=None))
    write(album / "a.xmp", packet(keywords=("wind",)))
    assert counts(index(album)) == {"unchanged": 1, "skipped": 1}
    assert said(library, image) == (3, ("wind", "sea"), "inside")


def test_date_and_place_of_xmp_count_where_the_camera_wrote_none(
    library: Library, album: Path, index: Index
) -> None:
    place = "<exif:GPSLatitude>38,43.32N</exif:GPSLatitude>" + (
        "<exif:GPSLongitude>9,8.34W</exif:GPSLongitude>"
    )
    write(album / "a.xmp", packet(DATE + place))
    index(album)
    item = library.find(str(album / "a.jpg"))
    assert (item.taken_at, item.place) == ("2019-05-02T10:00:00", (38.722, -9.139))
    assert item.capture.taken_at is None  # which the camera alone writes
    with library.catalogue.writing() as connection:
        connection.execute(update(schema.items).values(taken_at="2018", reader_version=0))
    assert library.find(str(album / "a.jpg")).taken_at == "2018"


def test_two_files_of_one_content_have_their_keywords_united_in_path_order(
    library: Library, album: Path, index: Index
) -> None:
    copy = album / "b.jpg"
    copy.write_bytes((album / "a.jpg").read_bytes())
    write(album / "a.xmp", packet(attributes='xmp:Rating="1"', keywords=("wind",)))
    write(album / "b.xmp", packet(described("b"), 'xmp:Rating="5"', ("kite",)))
    index(album)
    assert said(library, copy) == (1, ("wind", "kite", "sea"), "b")
    for path in (album / "a.jpg", album / "a.xmp"):
        path.unlink()
    index(album)
    assert said(library, copy) == (5, ("kite", "sea"), "b")
    copy.unlink()
    index(album)
    assert library.find(str(copy)).rating == 1  # of files that are all gone all count
    with library.catalogue.reading() as connection:
        assert connection.scalar(schema.annotations.select()) is not None
    library.apply(library.plan_forget(), "forget")
    with library.catalogue.reading() as connection:
        assert connection.execute(schema.annotations.select()).all() == []
        assert connection.execute(schema.keywords.select()).all() == []


def test_a_file_that_moves_takes_its_sidecar_or_leaves_its_words(
    library: Library, album: Path, index: Index, encoded: Count
) -> None:
    write(album / "a.xmp", packet(keywords=("wind",)))
    index(album)
    (album / "a.jpg").rename(album / "b.jpg")
    assert counts(index(album)) == {"moved": 1, "skipped": 1}
    assert said(library, album / "b.jpg")[1] == ("sea",)
    (album / "a.xmp").rename(album / "b.xmp")
    index(album)
    assert said(library, album / "b.jpg")[1] == ("wind", "sea")
    assert encoded() == 1


def test_a_file_that_holds_another_image_now_leaves_the_words_of_the_first(
    library: Library, album: Path, index: Index
) -> None:
    copy = album / "b.jpg"
    copy.write_bytes((album / "a.jpg").read_bytes())
    write(album / "b.xmp", packet(keywords=("wind",)))
    index(album)
    assert said(library, album / "a.jpg")[1] == ("wind", "sea")
    photo(copy, seed=2)
    index(album)
    assert said(library, album / "a.jpg")[1] == ("sea",)
    assert said(library, copy)[1] == ("wind",)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE x>", b"\xff" * 1000, b"<a>" * 100_000])
def test_a_bad_sidecar_never_fails_its_image(
    library: Library, album: Path, index: Index, content: bytes
) -> None:
    write(album / "a.xmp", content)
    assert counts(index(album)) == {"new": 1, "skipped": 1}
    assert said(library, album / "a.jpg") == (3, ("sea",), "inside")
    write(album / "a.xmp", content + b" ", seconds=1)
    assert counts(index(album)) == {"unchanged": 1, "skipped": 1}


def test_a_sidecar_that_a_pattern_excludes_is_not_read(
    library: Library, album: Path, index: Index
) -> None:
    write(album / "a.xmp", packet(keywords=("wind",)))
    index(album)
    index(album, exclude=("*.xmp",))
    assert said(library, album / "a.jpg")[1] == ("sea",)


def test_an_image_that_comes_back_brings_its_new_sidecar(
    library: Library, album: Path, index: Index, tmp_path: Path
) -> None:
    image, aside = album / "a.jpg", tmp_path / "aside.jpg"
    index(album)
    image.rename(aside)
    index(album)
    assert library.find(str(image)).missing_paths == (str(image),)
    aside.rename(image)
    write(album / "a.xmp", packet(keywords=("wind",)))
    index(album)
    item = library.find(str(image))
    assert (item.paths, item.keywords) == ((str(image),), ("wind", "sea"))


def test_images_that_earlier_code_indexed_are_read_once_without_being_encoded(
    library: Library, album: Path, index: Index, encoded: Count
) -> None:
    write(album / "a.xmp", packet(keywords=("wind",)))
    index(album)
    _forget_metadata(library)
    assert said(library, album / "a.jpg") == (None, (), None)
    report = index(album)
    assert (counts(report), report.reread) == ({"unchanged": 1, "skipped": 1}, 0)
    assert said(library, album / "a.jpg") == (3, ("wind", "sea"), "inside")
    assert encoded() == 1
    _forget_metadata(library, version=METADATA_VERSION)
    index(album)  # and never again what is in the image
    assert said(library, album / "a.jpg") == (None, ("wind",), None)


def _forget_metadata(library: Library, version: int = 0) -> None:
    with library.catalogue.writing() as connection:
        connection.execute(schema.annotations.delete())
        connection.execute(schema.keywords.delete())
        connection.execute(update(schema.items).values(metadata_version=version))
        connection.execute(update(schema.files).values(sidecar_state=None, sidecars=None))


@pytest.mark.parametrize("how", ["touched", "moved", "copied", "reread"])
def test_an_image_of_an_old_library_is_described_however_it_is_met(
    library: Library, album: Path, index: Index, encoded: Count, how: str
) -> None:
    image = album / "a.jpg"
    index(album)
    _forget_metadata(library)
    if how == "touched":
        os.utime(image, (1, 1))
    elif how == "moved":
        image = image.rename(album / "b.jpg")
    elif how == "copied":
        (album / "0.jpg").write_bytes(image.read_bytes())
    report = index(album, reread=how == "reread")
    assert (report.reread, report.renewed, encoded()) == (0, 0, 1)
    assert said(library, image) == (3, ("sea",), "inside")


def test_a_second_model_reads_the_words_of_an_old_library_as_well(
    library: Library, album: Path, index: Index, tmp_path: Path, second: FakeEncoder
) -> None:
    index(album)
    _forget_metadata(library)
    Indexer(library, second, IndexConfig(paths=(str(album),), workers=1)).run()
    assert said(library, album / "a.jpg") == (3, ("sea",), "inside")


@contextmanager
def share_away(of: str) -> Iterator[None]:
    """Make the workers miss every sidecar, or every image where `of` is "path"."""
    schedule = ReadPool.schedule

    def elsewhere(pool: ReadPool, task: ReadTask) -> "Future[FileContent]":
        if of == "path":
            return schedule(pool, replace(task, path=f"{task.path} away"))
        return schedule(pool, replace(task, sidecars=tuple(f"{x} away" for x in task.sidecars)))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ReadPool, "schedule", elsewhere)
        yield


def test_a_sidecar_that_cannot_be_read_once_is_named_and_read_by_the_next_run(
    library: Library, album: Path, index: Index
) -> None:
    image, sidecar = album / "a.jpg", album / "a.xmp"
    write(sidecar, packet(keywords=("wind",)))
    with share_away("sidecars"):
        report = index(album)
    [notice] = report.notices
    assert str(sidecar) in notice and "could not be read" in notice
    assert said(library, image) == (3, ("sea",), "inside")
    assert index(album).notices == ()
    assert said(library, image)[1] == ("wind", "sea")
    write(sidecar, packet(keywords=("kite",)), seconds=1)
    with share_away("sidecars"):
        index(album)
    assert said(library, image)[1] == ("wind", "sea")  # what was known
    index(album)
    assert said(library, image)[1] == ("kite", "sea")


def test_a_folder_that_cannot_be_listed_takes_no_words_from_an_image_in_it(
    library: Library, album: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = album / "a.jpg"
    write(album / "a.xmp", packet(keywords=("wind",)))
    index(album)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patched:
        patched.setattr("indexer.images.metadata.sidecars._Folder", refuse)
        index(image)
        assert said(library, image)[1] == ("wind", "sea")
        os.utime(image, (1, 1))
        index(image)
        assert said(library, image)[1] == ("wind", "sea")
    (album / "a.xmp").unlink()
    index(image)
    assert said(library, image)[1] == ("sea",)


def test_an_image_that_cannot_be_opened_once_keeps_what_was_known_of_it(
    library: Library, album: Path, index: Index
) -> None:
    index(album)
    with library.catalogue.writing() as connection:
        connection.execute(update(schema.items).values(metadata_version=0))
    with share_away("path"):
        report = index(album)
    [notice] = report.notices
    assert str(album / "a.jpg") in notice
    assert said(library, album / "a.jpg") == (3, ("sea",), "inside")
    _forget_metadata(library)
    assert index(album).notices == ()
    assert said(library, album / "a.jpg") == (3, ("sea",), "inside")


def test_metadata_that_kills_its_worker_is_tried_once_and_what_was_known_stays(
    library: Library, album: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, sidecar = album / "a.jpg", album / "a.xmp"
    write(sidecar, packet(keywords=("wind",)))
    index(album)
    write(sidecar, packet(keywords=("kite",)), seconds=1)
    with library.catalogue.writing() as connection:
        connection.execute(update(schema.items).values(metadata_version=0))
    tried = []

    def crash(_: ReadPool, task: ReadTask) -> "Future[FileContent]":
        tried.append(task.path)
        failed: Future[FileContent] = Future()
        failed.set_exception(DecodeFailure("the decoder crashed on it (SIGSEGV)"))
        return failed

    with monkeypatch.context() as patched:
        patched.setattr(ReadPool, "schedule", crash)
        [notice] = index(album).notices
        assert str(image) in notice and "SIGSEGV" in notice
        assert index(album).notices == () and tried == [str(image)]
    assert said(library, image) == (3, ("wind", "sea"), "inside")
    write(sidecar, packet(keywords=("gull",)), seconds=2)
    index(album)
    assert said(library, image) == (3, ("gull", "sea"), "inside")


def test_an_item_is_the_same_whichever_way_its_words_came(
    library: Library, album: Path, index: Index, tmp_path: Path, encoder: FakeEncoder
) -> None:
    index(album)
    write(album / "a.xmp", packet(described("later"), keywords=("wind",)))
    index(album)
    with Library.create(tmp_path / "fresh") as fresh:
        Indexer(fresh, encoder, IndexConfig(paths=(str(album),), workers=1)).run()
        assert _item(fresh, album) == _item(library, album)


def _item(library: Library, album: Path) -> Item:
    return replace(library.find(str(album / "a.jpg")), id=0)
