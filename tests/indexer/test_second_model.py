"""A second model on a library of the first: its space fills up, and nothing else changes."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select, update

from indexer import IndexConfig, Report
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import Pixels
from search import Engine, Query, Term
from storage import Library, Matrix, ModelMismatch, active_space, schema
from storage.errors import EncodeFailure
from storage.tables import spaces, vectors
from tests.indexer.search_results import counts, paths

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]


@pytest.fixture
def seconds(tmp_path: Path) -> Count:
    """Counts the images that the second model encoded."""

    def count() -> int:
        log = tmp_path / "encoded second.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    return count


def size(library: Library) -> dict[str, int]:
    tables = (schema.items, schema.files, schema.passages, schema.vectors, schema.failures)
    with library.catalogue.reading() as connection:
        return {
            table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in tables
        }


def complete(library: Library) -> dict[str, bool]:
    return {count.space.name: count.complete for count in library.spaces()}


def test_only_vectors_are_added(
    library: Library,
    photos: Path,
    index: Index,
    second: FakeEncoder,
    encoded: Count,
    seconds: Count,
) -> None:
    (photos / "notes.txt").write_text("red kites over the hill\n\n" * 40)
    shutil.copy(photos / "0.png", photos / "copy.png")
    index(photos)
    before, thumbnails = size(library), stamps(library)
    assert counts(index(by=second)) == {"unchanged": 8}
    assert size(library) == before | {"vectors": 2 * before["vectors"]}
    assert stamps(library) == thumbnails
    assert counts(index(by=second)) == {"unchanged": 8}
    assert (encoded(), seconds()) == (6, 6)
    space = library.space()
    assert space is not None and space.name == "stand-in"
    assert complete(library) == {"stand-in": True, "second": True}


def stamps(library: Library) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in library.paths.thumbnails.rglob("*.webp")}


def test_files_that_have_their_vectors_are_not_read_again(
    library: Library, photos: Path, index: Index, second: FakeEncoder, seconds: Count
) -> None:
    index(photos)
    index(photos / "summer", by=second)
    for path in (photos / "summer").iterdir():  # reading one now would fail
        stamp = path.stat().st_mtime_ns
        path.write_bytes(b"x" * path.stat().st_size)
        os.utime(path, ns=(stamp, stamp))
    with library.catalogue.writing() as connection:  # that one was rewritten is not to be seen
        connection.execute(update(schema.files).values(ctime_ns=None, inode=None))
    assert counts(index(by=second)) == {"unchanged": 6}
    assert seconds() == 6


def test_what_is_new_is_indexed_in_the_second_space_and_later_in_the_first(
    library: Library, photos: Path, index: Index, draw: Draw, second: FakeEncoder
) -> None:
    index(photos)
    draw(photos / "6.png", 6)
    assert counts(index(by=second)) == {"new": 1, "unchanged": 6}
    assert complete(library) == {"stand-in": False, "second": True}
    assert str(photos / "6.png") not in paths(library)
    assert counts(index()) == {"unchanged": 7}
    assert complete(library) == {"stand-in": True, "second": True}
    assert str(photos / "6.png") in paths(library)


def test_moved_copied_and_renamed_files_fill_the_space_they_are_met_in(
    library: Library, tmp_path: Path, photos: Path, index: Index, second: FakeEncoder
) -> None:
    index(photos)
    (photos / "0.png").rename(photos / "moved.png")
    shutil.copy(photos / "1.png", photos / "copy.png")
    assert counts(index(by=second)) == {"moved": 1, "copied": 1, "unchanged": 5}
    assert complete(library)["second"]
    library.prune(["second"])
    renamed = photos.rename(tmp_path / "images")
    assert counts(index(renamed, by=second)) == {"unchanged": 7}
    assert complete(library) == {"stand-in": True, "second": True}
    assert len(paths(library)) == 7


def test_a_file_that_comes_back_after_the_switch_is_found_again(
    library: Library, tmp_path: Path, photos: Path, index: Index, second: FakeEncoder
) -> None:
    index(photos)
    away = (photos / "0.png").rename(tmp_path / "0.png")
    index(by=second)
    library.use("second")
    library.prune(["stand-in"])
    away.rename(photos / "0.png")
    assert counts(index(by=second)) == {"unchanged": 6}
    hits = Engine(library, lambda: second).search(Query((Term("text", "anything"),)))
    assert str(photos / "0.png") in {hit.item.paths[0] for hit in hits}


def test_tables_are_read_by_the_columns_they_were_read_by(
    library: Library, tmp_path: Path, index: Index, second: FakeEncoder
) -> None:
    table = tmp_path / "corpus" / "rows.csv"
    table.parent.mkdir()
    table.write_text("id,caption\n1,a dog\n2,a cat\n")
    index(table.parent, text_columns=("caption",))
    before = size(library)
    assert counts(index(by=second)) == {"unchanged": 1}
    assert size(library) == before | {"vectors": 4}
    table.write_text("id,caption\n1,a dog\n2,a cat\n3,a bird\n")
    index(by=second)
    assert complete(library) == {"stand-in": False, "second": True}
    assert counts(index()) == {"unchanged": 1}
    assert complete(library) == {"stand-in": True, "second": True}


class Interrupted(FakeEncoder):
    """Stops working at the third batch of passages."""

    batches = 0

    def encode_texts(self, texts: Sequence[str]) -> Matrix:
        self.batches += 1
        if self.batches == 3:
            raise RuntimeError("the device went away")
        return super().encode_texts(texts)


def test_an_interrupted_document_goes_on_where_it_stopped(
    library: Library, tmp_path: Path, index: Index, second: FakeEncoder
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "long.txt").write_text(". ".join(f"word {number}" for number in range(1000)))
    index(folder)
    tiring = Interrupted(dim=48)
    tiring.space = second.space
    with pytest.raises(RuntimeError):
        Indexer(library, tiring, IndexConfig(workers=1, batch_size=2)).run()
    assert not complete(library)["second"]
    with library.catalogue.reading() as connection:
        kept = vectors.count(connection, 2, "text")
    assert kept > 0
    index(by=second, batch_size=2)
    assert complete(library) == {"stand-in": True, "second": True}
    with library.catalogue.reading() as connection:
        first, other = (vectors.count(connection, space, "text") for space in (1, 2))
    assert first == other > kept


class Choosy(FakeEncoder):
    """Cannot encode an image that is darker than most."""

    def encode_images(self, pixels: Pixels) -> Matrix:
        if (pixels.reshape(len(pixels), -1).mean(axis=1) < 1).any():
            raise EncodeFailure("the model gave a vector that is not finite")
        return super().encode_images(pixels)


def draw_black(path: Path) -> Path:
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def choosy(second: FakeEncoder) -> Choosy:
    made = Choosy(dim=48)
    made.space = second.space
    return made


def test_what_only_the_second_model_cannot_encode_stays_with_the_first(
    library: Library, photos: Path, index: Index, choosy: Choosy
) -> None:
    black = draw_black(photos / "black.png")
    index(photos)
    assert counts(index(by=choosy)) == {"unchanged": 6, "failed": 1}
    assert [failure.stage for failure in library.failures()] == ["encode"]
    assert str(black) in paths(library)
    assert counts(index()) == {"unchanged": 7}
    assert counts(index(by=choosy)) == {"unchanged": 6, "failed": 1}  # and not tried again
    assert complete(library) == {"stand-in": True, "second": True}
    library.use("second")
    library.use("stand-in")
    library.prune(["second"])
    assert library.failures() == []
    assert counts(index()) == {"unchanged": 7}


def test_what_only_the_first_model_cannot_encode_is_new_to_the_second(
    library: Library, photos: Path, index: Index, choosy: Choosy, encoder: FakeEncoder
) -> None:
    black = draw_black(photos / "black.png")
    assert counts(index(photos, by=choosy)) == {"new": 6, "failed": 1}
    assert counts(index(by=encoder)) == {"new": 1, "unchanged": 6}
    assert [failure.stage for failure in library.failures()] == ["encode"]  # of the first
    assert complete(library) == {"second": True, "stand-in": True}
    assert counts(index(by=choosy)) == {"unchanged": 6, "failed": 1}  # and not tried again
    black.unlink()
    index(by=choosy)
    index(by=choosy)
    assert library.status().missing == 1
    assert library.failures() == []


@pytest.fixture
def third() -> FakeEncoder:
    made = Choosy(dim=32)
    made.space = replace(made.space, name="third", revision="3")
    return made


def test_what_one_model_cannot_encode_is_still_owed_to_a_third(
    library: Library, photos: Path, index: Index, choosy: Choosy, third: FakeEncoder
) -> None:
    index(photos)
    index(by=third)
    draw_black(photos / "black.png")
    index()
    index(by=choosy)
    assert complete(library) == {"stand-in": True, "second": True, "third": False}
    with library.catalogue.reading() as connection:
        owed = {
            space.name: active_space.count_lacking(connection, space.id or 0)
            for space in spaces.every(connection)
        }
    assert owed == {"stand-in": 0, "second": 0, "third": 1}
    with pytest.raises(ModelMismatch, match="1 of 7 items"):
        library.use("third")


def test_each_model_has_its_own_failures(
    library: Library, photos: Path, index: Index, choosy: Choosy, third: FakeEncoder
) -> None:
    black = draw_black(photos / "black.png")
    failed = {"unchanged": 6, "failed": 1}
    index(photos)
    assert counts(index(by=choosy)) == counts(index(by=third)) == failed
    assert [failure.path for failure in library.failures()] == [str(black)] * 2
    index(retry_failures=True)  # by the first, which can encode it
    assert len(library.failures()) == 2
    assert counts(index(by=choosy)) == counts(index(by=third)) == failed  # neither tried again
    able = FakeEncoder(dim=48)
    able.space = choosy.space
    index(by=able, retry_failures=True)
    assert len(library.failures()) == 1
    assert complete(library) == {"stand-in": True, "second": True, "third": True}
    black.write_bytes(b"")  # now the file itself is broken
    index()
    assert [failure.stage for failure in library.failures()] == ["decode"]


def test_a_changed_file_is_owed_to_the_model_that_failed_at_it(
    library: Library, photos: Path, index: Index, draw: Draw, choosy: Choosy
) -> None:
    draw_black(photos / "black.png")
    index(photos)
    index(by=choosy)
    draw(photos / "black.png", 9)
    index()
    assert library.failures() == []
    assert complete(library) == {"stand-in": True, "second": False}
