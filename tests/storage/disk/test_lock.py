"""The writer's lock: a writer has a moment's patience, a cache has none."""

import time
from collections.abc import Callable
from threading import Event, Thread

import pytest

from storage import Library
from storage.errors import LibraryInUse


def held(library: Library, seconds: float) -> Callable[[], None]:
    """Hold the library's lock in a thread, as a search does to keep a vector; returns the end."""
    taken = Event()

    def hold() -> None:
        with library.caching():
            taken.set()
            time.sleep(seconds)

    thread = Thread(target=hold)
    thread.start()
    assert taken.wait(10)
    return thread.join


def test_a_writer_waits_for_a_cache_of_another_process(library: Library) -> None:
    with Library.open(library.path) as other:  # its lock is another one, as in another process
        end = held(library, 0.1)
        with other.writing("index"):
            pass
        end()


@pytest.mark.parametrize("same", [True, False])
def test_a_cache_waits_for_nobody(library: Library, same: bool) -> None:
    with Library.open(library.path) as other:
        end = held(other, 0.5)
        began = time.monotonic()
        with pytest.raises(LibraryInUse), (other if same else library).caching():
            pass
        assert time.monotonic() - began < 0.4
        end()


def test_a_cache_is_no_run(library: Library) -> None:
    with library.caching() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 0
