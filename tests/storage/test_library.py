"""The library folder: made, opened, refused, locked, migrated, counted."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage import Caption, Library, Space, active_space, catalogue, migrate
from storage.disk import lock
from storage.errors import (
    InvalidArgument,
    ItemNotFound,
    LibraryDamaged,
    LibraryInUse,
    LibraryNotFound,
    LibraryTooNew,
    NotALibrary,
    PathNotFound,
)
from storage.tables import captions

REPOSITORY = Path(__file__).parents[2]


def test_a_new_library_is_empty_and_opens_again(tmp_path: Path) -> None:
    with Library.create(tmp_path / "new") as library:
        assert library.status().items == 0
    with Library.open(tmp_path / "new") as library:
        assert library.space() is None
        assert library.notices == []


def test_no_library_is_made_in_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(NotALibrary, match="not empty"):
        Library.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_is_no_library_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(NotALibrary):
        Library.open(tmp_path)
    with pytest.raises(LibraryNotFound):
        Library.open(tmp_path / "nowhere")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title)")
    connection.close()
    with pytest.raises(NotALibrary, match="other program"):
        Library.open(tmp_path)


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite3").write_bytes(b"not a database" * 1000)
    with pytest.raises(LibraryDamaged):
        Library.open(tmp_path)


def test_folders_within_the_library_may_be_as_deep_as_they_like(library: Library) -> None:
    small, back = library.status().bytes, os.open(".", os.O_RDONLY)
    try:
        os.chdir(library.path)
        for _ in range(1200):  # more than Python calls may be deep
            os.mkdir("d")
            os.chdir("d")
        Path("file").write_bytes(b"x" * 100_000)
    finally:
        os.fchdir(back)
        os.close(back)
    assert library.status().bytes >= small + 100_000
    subprocess.run(["rm", "-rf", library.path / "d"], check=True)  # Python's own removal recurses


def test_a_newer_library_is_refused_and_not_changed(library: Library) -> None:
    with library.catalogue.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    library.close()
    with pytest.raises(LibraryTooNew, match="9999"):
        Library.open(library.path)
    with sqlite3.connect(library.paths.catalogue) as file:
        assert file.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    file.close()


def test_the_schema_of_the_migrations_is_the_schema_of_the_tables(library: Library) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from storage.schema import metadata

    with library.catalogue.reading() as connection:
        options = {"compare_type": False, "include_name": _is_a_table_of_ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def _is_a_table_of_ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and (name or "").startswith("caption_words"))  # FTS5's own


def test_head_is_the_newest_migration() -> None:
    scripts = sorted(path.stem for path in (migrate.SCRIPTS / "versions").glob("m*.py"))
    assert scripts[-1].startswith(f"m{catalogue.HEAD}_")


def test_an_older_library_is_copied_before_it_is_changed(library: Library) -> None:
    copy = migrate.upgrade(library.catalogue, "0000")
    assert copy is not None and copy.exists()
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (0,)
    connection.close()


@pytest.fixture
def first_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library as the first release left it: one item, its file and its vector."""
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "HEAD", "0001")
        patch.setattr("storage.library.HEAD", "0001")
        with Library.create(tmp_path / "old") as library:
            with library.catalogue.writing() as connection:
                for statement in FIRST_RELEASE:
                    connection.exec_driver_sql(statement)
            return library.path


FIRST_RELEASE = (
    "INSERT INTO roots VALUES (1, x'2F70', 1, NULL)",
    "INSERT INTO items (id, hash, kind, bytes, format, present) "
    "VALUES (1, zeroblob(32), 'image', 1, 'PNG', 1)",
    "INSERT INTO files VALUES (1, 1, x'2F702F61', 1, 1, 1, 0)",
    "INSERT INTO spaces VALUES (1, 'm', '1', 2, '{}', 1)",
    "INSERT INTO vectors VALUES (1, 1, 1, 'image', x'003C0000')",
    "INSERT INTO failures VALUES (x'2F702F62', 1, 'decode', 'broken', 1, 1)",
)


def test_a_library_of_the_first_release_is_copied_and_brought_up_to_date(
    first_release: Path,
) -> None:
    with Library.open(first_release) as library:
        assert f"brought the library to schema {catalogue.HEAD}" in library.notices[0]
        assert (library.status().items, library.find("/p/a").format) == (1, "PNG")
        assert [failure.path for failure in library.failures()] == ["/p/b"]
        with library.catalogue.writing() as connection:
            captions.record(connection, [Caption(1, "m", "1", "a red kite")])
            assert captions.matching(connection, "kite", None, 1) == [1]
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    [copy] = first_release.glob("catalogue.before-*")
    with sqlite3.connect(copy) as file:
        assert file.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert file.execute("SELECT count(*) FROM items").fetchone() == (1,)
    file.close()
    with Library.open(first_release) as library:
        assert library.notices == []


def test_two_processes_that_open_an_old_library_keep_the_good_copy(
    first_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lock.hold

    @contextmanager
    def late(path: Path, holder: Callable[[], str], seconds: float) -> Iterator[None]:
        monkeypatch.setattr(lock, "hold", held)
        Library.open(first_release).close()  # the other process has the lock first
        with held(path, holder, seconds):
            yield

    monkeypatch.setattr(lock, "hold", late)
    with Library.open(first_release) as library:
        assert library.notices == []  # the other one has told
    [copy] = first_release.glob("catalogue.before-*")
    with sqlite3.connect(copy) as file:
        assert file.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    file.close()


def test_pages_and_durability_are_as_designed(library: Library) -> None:
    with library.catalogue.reading() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("page_size") == 16384
        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2  # FULL
        assert pragma("foreign_keys") == 1


def test_only_one_process_writes_and_others_read(library: Library) -> None:
    with library.writing("index"), Library.open(library.path) as other:
        assert other.status().items == 0
        with pytest.raises(LibraryInUse, match="index, since"), other.writing("remove"):
            pass
    with Library.open(library.path) as other, other.writing("remove"):
        pass


HOLD = """
import sys, time
from storage import Library
library = Library.open(sys.argv[1])
with library.writing("index"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_process_that_was_killed_is_free(library: Library) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(library.path)],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LibraryInUse, match=str(process.pid)), library.writing("remove"):
            pass
        process.kill()
    with library.writing("remove"):
        pass
    with library.catalogue.reading() as connection:
        rows = connection.exec_driver_sql("SELECT command, outcome FROM runs ORDER BY id").all()
    assert [tuple(row) for row in rows] == [("index", "died"), ("remove", "done")]


def test_a_run_that_raises_is_recorded_as_failed(library: Library) -> None:
    with pytest.raises(ZeroDivisionError), library.writing("index"):
        raise ZeroDivisionError
    with library.catalogue.reading() as connection:
        assert connection.exec_driver_sql("SELECT outcome FROM runs").scalar() == "failed"


@pytest.mark.parametrize("name", ["what?x=1", "50% #1", "ü b"])
def test_any_name_will_do_for_a_library(tmp_path: Path, name: str) -> None:
    with Library.create(tmp_path / name) as library:
        assert library.status().items == 0
    with Library.open(tmp_path / name):
        assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_catalogue_that_another_program_locks_is_in_use(library: Library) -> None:
    other = sqlite3.connect(library.paths.catalogue, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        pytest.raises(LibraryInUse, match="another program"),
        library.catalogue.reading() as connection,
    ):
        connection.exec_driver_sql("PRAGMA busy_timeout = 10")
        connection.exec_driver_sql("DELETE FROM roots")
    other.close()


def test_a_refused_write_leaves_nothing(library: Library) -> None:
    with pytest.raises(ZeroDivisionError), library.catalogue.writing() as connection:
        connection.exec_driver_sql("INSERT INTO roots (path, walked) VALUES (x'2f', 1)")
        raise ZeroDivisionError
    assert library.roots() == []


def test_a_name_that_is_no_item_is_an_error_with_a_next_step(library: Library) -> None:
    with pytest.raises(ItemNotFound, match="at least 6 digits"):
        library.find("beach")


def test_an_ambiguous_beginning_asks_for_more_digits(library: Library) -> None:
    from storage.tables import items
    from storage.tables.items import Content

    with library.catalogue.writing() as connection:
        for last in "01":
            items.add(connection, Content("abcdef" + last * 58, "image", 1, "PNG"))
    with pytest.raises(InvalidArgument, match="more than one"):
        library.find("abcdef")
    assert library.find("ABCDEF0").hash == "abcdef" + "0" * 58


def test_removing_what_is_not_there_is_an_error(library: Library, tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="holds nothing under"):
        library.plan_remove(str(tmp_path / "other"))


def test_a_thread_that_writes_is_told_to_write_again_after_it(library: Library) -> None:
    with (
        library.writing("tag"),
        pytest.raises(LibraryInUse, match="by this call, which still writes: change .* after it"),
        library.writing("tag"),
    ):
        pass
    with library.writing("tag"):
        pass


def test_a_search_is_had_while_others_are_pruned(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [Space("gone", "1", 8, "{}", id=number) for number in range(1, 1000, 2)]
    monkeypatch.setattr(active_space, "prune", lambda *_: gone)

    def prune() -> None:
        for _ in range(40):
            library.prune(["gone"])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as threads:
            pruned = threads.submit(prune)
            while not pruned.done():
                for number in range(1, 1000):
                    assert library.nearest(number, "image") is not None
            pruned.result()
    finally:
        sys.setswitchinterval(interval)
    kept = library.nearest(2, "image")
    library.prune(["gone"])
    assert library.nearest(2, "image") is kept
