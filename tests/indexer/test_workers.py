import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from indexer.images.limits import Limits
from indexer.models.protocols import ImageSpec
from indexer.reader import FileContent, ImageContent, ReadTask
from indexer.workers import ReadPool
from storage.errors import DecodeFailure, SightlineError, UnreadableFile

SPEC = ImageSpec(64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
LIMITS = Limits(seconds=30)


class Poison(ReadTask):
    """A task that does something else to the worker when it is unpacked there."""

    def __init__(
        self, deed: Callable[..., object], *arguments: object, seconds: float = 30
    ) -> None:
        super().__init__("poison", "image", SPEC, Limits(seconds=seconds))
        object.__setattr__(self, "text_columns", (deed, arguments))

    def __reduce__(self) -> Any:
        return self.text_columns


@pytest.fixture
def photo(tmp_path: Path) -> ReadTask:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (300, 200), "teal").save(path)
    return ReadTask(str(path), "image", SPEC, LIMITS)


@pytest.fixture
def pool() -> Iterator[ReadPool]:
    with ReadPool(1, LIMITS) as pool:
        yield pool


def process_of(pool: ReadPool) -> "subprocess.Popen[bytes]":
    process = pool._workers[0]._process
    assert process is not None
    return process


def test_files_are_read_by_other_processes(pool: ReadPool, photo: ReadTask) -> None:
    futures = [pool.schedule(photo) for _ in range(5)]
    for future in futures:
        assert isinstance(future.result().content, ImageContent)
    assert process_of(pool).pid != os.getpid()


def test_a_failure_comes_home_as_it_was_raised(pool: ReadPool, tmp_path: Path) -> None:
    task = ReadTask(str(tmp_path / "gone.jpg"), "image", SPEC, LIMITS)
    with pytest.raises(UnreadableFile, match="vanished"):
        pool.schedule(task).result()


def test_a_crash_costs_one_file(pool: ReadPool, photo: ReadTask) -> None:
    crash = pool.schedule(Poison(os.abort))
    after = pool.schedule(photo)
    with pytest.raises(DecodeFailure, match="the decoder crashed on it .SIGABRT"):
        crash.result()
    assert isinstance(after.result(), FileContent)


def test_a_hang_costs_one_file_and_its_time_limit(photo: ReadTask) -> None:
    with ReadPool(2, LIMITS) as pool:
        for _ in range(2):
            pool.schedule(photo).result()
        start = time.monotonic()
        hang = pool.schedule(Poison(time.sleep, 600, seconds=1))
        for _ in range(5):
            assert pool.schedule(photo).result()
        assert time.monotonic() - start < 1  # the other worker went on
        with pytest.raises(DecodeFailure, match="longer than 1 s: raise the limit `seconds`"):
            hang.result()
        assert pool.schedule(photo).result()


def test_a_worker_that_dies_idle_is_replaced(pool: ReadPool, photo: ReadTask) -> None:
    pool.schedule(photo).result()
    first = process_of(pool)
    first.kill()
    first.wait()
    assert pool.schedule(photo).result()
    assert process_of(pool).pid != first.pid


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory")
def test_an_image_that_takes_too_much_memory_is_a_failure(tmp_path: Path, photo: ReadTask) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (9000, 10_000)).save(path)
    limits = Limits(memory_bytes=200 << 20)
    with ReadPool(1, limits) as pool:
        with pytest.raises(DecodeFailure, match="more than 200.0 MiB of memory"):
            pool.schedule(ReadTask(str(path), "image", SPEC, limits)).result()
        pid = process_of(pool).pid
        assert pool.schedule(photo).result()
        assert process_of(pool).pid == pid  # it lived on


def test_a_worker_is_light(pool: ReadPool, photo: ReadTask) -> None:
    pool.schedule(photo).result()
    pid = process_of(pool).pid
    mapped = Path(f"/proc/{pid}/maps")
    if not mapped.exists():
        pytest.skip("only Linux tells what a process has loaded")
    loaded = mapped.read_text()
    for heavy in ("torch", "faiss", "sqlalchemy", "sqlite"):
        assert heavy not in loaded
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 100 << 20


def test_a_worker_goes_past_the_doors_of_the_packages() -> None:
    from indexer.workers import _BOOTSTRAP

    show = "import sys; print(*sorted(sys.modules))"
    code = _BOOTSTRAP.replace("serve()", show)
    run = subprocess.run(
        [sys.executable, "-P", "-c", code, *sys.path], capture_output=True, text=True
    )
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert "indexer" in loaded, run.stderr
    assert not loaded & {"torch", "transformers", "open_clip", "faiss", "sqlalchemy", "alembic"}


def test_leaving_by_an_error_stops_at_once_and_cancels_the_rest(photo: ReadTask) -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), ReadPool(1, LIMITS) as pool:
        pool.schedule(photo).result()
        hang = pool.schedule(Poison(time.sleep, 600))
        waiting = pool.schedule(photo)
        while not hang.running():
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert time.monotonic() - start < 10
    for future in (hang, waiting):
        with pytest.raises(CancelledError):
            future.result(timeout=5)


def test_leaving_normally_finishes_what_was_scheduled(photo: ReadTask) -> None:
    with ReadPool(1, LIMITS) as pool:
        futures = [pool.schedule(photo) for _ in range(3)]
    assert all(future.done() for future in futures)


def test_workers_that_cannot_start_are_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, photo: ReadTask
) -> None:
    monkeypatch.setattr("indexer.workers._BOOTSTRAP", "import no_such_module")
    with ReadPool(1, LIMITS) as pool, pytest.raises(SightlineError) as caught:
        pool.schedule(photo).result()
    assert type(caught.value) is SightlineError
    assert "No module named 'no_such_module'): check the installation" in str(caught.value)


def test_a_worn_process_is_replaced(monkeypatch: pytest.MonkeyPatch, photo: ReadTask) -> None:
    monkeypatch.setattr("indexer.workers._TASKS_PER_PROCESS", 2)
    with ReadPool(1, LIMITS) as pool:
        pids = []
        for _ in range(3):
            pool.schedule(photo).result()
            pids.append(process_of(pool).pid)
    assert pids[0] == pids[1] != pids[2]


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a thing of POSIX")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path, photo: ReadTask) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys, time\n"
        "sys.path[:] = sys.argv[2:]\n"
        "from indexer.images.limits import Limits\n"
        "from indexer.models.protocols import ImageSpec\n"
        "from indexer.reader import ReadTask\n"
        "from indexer.workers import ReadPool\n"
        "spec = ImageSpec(64, (0.5,) * 3, (0.5,) * 3)\n"
        "pool = ReadPool(1, Limits())\n"  # no guard: workers do not run the caller's script again
        "pool.schedule(ReadTask(sys.argv[1], 'image', spec, Limits())).result()\n"
        "print(pool._workers[0]._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, str(script), photo.path, *sys.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _alive(worker):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_forked_meanwhile_does_not_keep_the_workers_alive(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    script = f"""
import os, time
from indexer.images.limits import Limits
from indexer.models.protocols import ImageSpec
from indexer.reader import ReadTask
from indexer.workers import ReadPool
spec = ImageSpec(8, (0.5,) * 3, (0.5,) * 3)
pool = ReadPool(1, Limits())
print(pool.schedule(ReadTask({str(path)!r}, "image", spec, Limits())).result().hash[:0], end="")
child = os.fork()
if not child:
    time.sleep(60)
began = time.monotonic()
pool.close()
print(time.monotonic() - began < 30)
os.kill(child, 9)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


LIE = (
    "(setattr(__import__('sys').modules['indexer.shared_memory'].SharedMemory, 'dumps', "
    "lambda self, answer: __import__('pickle').dumps((1 << 40,))), task)[1]"
)


def test_an_answer_that_names_memory_it_has_not_costs_one_file(
    pool: ReadPool, photo: ReadTask
) -> None:
    pool.schedule(photo).result()
    first = process_of(pool)
    lie = pool.schedule(Poison(eval, LIE, {"task": photo}))
    with pytest.raises(DecodeFailure, match="the decoder crashed on it"):
        lie.result()
    assert isinstance(pool.schedule(photo).result().content, ImageContent)
    assert process_of(pool).pid != first.pid


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists what is open")
def test_a_replaced_process_leaves_no_memory_open(
    monkeypatch: pytest.MonkeyPatch, photo: ReadTask
) -> None:
    monkeypatch.setattr("indexer.workers._TASKS_PER_PROCESS", 1)
    before = len(os.listdir("/proc/self/fd"))
    with ReadPool(1, LIMITS) as pool:
        counts = set()
        for _ in range(4):
            pool.schedule(photo).result()
            counts.add(len(os.listdir("/proc/self/fd")))
            process_of(pool).kill()
    assert len(counts) == 1
    assert len(os.listdir("/proc/self/fd")) == before
