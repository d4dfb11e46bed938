"""Unchanged means unchanged: what is read again, what it costs then, and what is left alone.

POSIX.1-2017, section 4.9, "File Times Update": the change time is set by every change of a file's
content, name or rights, and by no program.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, select, update

from indexer import IndexConfig, Report
from indexer.changes import differences
from indexer.images.limits import Limits
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.scan.file_systems import FileSystems, StableStat
from storage import Library, schema
from storage.records import Root
from storage.tables import known_files
from storage.tables.file_state import Looks
from storage.tables.known_files import KnownLooks
from tests.indexer.search_results import counts, paths

Count = Callable[[], int]
Draw = Callable[..., Path]
Index = Callable[..., Report]
T = TypeVar("T")

KEEPS_ALL, KEEPS_NONE = StableStat(ctime=True, inode=True), StableStat(ctime=False, inode=False)
NO_PIXELS, NO_BYTES = Limits(pixels=1), Limits(file_bytes=1)  # where what is decoded, read, fails


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> Callable[[StableStat], None]:
    """Lets every folder lie on a file system that keeps what the test says."""

    def mount(kept: StableStat) -> None:
        monkeypatch.setattr(FileSystems, "read", lambda: FileSystems({os.sep: kept}))

    mount(KEEPS_ALL)
    return mount


@pytest.fixture
def twins(tmp_path: Path, draw: Draw) -> Path:
    """Three images of one size in bytes and one date, each of another colour."""
    folder = tmp_path / "twins"
    for number in range(3):
        path = draw(folder / f"{number}.bmp", number)
        os.utime(path, ns=(1, 1))
    assert len({path.stat().st_size for path in folder.iterdir()}) == 1
    return folder


def contents(library: Library) -> dict[str, str]:
    """The hash that the catalogue has for each file name."""
    files, items = schema.files, schema.items
    with library.catalogue.reading() as connection:
        rows = connection.execute(
            select(files.c.path, items.c.hash).join(items, items.c.id == files.c.item_id)
        )
        return {Path(path).name: digest for path, digest in rows}


def recorded(library: Library) -> list[tuple[int | None, str | None]]:
    with library.catalogue.reading() as connection:
        rows = connection.execute(select(schema.files.c.ctime_ns, schema.files.c.inode))
        return [(row.ctime_ns, row.inode) for row in rows]


def forget_stat(library: Library) -> None:
    """Make the catalogue one of before change times and numbers were looked at."""
    with library.catalogue.writing() as connection:
        for table in (schema.files, schema.failures):
            connection.execute(update(table).values(ctime_ns=None, inode=None))


@pytest.mark.parametrize("names", [("0", "1"), ("0", "1", "2")])
def test_files_that_exchange_names_are_noticed_and_not_encoded(
    names: tuple[str, ...], library: Library, twins: Path, index: Index, encoded: Count
) -> None:
    index(twins)
    before = contents(library)
    (twins / f"{names[0]}.bmp").rename(twins / "aside")
    for to, name in zip(names, names[1:], strict=False):
        (twins / f"{name}.bmp").rename(twins / f"{to}.bmp")
    (twins / "aside").rename(twins / f"{names[-1]}.bmp")
    report = index(twins)
    assert (report.new, report.copied + report.moved) == (0, len(names))
    after = contents(library)
    for to, name in zip(names, (*names[1:], names[0]), strict=True):
        assert after[f"{to}.bmp"] == before[f"{name}.bmp"]
    assert encoded() == 3
    assert library.status().items == 3


def test_a_rewrite_that_sets_the_date_back_is_noticed(
    library: Library, twins: Path, index: Index, draw: Draw
) -> None:
    index(twins)
    before = contents(library)
    draw(twins / "1.bmp", 99)
    os.utime(twins / "1.bmp", ns=(1, 1))
    assert counts(index()) == {"new": 1, "unchanged": 2}
    assert contents(library)["1.bmp"] != before["1.bmp"]


def test_a_file_moved_over_another_of_its_size_and_date_is_noticed(
    library: Library, twins: Path, tmp_path: Path, index: Index, draw: Draw
) -> None:
    other = draw(tmp_path / "other.bmp", 99)
    os.utime(other, ns=(1, 1))
    index(twins)
    other.rename(twins / "1.bmp")
    assert counts(index()) == {"new": 1, "unchanged": 2}


def test_a_hard_link_in_a_files_place_is_noticed(
    library: Library, twins: Path, index: Index
) -> None:
    index(twins)
    (twins / "1.bmp").unlink()
    (twins / "1.bmp").hardlink_to(twins / "0.bmp")
    assert counts(index()) == {"copied": 1, "unchanged": 2}
    assert contents(library)["1.bmp"] == contents(library)["0.bmp"]


def test_a_number_alone_tells_one_file_from_another(
    library: Library, twins: Path, index: Index
) -> None:
    index(twins)
    with library.catalogue.writing() as connection:
        connection.execute(update(schema.files).values(inode="another"))
    (twins / "0.bmp").write_bytes((twins / "1.bmp").read_bytes())
    stat = os.stat(twins / "0.bmp")
    with library.catalogue.writing() as connection:
        connection.execute(
            update(schema.files)
            .where(schema.files.c.path == str(twins / "0.bmp"))
            .values(mtime_ns=stat.st_mtime_ns, ctime_ns=stat.st_ctime_ns)
        )
    assert counts(index()) == {"copied": 1, "unchanged": 2}


def test_a_file_that_was_touched_is_hashed_and_neither_decoded_nor_encoded(
    photos: Path, index: Index, encoded: Count
) -> None:
    index(photos)
    (photos / "0.png").chmod(0o600)
    (photos / "link.png").hardlink_to(photos / "1.png")
    assert counts(index(photos, limits=NO_PIXELS)) == {"copied": 1, "unchanged": 6}
    assert encoded() == 6


def test_a_touched_file_is_not_decoded_among_however_many_of_its_size(
    library: Library, twins: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(twins)
    monkeypatch.setattr("storage.tables.stored_contents._SAME_SIZE", 2)
    for path in twins.iterdir():
        path.chmod(0o600)
    assert counts(index(limits=NO_PIXELS)) == {"unchanged": 3}


def test_where_change_times_do_not_last_size_and_date_decide(
    library: Library, photos: Path, index: Index, mounted: Callable[[StableStat], None]
) -> None:
    index(photos)
    mounted(KEEPS_NONE)
    for path in photos.glob("*.png"):
        path.write_bytes(b"x" * path.stat().st_size)  # reading one would fail
    with library.catalogue.writing() as connection:
        for path in photos.glob("*.png"):
            connection.execute(
                update(schema.files)
                .where(schema.files.c.path == str(path))
                .values(mtime_ns=path.stat().st_mtime_ns)
            )
    assert counts(index()) == {"unchanged": 6}


def test_a_disk_that_numbers_its_files_anew_is_not_read_again(
    library: Library, photos: Path, index: Index, mounted: Callable[[StableStat], None]
) -> None:
    mounted(StableStat(ctime=True, inode=False))
    index(photos)
    assert {inode for _, inode in recorded(library)} == {None}
    with library.catalogue.writing() as connection:
        connection.execute(update(schema.files).values(inode="of an earlier mount"))
    assert counts(index(limits=NO_BYTES)) == {"unchanged": 6}


def test_a_library_of_before_learns_both_without_reading_a_file(
    library: Library, twins: Path, index: Index
) -> None:
    index(twins)
    forget_stat(library)
    assert counts(index(limits=NO_BYTES)) == {"unchanged": 3}
    stats = [os.stat(path) for path in twins.iterdir()]
    assert set(recorded(library)) == {(stat.st_ctime_ns, str(stat.st_ino)) for stat in stats}
    shutil.copyfile(twins / "1.bmp", twins / "0.bmp")
    os.utime(twins / "0.bmp", ns=(1, 1))
    assert counts(index()) == {"copied": 1, "unchanged": 2}


def test_a_disk_that_comes_back_is_not_read(
    library: Library, photos: Path, tmp_path: Path, index: Index
) -> None:
    index(photos)
    photos.rename(tmp_path / "unplugged")
    assert counts(index()) == {"missing": 6}
    (tmp_path / "unplugged").rename(photos)
    assert counts(index(limits=NO_BYTES)) == {"unchanged": 6}
    assert len(paths(library)) == 6


def test_a_renamed_root_is_known_and_not_read(
    library: Library, photos: Path, tmp_path: Path, index: Index
) -> None:
    index(photos)
    renamed = photos.rename(tmp_path / "renamed")
    assert counts(index(renamed, limits=NO_BYTES)) == {"unchanged": 6}


def test_a_failed_file_that_was_put_back_with_its_date_is_tried_again(
    library: Library, twins: Path, tmp_path: Path, index: Index
) -> None:
    whole = shutil.copy2(twins / "1.bmp", tmp_path / "backup.bmp")
    (twins / "1.bmp").write_bytes(b"x" * os.stat(whole).st_size)
    os.utime(twins / "1.bmp", ns=(1, 1))
    assert counts(index(twins)) == {"new": 2, "failed": 1}
    assert counts(index(limits=NO_BYTES)) == {"unchanged": 2, "failed": 1}
    shutil.copy2(whole, twins / "1.bmp")
    assert counts(index()) == {"new": 1, "unchanged": 2}
    assert library.status().failures == 0


def test_a_reread_hashes_every_file_and_encodes_none_that_is_known(
    library: Library, twins: Path, index: Index, draw: Draw, encoded: Count
) -> None:
    index(twins)
    draw(twins / "1.bmp", 99)
    os.utime(twins / "1.bmp", ns=(1, 1))
    stat = os.stat(twins / "1.bmp")
    with library.catalogue.writing() as connection:  # a change that nothing shows
        connection.execute(
            update(schema.files)
            .where(schema.files.c.path == str(twins / "1.bmp"))
            .values(ctime_ns=stat.st_ctime_ns, inode=str(stat.st_ino))
        )
    assert counts(index()) == {"unchanged": 3}
    assert counts(index(reread=True)) == {"new": 1, "unchanged": 2}
    assert encoded() == 4
    assert counts(index(reread=True, limits=NO_PIXELS)) == {"unchanged": 3}


def test_a_reread_tries_what_failed_again(library: Library, photos: Path, index: Index) -> None:
    assert counts(index(photos, limits=NO_PIXELS)) == {"failed": 6}
    assert counts(index()) == {"failed": 6}
    assert counts(index(reread=True)) == {"new": 6}


def test_a_file_named_by_itself_that_no_walk_meets_is_looked_at_all_the_same(
    library: Library, photos: Path, index: Index, draw: Draw
) -> None:
    index(photos)
    hidden = draw(photos / ".cover.png", 7)
    assert counts(index(hidden)) == {"new": 1}
    draw(hidden, 8)
    assert counts(index(photos)) == {"new": 1, "unchanged": 6}


def test_a_folder_or_a_dangling_link_in_a_files_place_is_not_that_file(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    for name in ("0.png", "1.png"):
        (photos / name).unlink()
    (photos / "0.png").mkdir()
    (photos / "1.png").symlink_to(photos / "gone")
    assert counts(index()) == {"unchanged": 4, "missing": 2}


@pytest.mark.parametrize("exclude", [(), ("0.png",)])
@pytest.mark.parametrize("target", ["1.png", "summer/4.png", "../store/object", "../notes.md"])
def test_a_link_in_a_files_place_is_not_that_file(
    library: Library, photos: Path, draw: Draw, index: Index, target: str, exclude: tuple[str]
) -> None:
    draw(photos / "../store/object.png", 0).rename(photos / "../store/object")
    (photos / "../notes.md").write_text("a red kite")
    index(photos)
    (photos / "0.png").unlink()
    (photos / "0.png").symlink_to(target)
    for reread in (False, True):
        report = index(exclude=exclude, reread=reread)
        assert (report.missing, report.excluded, library.status().missing) == (1, 0, 1)
    assert "0.png" not in [Path(path).name for path in paths(library)]
    (photos / "0.png").unlink()
    draw(photos / "0.png", 0)
    assert (index().missing, library.status().missing) == (0, 0)


def test_a_link_or_a_pipe_in_a_listed_files_place_is_not_that_file(
    library: Library, photos: Path, encoder: FakeEncoder, index: Index
) -> None:
    listed = tuple(str(photos / f"{number}.png") for number in range(3))
    Indexer(library, encoder, IndexConfig(files=listed, workers=1)).run()
    for number in range(2):
        (photos / f"{number}.png").unlink()
    (photos / "0.png").symlink_to("2.png")
    os.mkfifo(photos / "1.png")
    assert counts(index()) == {"unchanged": 1, "missing": 2}


def test_a_folder_that_moved_and_left_a_link_still_holds_its_files(
    library: Library, photos: Path, tmp_path: Path, index: Index
) -> None:
    index(photos)
    (photos / "summer").rename(tmp_path / "away")
    (photos / "summer").symlink_to(tmp_path / "away")
    assert counts(index()) == {"unchanged": 6}


def test_a_file_that_can_be_read_no_more_is_told_and_not_taken_for_another(
    library: Library, photos: Path, index: Index
) -> None:
    index(photos)
    (photos / "0.png").chmod(0)
    assert counts(index(limits=NO_BYTES)) == {"failed": 1, "unchanged": 5}
    assert (len(paths(library)), library.plan_forget().files) == (6, 0)
    (photos / "0.png").chmod(0o600)
    assert counts(index()) == {"unchanged": 6}
    assert library.status().failures == 0


def test_the_looks_of_both_sides_are_compared_as_sets_of_paths_would_be() -> None:
    rng = random.Random(1)
    for _ in range(300):
        paths = sorted({bytes(rng.choices(b"a/.b", k=rng.randint(1, 4))) for _ in range(12)})
        sizes = {path: rng.randint(0, 1) for path in paths}
        seen: list[Looks] = [
            (path, size, 0, 0, None, None) for path, size in sizes.items() if rng.random() < 0.8
        ]
        known: list[KnownLooks] = [
            (path, rng.choice((size, size, None, 9)), 0, 0, None, None)
            for path, size in sizes.items()
            if rng.random() < 0.8
        ]
        found = list(differences(in_lists(rng, seen), in_lists(rng, known)))
        same: set[KnownLooks] = set(known).intersection(seen)
        assert sum(one.alike for one in found) == len(same)
        assert [one for each in found for one in each.seen] == [
            looks for looks in seen if looks not in same
        ]
        assert [one for each in found for one in each.known] == [
            row[0] for row in known if row not in same
        ]
        apart = list(differences(in_lists(rng, seen), in_lists(rng, known), alike=False))
        assert sum(len(one.seen) for one in apart) == len(seen)
        assert sum(one.alike for one in apart) == 0


def in_lists(rng: random.Random, rows: Sequence[T]) -> Iterator[list[T]]:
    """Cut rows into lists of one and more."""
    rest = list(rows)
    while rest:
        size = rng.randint(1, 4)
        yield rest[:size]
        rest = rest[size:]


def test_of_unchanged_files_no_more_than_their_looks_is_asked_for(
    library: Library, photos: Path, index: Index, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "0.png.xmp").write_text("<x/>")
    (photos / "film.mov").touch()
    index(photos)
    asked: list[str] = []
    known = known_files.known

    def noted(connection: Connection, root: Root, paths: Sequence[str], space_id: int) -> object:
        asked.extend(Path(path).name for path in paths)
        return known(connection, root, paths, space_id)

    monkeypatch.setattr(known_files, "known", noted)
    assert counts(index()) == {"unchanged": 6, "skipped": 2}
    assert asked == []
    draw(photos / "summer" / "4.png", 99)
    os.utime(photos / "0.png.xmp", ns=(1, 1))
    assert counts(index()) == {"new": 1, "unchanged": 5, "skipped": 2}
    assert asked == ["0.png", "4.png"]
