"""Worker processes that read files, so that a hostile file costs itself and nothing else.

Each worker is a fresh interpreter that takes tasks on its standard input and answers on its
standard output, kept by one thread of this process. A worker that crashes, hangs or eats memory
is killed and replaced, and only the file it was reading fails. Workers share nothing with each
other and inherit neither locks nor files; they end when their input does, so also when this
process is killed.
"""

import csv
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from queue import SimpleQueue
from threading import Thread, Timer
from typing import IO, Any, Self, TypeVar

from indexer.images.decode import configure_decoders
from indexer.images.limits import Limits
from indexer.images.task import Task
from storage.errors import DecodeFailure, FileFailure, Hint, SightlineError

_START_SECONDS = 60.0  # for the imports, on a machine that is busy or has a slow disk
_TASKS_PER_PROCESS = 5_000  # then a fresh one, whatever a decoder may have leaked
_NICENESS = 5  # the encoder's threads go first: where both want the processor, it is the slower
_LAST_SECONDS = 2.0  # for a process to end after its pipe closed
_LONGEST_CELL = (1 << 31) - 1  # characters; the csv module takes no more everywhere
_ORPHAN_SECONDS = 10  # a worker without a parent gives up so long after its time limit

# Past the doors of the packages: a worker needs `storage.errors` and no database.
_BOOTSTRAP = """
import sys
import time
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
sys.path[:] = sys.argv[1:]
for name in ("storage", "indexer"):
    sys.modules[name] = module_from_spec(PathFinder.find_spec(name))
from indexer.workers import serve
serve()
"""
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)

T = TypeVar("T")
_Job = tuple[Task[Any], "Future[Any]"]


@dataclass(frozen=True, slots=True)
class _Done:
    result: object


class ReadPool:
    """Reads files in `workers` processes under `limits`; a context manager.

    Leaving the block normally waits for what was scheduled; leaving it by an exception kills
    the workers and cancels what was not begun. Processes are started by the first tasks.
    """

    def __init__(self, workers: int, limits: Limits, work: str = "indexer.reader") -> None:
        """Take the module of the tasks, which is imported before memory is bounded."""
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._stopping = False
        self._workers = [_Worker(limits, work) for _ in range(workers)]
        self._keepers = [
            Thread(target=self._keep, args=(worker,), name=f"reader-{number}", daemon=True)
            for number, worker in enumerate(self._workers)
        ]
        for keeper in self._keepers:
            keeper.start()

    def schedule(self, task: Task[T]) -> "Future[T]":
        """Queue a task; the future yields its result or raises a FileFailure.

        Any other SightlineError means that workers cannot run at all on this machine.
        """
        future: Future[T] = Future()
        self._jobs.put((task, future))
        return future

    def close(self) -> None:
        """Finish what was scheduled and end the workers."""
        for _ in self._keepers:
            self._jobs.put(None)
        for keeper in self._keepers:
            keeper.join()

    def stop(self) -> None:
        """End the workers now; what was not finished is cancelled."""
        self._stopping = True
        for worker in self._workers:
            worker.kill()
        self.close()

    @property
    def busy_seconds(self) -> float:
        """Seconds that the workers together spent on tasks."""
        return sum(worker.busy_seconds for worker in self._workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.close()
        else:
            self.stop()

    def _keep(self, worker: "_Worker") -> None:
        """Hand one worker its tasks, one at a time, until there are no more."""
        while (job := self._jobs.get()) is not None:
            task, future = job
            if self._stopping:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            began = time.monotonic()
            try:
                answer: _Done | Exception = worker.ask(task)
            except Exception as error:  # whatever happened, someone waits for this future
                answer = error
            worker.busy_seconds += time.monotonic() - began
            if isinstance(answer, _Done):
                future.set_result(answer.result)
            else:  # killed by `stop`, a file is not broken
                future.set_exception(CancelledError() if self._stopping else answer)
        worker.end()


class _Worker:
    """One process at a time, replaced when it dies or has done its share."""

    def __init__(self, limits: Limits, work: str) -> None:
        self._limits, self._work = limits, work
        self.busy_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def ask(self, task: Task[object]) -> _Done | SightlineError:
        """Do a task; a failure is returned, not raised."""
        request = pickle.dumps(task)
        process = self._ready()
        self._asked += 1
        answer = self._exchange(process, request, task.seconds)
        if isinstance(answer, _Done | FileFailure):
            return answer
        if answer is TimeoutError:
            return DecodeFailure(task.limits.too_long())
        code = self._last_word(process)
        return DecodeFailure(f"the decoder crashed on it ({_death(code)})")

    def _last_word(self, process: "subprocess.Popen[bytes]") -> int:
        """Return the exit code of a process that is to end, and kill it where it does not."""
        try:
            return process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self) -> None:
        """End the process at once, if there is one; safe from any thread."""
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End the process's input, and clean up after it."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):  # a dead process's pipe may hold bytes it never read
                    pipe.close()  # type: ignore[union-attr]
            # A process that was forked off meanwhile holds the other end of the input open.
            self._last_word(self._process)
            self._process = None

    def _ready(self) -> "subprocess.Popen[bytes]":
        """Return a living process, started now if need be."""
        if self._process is not None:
            if self._process.poll() is None and self._asked < _TASKS_PER_PROCESS:
                return self._process
            self.end()
        self._process, self._asked = _start(), 0
        begin = pickle.dumps((self._limits, self._work))
        if self._exchange(self._process, begin, _START_SECONDS) != _Done("ready"):
            raise self._stillborn()
        assert self._process.stderr is not None
        self._process.stderr.close()  # a started worker has nothing more to say there
        return self._process

    def _exchange(
        self, process: "subprocess.Popen[bytes]", request: bytes, seconds: float
    ) -> object:
        """Send a request and wait for the answer: TimeoutError if late, EOFError if none comes."""
        assert process.stdin is not None and process.stdout is not None
        late: list[bool] = []
        watch = Timer(seconds, _put_down, (process, late))
        watch.daemon = True
        watch.start()
        try:
            process.stdin.write(request)
            process.stdin.flush()
            return pickle.load(process.stdout)
        except Exception:  # cut short or garbled: either way the process is of no more use
            return TimeoutError if late else EOFError
        finally:
            watch.cancel()
            watch.join()
            if late:  # even where the answer came just in time, the process is dying
                self._asked = _TASKS_PER_PROCESS

    def _stillborn(self) -> SightlineError:
        process = self._process
        assert process is not None and process.stderr is not None
        process.kill()
        said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        process.stderr.close()
        last = said[-1] if said else _death(process.wait())
        return SightlineError(
            f"the processes that read files cannot start ({last}): check the installation",
            hint=Hint("check installation"),
        )


def _start() -> "subprocess.Popen[bytes]":
    # -P keeps the current folder, which may hold anything, off the import path. A process group
    # of its own keeps Ctrl-C for this process, which then stops its workers in good order.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _BOOTSTRAP, *(path or os.getcwd() for path in sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
        process_group=0,
    )


def _put_down(process: "subprocess.Popen[bytes]", late: list[bool]) -> None:
    late.append(True)
    process.kill()


def _death(code: int) -> str:
    if code == -9:
        return "killed: perhaps the machine ran out of memory"
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"


def serve() -> None:
    """Answer tasks from standard input until it ends; the whole life of a worker process."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    limits, work = pickle.load(requests)
    import_module(work)
    _settle(limits)
    _send(answers, _Done("ready"), limits)
    while True:
        try:
            task: Task[object] = pickle.load(requests)
        except EOFError:
            return
        if hasattr(signal, "alarm"):  # a worker in mid-decode would not notice a parent's death
            signal.alarm(int(task.seconds) + _ORPHAN_SECONDS)
        _send(answers, _outcome(task), task.limits)
        if hasattr(signal, "alarm"):
            signal.alarm(0)


def _send(answers: IO[bytes], answer: object, limits: Limits) -> None:
    try:
        written = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        written = pickle.dumps(DecodeFailure(limits.too_much_memory()), pickle.HIGHEST_PROTOCOL)
    answers.write(written)
    answers.flush()


def _outcome(task: Task[object]) -> _Done | FileFailure:
    try:
        return _Done(task.run())
    except FileFailure as failure:
        return failure.wrapped()  # its traceback would hold on to the picture
    except Exception as error:
        return DecodeFailure(f"it could not be read ({type(error).__name__}: {error})")


def _settle(limits: Limits) -> None:
    """Bound what this process may take, and turn what codecs print away from the answers."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_decoders()
    warnings.simplefilter("ignore")  # Pillow has one for each odd tag, and nobody reads them here
    # Of this process alone, which ends with its work: a long cell is no broken one.
    csv.field_size_limit(min(limits.text_bytes, _LONGEST_CELL))
    if os.name == "posix":
        os.nice(_NICENESS)
        _limit_memory(limits.memory_bytes)


def _limit_memory(allowance: int) -> None:
    """Limit the address space to `allowance` bytes more than now; only Linux tells where it is."""
    import resource  # there is no such module on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[0])
        most = pages * resource.getpagesize() + allowance
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
