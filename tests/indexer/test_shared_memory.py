import os
import pickle
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from indexer.shared_memory import _MOST_BYTES as MOST
from indexer.shared_memory import SharedMemory

SQUARE = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)

posix = pytest.mark.skipif(os.name != "posix", reason="everything is piped there")


@pytest.fixture(params=["memory", "file", "pipe"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SharedMemory:
    """A memory of each kind: Linux's, a file without a name, and none."""
    if request.param == "file":
        monkeypatch.setattr("indexer.shared_memory.sys.platform", "darwin")
    if request.param == "pipe":
        monkeypatch.setattr("indexer.shared_memory._nameless_file", lambda: None)
    made = SharedMemory.create()
    assert (made.descriptor is None) == (request.param == "pipe" or os.name != "posix")
    request.addfinalizer(made.close)
    return made


def test_an_answer_comes_out_as_it_went_in(memory: SharedMemory) -> None:
    empty, small = np.zeros((0, 3), np.float32), np.arange(5)
    for answer in ({"a": SQUARE, "b": (small, empty)}, [SQUARE, SQUARE.T, b"x" * 9000], "text"):
        found = memory.load(BytesIO(memory.dumps(answer)))
        assert pickle.dumps(found) == pickle.dumps(answer)


@posix
def test_pixels_are_not_in_the_pipe() -> None:
    memory = SharedMemory.create()
    assert len(memory.dumps({"pixels": SQUARE, "thumbnail": b"RIFF"})) < 500
    found = memory.load(BytesIO(memory.dumps(SQUARE)))
    memory.dumps(255 - SQUARE)  # the next answer takes the place of this one
    assert np.array_equal(found, SQUARE)  # type: ignore[arg-type]
    memory.close()


def test_an_answer_larger_than_the_memory_is_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.shared_memory._MOST_BYTES", SQUARE.nbytes * 3 // 2)
    memory = SharedMemory.create()
    piped = memory.dumps([SQUARE, 255 - SQUARE])
    assert len(piped) > SQUARE.nbytes
    found = memory.load(BytesIO(piped))
    assert isinstance(found, list)
    assert np.array_equal(found[0], SQUARE) and np.array_equal(found[1], 255 - SQUARE)
    memory.close()


@pytest.mark.parametrize("sizes", [(MOST + 1,), (MOST, 1), (-1,), (0,), ("9",), 7, (1 << 70,)])
def test_a_worker_cannot_have_bytes_read_that_are_not_there(
    sizes: object, memory: SharedMemory
) -> None:
    answer = pickle.dumps(sizes) + pickle.dumps(None)
    with pytest.raises((ValueError, TypeError)):
        memory.load(BytesIO(answer))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux seals memory")
def test_a_worker_can_neither_cut_nor_grow_the_memory() -> None:
    memory = SharedMemory.create()
    assert memory.descriptor is not None
    for size in (0, MOST - 1, MOST + 1):
        with pytest.raises(PermissionError):
            os.ftruncate(memory.descriptor, size)
    memory.close()


@posix
def test_a_file_that_was_cut_short_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.shared_memory.sys.platform", "darwin")
    memory = SharedMemory.create()
    assert memory.descriptor is not None
    answer = memory.dumps(SQUARE)
    os.ftruncate(memory.descriptor, 1000)
    with pytest.raises(ValueError, match="ends 195,608 bytes before the array"):
        memory.load(BytesIO(answer))
    memory.close()


@posix
def test_a_full_disk_sends_pixels_through_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    memory = SharedMemory.create()
    monkeypatch.setattr("os.pwrite", full)
    piped = memory.dumps(SQUARE)
    assert np.array_equal(memory.load(BytesIO(piped)), SQUARE)  # type: ignore[arg-type]
    memory.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists what is open")
def test_a_closed_memory_leaves_nothing_behind() -> None:
    def names() -> list[str]:
        return os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else []

    open_before, names_before = len(os.listdir("/proc/self/fd")), names()
    for _ in range(50):
        memory = SharedMemory.create()
        memory.dumps(SQUARE)
        assert names() == names_before
        memory.close()
        memory.close()
    assert len(os.listdir("/proc/self/fd")) == open_before
