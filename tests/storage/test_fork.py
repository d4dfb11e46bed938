"""A forked child is answered or told why not; SQLite, "How To Corrupt", 2.6; POSIX.1-2024, fork."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from storage import Library
from storage.index import builds
from storage.index.kinds import KINDS
from tests.storage.unit_vectors import add_images, unit_vectors

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
DIM, COUNT = 16, 2000
Fork = Callable[[str], str]
# A parent that has used the library, also by FAISS, and what its children do.
_SCRIPT = """
import os, sys, threading, time
import numpy as np
from storage import Library
from storage.catalogue import Catalogue
from storage.errors import ForkedProcess
from storage.selection import Selection

queries = np.load(sys.argv[2])
library = Library.open(sys.argv[1])

def best(library, number=7):
    with library.catalogue.reading() as connection:
        ids, _ = library.nearest(1, "image").search(
            connection, queries[number], 1, Selection(None, np.empty(0, np.int64)))
    return ids.tolist()

def forked(call):
    '''Run something in a child, and print what came of it and how the child ended.'''
    sys.stdout.flush()
    child = os.fork()
    if child:
        print("ended", os.waitpid(child, 0)[1], flush=True)
        return
    try:
        print(call(), flush=True)
    except ForkedProcess as error:
        print("refused:", error, flush=True)
    os._exit(0)

assert best(library) == [8]
"""


@pytest.fixture
def fork(tmp_path: Path, index_kind: str) -> Fork:
    """Run lines after the script above in a fresh interpreter and return what was printed."""
    with Library.create(tmp_path / "made") as library:
        add_images(library, unit_vectors(COUNT, DIM))
        builds.make(library.catalogue, library.paths.index, 1, "image", index_kind)
    np.save(tmp_path / "queries.npy", unit_vectors(COUNT, DIM))

    def run(lines: str) -> str:
        given = [str(tmp_path / "made"), str(tmp_path / "queries.npy")]
        command = [sys.executable, "-c", _SCRIPT + lines, *given]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def index_kind() -> str:
    return "exact"


@pytest.mark.parametrize("index_kind", KINDS)
def test_a_child_searches_as_its_parent_did(fork: Fork) -> None:
    assert fork("forked(lambda: best(library)); print(best(library, 3))") == "[8]\nended 0\n[4]"


def test_children_of_children_and_several_at_once_search_too(fork: Fork) -> None:
    said = fork(
        """
def family():
    forked(lambda: best(library, 3))
    return best(library)
children = []
for number in range(4):
    children.append(os.fork())
    if not children[-1]:
        os._exit(0 if best(library, number) == [number + 1] else 1)
print([os.waitpid(child, 0)[1] for child in children])
forked(family)
"""
    )
    assert said == "[0, 0, 0, 0]\n[4]\nended 0\n[8]\nended 0"


def test_a_child_opens_the_library_anew(fork: Fork) -> None:
    assert fork("forked(lambda: best(Library.open(sys.argv[1])))") == "[8]\nended 0"


def test_a_child_writes_and_its_parent_reads_it(fork: Fork) -> None:
    said = fork(
        """
def write():
    with library.writing("test"), library.catalogue.writing() as connection:
        connection.exec_driver_sql("UPDATE items SET camera = 'of the child'")
    return "written"
forked(write)
with library.catalogue.reading() as connection:
    print(connection.exec_driver_sql("SELECT DISTINCT camera FROM items").scalars().all())
    print(connection.exec_driver_sql("PRAGMA integrity_check").scalar())
"""
    )
    assert said == "written\nended 0\n['of the child']\nok"


@pytest.mark.parametrize("opened", ["library", "Library.open(sys.argv[1])"])
def test_a_fork_in_the_middle_of_another_threads_work_is_refused(fork: Fork, opened: str) -> None:
    said = fork(
        f"""
begun, done = threading.Event(), threading.Event()
def read():
    with library.catalogue.reading():
        begun.set(), done.wait()
other = threading.Thread(target=read)
other.start(), begun.wait()
forked(lambda: best({opened}))
done.set(), other.join()
forked(lambda: best({opened}))
"""
    )
    refused, ended, *later = said.splitlines()
    assert refused.startswith("refused: this process was forked while a library was in use")
    assert "spawn" in refused
    assert [ended, *later] == ["ended 0", "[8]", "ended 0"]


def test_a_fork_in_the_middle_of_the_same_threads_work_is_refused(fork: Fork) -> None:
    said = fork("with library.catalogue.reading():\n    forked(lambda: best(library))")
    assert said.startswith("refused: ")


def test_a_child_that_uses_no_library_is_left_alone(fork: Fork) -> None:
    said = fork(
        """
other = threading.Thread(target=lambda: [best(library) for _ in range(200)])
other.start()
for _ in range(20):
    child = os.fork()
    if not child:
        sys.exit(7)  # as a process usually ends, with all its destructors
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
other.join()
print(best(library))
"""
    )
    assert said == "[8]"


def test_a_lock_does_not_stay_with_a_child(fork: Fork) -> None:
    said = fork(
        """
with library.writing("one"):
    child = os.fork()
    if not child:
        time.sleep(60)
with library.writing("two"):
    print("written")
os.kill(child, 9), os.waitpid(child, 0)
"""
    )
    assert said == "written"


def test_a_fork_while_another_thread_is_the_writer_is_refused(fork: Fork) -> None:
    said = fork(
        """
begun, done = threading.Event(), threading.Event()
def index():
    with library.writing("index"):
        begun.set(), done.wait()
def tag():
    with library.writing("tag"):
        return "written"
other = threading.Thread(target=index)
other.start(), begun.wait()
forked(tag)
done.set(), other.join()
forked(tag)
"""
    )
    refused, *later = said.splitlines()
    assert refused.startswith("refused: this process was forked while a library was in use")
    assert later == ["ended 0", "written", "ended 0"]


def test_a_child_that_leaves_the_code_of_a_writer_ends_nothing_of_its_parents(fork: Fork) -> None:
    said = fork(
        """
from storage.errors import LibraryInUse
with library.writing("index"):
    forked(lambda: best(library))
    child = os.fork()
    if not child:
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    try:
        with Library.open(sys.argv[1]) as second, second.writing("tag"):
            print("the lock was lost")
    except LibraryInUse as error:
        print("index" in str(error))
with library.catalogue.reading() as connection:
    print(connection.exec_driver_sql("SELECT command, outcome FROM runs").all())
"""
    )
    refused, *later = said.splitlines()
    assert refused.startswith("refused: ")
    assert later == ["ended 0", "7", "True", "[('index', 'done')]"]
