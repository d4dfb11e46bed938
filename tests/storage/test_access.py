"""A library that cannot be written is read: sqlite.org/wal.html, "Read-Only Databases"."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from storage import Library, access, schema
from storage.catalogue import Catalogue
from storage.errors import LibraryError, LibraryInUse, LibraryReadOnly
from storage.index import builds
from storage.index.kinds import KINDS
from storage.selection import Selection
from tests.storage.unit_vectors import add_images, unit_vectors

DIM, COUNT = 16, 300
_WRITER = """
import sys
from pathlib import Path
from sqlalchemy import text
from storage import Library
library = Library.open(sys.argv[1])
for line in sys.stdin:
    with library.catalogue.writing() as connection:
        connection.execute(text("UPDATE items SET camera = :name"), {"name": line.strip()})
    print("written", flush=True)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A closed library of 300 items with vectors and a thumbnail."""
    with Library.create(tmp_path / "made") as library:
        add_images(library, unit_vectors(COUNT, DIM))
        library.thumbnails.write(f"{0:064x}", b"RIFF")
    return tmp_path / "made"


@pytest.fixture
def not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights to read alone, also where root runs the tests, whom no mode of a file keeps out."""
    monkeypatch.setattr(access, "is_writable", lambda path: False)


class Writer:
    """Another process that has the library open and writes a camera's name when it is told to."""

    def __init__(self, place: Path) -> None:
        self._command = [sys.executable, "-c", _WRITER, str(place)]
        self._process: subprocess.Popen[str] | None = None

    def write(self, camera: str) -> None:
        """Commit a name, in the log of changes as long as the process lives."""
        if self._process is None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{camera}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "written\n"

    def close(self) -> None:
        """Make the process close the library, which merges the log, and end."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


@pytest.fixture
def writer(place: Path) -> Iterator[Writer]:
    """Another process that writes to the library."""
    made = Writer(place)
    yield made
    made.close()


def camera(library: Library) -> str | None:
    with library.catalogue.reading() as connection:
        return connection.scalar(select(schema.items.c.camera).limit(1))


def beside(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


def test_a_closed_library_is_read_and_nothing_is_made_beside_it(
    place: Path, not_ours: None
) -> None:
    before = beside(place)
    with Library.open(place) as library:
        assert library.status().items == COUNT
        assert library.thumbnail(f"{0:064x}") == b"RIFF"
        [notice] = library.notices
        assert "only read" in notice
        assert beside(place) == before
    assert beside(place) == before


def test_whatever_would_write_says_so(place: Path, not_ours: None) -> None:
    with Library.open(place) as library:
        with pytest.raises(LibraryReadOnly, match="ask its owner"), library.writing("index"):
            pass
        with pytest.raises(LibraryReadOnly), library.catalogue.writing():
            pass
        with pytest.raises(LibraryReadOnly):
            library.use("m")


def test_what_another_process_has_committed_is_seen_while_it_is_open(
    place: Path, writer: Writer, not_ours: None
) -> None:
    writer.write("first")
    with Library.open(place) as library:
        assert camera(library) == "first"
        writer.write("second")
        assert camera(library) == "second"
        with library.catalogue.reading() as connection:
            count = select(func.count()).where(schema.items.c.camera == "second")
            assert connection.scalar(count) == COUNT
            writer.write("third")
            assert connection.scalar(count) == COUNT


def test_what_is_changed_while_it_is_read_as_it_lies_is_no_answer(
    place: Path, writer: Writer, not_ours: None
) -> None:
    with Library.open(place) as library:
        assert camera(library) is None
        with (
            pytest.raises(LibraryInUse, match="changed by another user"),
            library.catalogue.reading(),
        ):
            writer.write("later")
            writer.close()
        assert camera(library) == "later"
        writer.write("again")
        assert camera(library) == "again"
        writer.close()
        assert camera(library) == "again"


def test_a_log_of_changes_is_read_with_its_index_and_never_passed_over(
    place: Path, writer: Writer, tmp_path: Path, not_ours: None
) -> None:
    writer.write("in the log alone")
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    shutil.copytree(place, whole)
    shutil.copytree(whole, torn)
    (torn / "catalogue.sqlite3-shm").unlink()
    with Library.open(whole) as library:
        assert camera(library) == "in the log alone"
    with pytest.raises(LibraryReadOnly, match="changes that wait to be merged"):
        Library.open(torn)
    assert (torn / "catalogue.sqlite3-wal").stat().st_size


def test_an_empty_log_without_an_index_is_none(place: Path, not_ours: None) -> None:
    (place / "catalogue.sqlite3-wal").touch()
    with Library.open(place) as library:
        assert library.status().items == COUNT


def test_an_older_schema_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "is_writable", lambda path: False)
    monkeypatch.setattr("storage.library.HEAD", "9999")
    with pytest.raises(LibraryReadOnly, match="has to be brought to 9999"):
        Library.open(place)


@pytest.mark.parametrize("index_kind", KINDS)
@pytest.mark.parametrize("there", [True, False])
def test_an_index_file_is_used_or_done_without(
    place: Path, index_kind: str, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library.open(place) as library:
        made = builds.make(library.catalogue, library.paths.index, 1, "image", index_kind)
        assert made is not None
        file = library.paths.index / made.file
    if there:
        file.chmod(0o444)
    else:
        file.unlink()
    monkeypatch.setattr(access, "is_writable", lambda path: False)
    with Library.open(place) as library:
        with library.catalogue.reading() as connection:
            chosen = Selection(None, np.empty(0, np.int64))
            nearest = library.nearest(1, "image")
            notices: list[str] = []
            ids, scores = nearest.search(
                connection, unit_vectors(COUNT, DIM)[7], 1, chosen, notices
            )
        assert (ids.tolist(), round(float(scores[0]), 2)) == ([8], 1.0)
        assert len(library.notices) == 1
        assert there or "missing; the stored vectors answered" in notices[0]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing keeps root out")
def test_rights_are_asked_of_the_system(place: Path) -> None:
    place.chmod(0o555)
    try:
        assert Catalogue(place / "catalogue.sqlite3").read_only
        with Library.open(place) as library:
            assert library.status().items == COUNT
    finally:
        place.chmod(0o700)
    place.chmod(0)
    try:
        with pytest.raises(LibraryError, match="cannot be looked into"):
            Library.open(place)
        with pytest.raises(LibraryError, match="cannot be made"):
            Library.create(place / "below")
    finally:
        place.chmod(0o700)


_MOUNTED = """
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99
exec {python} -c 'import sys; from storage import Library
with Library.open(sys.argv[1]) as library: print(library.status().items, library.notices)' "$1"
"""


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="only root can mount",
)
def test_a_read_only_mount_keeps_even_root_from_writing(place: Path) -> None:
    script = _MOUNTED.format(python=sys.executable)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(place)], capture_output=True, text=True
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip(f"no mount to be had here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{COUNT} ['the library {place} cannot be written here")
