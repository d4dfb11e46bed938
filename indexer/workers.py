"""Worker processes that read files, so that a hostile file can fail only itself.

Each worker is a fresh interpreter that reads tasks from its standard input and writes answers to
its standard output, their pixels into `indexer.shared_memory`; one thread of this process manages
it. A worker that crashes, hangs or takes too much memory is killed and replaced, and only the file
it was reading fails. Workers share nothing with each other and inherit neither locks nor other
files; they end when their input is closed, so also when this process is killed.
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
from indexer.shared_memory import SharedMemory
from storage.errors import DecodeFailure, FileFailure, Hint, SightlineError

_START_SECONDS = 60.0  # for the imports, on a busy machine or a slow disk
_TASKS_PER_PROCESS = 5_000  # then the process is replaced: a decoder may leak memory
_NICENESS = 5  # below the encoder's threads, which are the slower stage
_LAST_SECONDS = 2.0  # for a process to end after its pipe is closed
_LONGEST_CELL = (1 << 31) - 1  # characters; the csv module's limit on some platforms
_ORPHAN_SECONDS = 10  # a worker without a parent ends so long after its time limit

# Skips the packages' `__init__`: a worker needs `storage.errors` but no database.
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
    """A pool of `workers` processes that run tasks under `limits`; a context manager.

    Leaving the block normally waits for all scheduled tasks; leaving it by an exception kills
    the workers and cancels the waiting tasks. Processes are started by the first tasks.
    """

    def __init__(self, workers: int, limits: Limits, work: str = "indexer.reader") -> None:
        """Create a pool; `work` is the tasks' module, imported before memory is limited."""
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
        """Finish the scheduled tasks and end the workers."""
        for _ in self._keepers:
            self._jobs.put(None)
        for keeper in self._keepers:
            keeper.join()

    def stop(self) -> None:
        """Kill the workers; unfinished tasks are cancelled."""
        self._stopping = True
        for worker in self._workers:
            worker.kill()
        self.close()

    @property
    def busy_seconds(self) -> float:
        """Return the seconds that all workers together spent on tasks."""
        return sum(worker.busy_seconds for worker in self._workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.close()
        else:
            self.stop()

    def _keep(self, worker: "_Worker") -> None:
        """Pass tasks to one worker, one at a time, until there are no more."""
        while (job := self._jobs.get()) is not None:
            task, future = job
            if self._stopping:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                answer: _Done | Exception = worker.ask(task)
            except Exception as error:  # in any case someone waits for this future
                answer = error
            if isinstance(answer, _Done):
                future.set_result(answer.result)
            else:  # a worker killed by `stop` does not mean a broken file
                future.set_exception(CancelledError() if self._stopping else answer)
        worker.end()


class _Worker:
    """One process at a time, replaced when it dies or after `_TASKS_PER_PROCESS` tasks."""

    def __init__(self, limits: Limits, work: str) -> None:
        self._limits, self._work = limits, work
        self.busy_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._memory = SharedMemory(None)
        self._asked = 0

    def ask(self, task: Task[object]) -> _Done | SightlineError:
        """Run a task in the process; a failure is returned, not raised."""
        request = pickle.dumps(task)
        process = self._ready()
        self._asked += 1
        began = time.monotonic()  # starting a process is no work on a file
        answer = self._exchange(process, request, task.seconds)
        self.busy_seconds += time.monotonic() - began
        if isinstance(answer, _Done | FileFailure):
            return answer
        if answer is TimeoutError:
            return DecodeFailure(task.limits.too_long())
        code = self._last_word(process)
        return DecodeFailure(f"the decoder crashed on it ({_death(code)})")

    def _last_word(self, process: "subprocess.Popen[bytes]") -> int:
        """Return the exit code of a process that should end; kill it if it does not."""
        try:
            return process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self) -> None:
        """Kill the process, if there is one; safe from any thread."""
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """Close the process's input and wait for it to end."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):  # a dead process's pipe may hold bytes it never read
                    pipe.close()  # type: ignore[union-attr]
            # A process forked meanwhile may hold the other end of the input open.
            self._last_word(self._process)
            self._process = None
            self._memory.close()

    def _ready(self) -> "subprocess.Popen[bytes]":
        """Return a running process, started now if necessary."""
        if self._process is not None:
            if self._process.poll() is None and self._asked < _TASKS_PER_PROCESS:
                return self._process
            self.end()
        self._memory.close()
        self._memory = SharedMemory.create()
        self._process, self._asked = _start(self._memory), 0
        begin = pickle.dumps((self._limits, self._work, self._memory.descriptor))
        if self._exchange(self._process, begin, _START_SECONDS) != _Done("ready"):
            raise self._stillborn()
        assert self._process.stderr is not None
        self._process.stderr.close()  # only used for errors at the start
        return self._process

    def _exchange(
        self, process: "subprocess.Popen[bytes]", request: bytes, seconds: float
    ) -> object:
        """Send a request and return the answer, TimeoutError if late, EOFError if none came."""
        assert process.stdin is not None and process.stdout is not None
        late: list[bool] = []
        watch = Timer(seconds, _put_down, (process, late))
        watch.daemon = True
        watch.start()
        try:
            process.stdin.write(request)
            process.stdin.flush()
            return self._memory.load(process.stdout)
        except Exception:  # cut short or garbled: the process cannot be used any more
            return TimeoutError if late else EOFError
        finally:
            watch.cancel()
            watch.join()
            if late:  # even if the answer came just in time, the process was killed
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


def _start(memory: SharedMemory) -> "subprocess.Popen[bytes]":
    # -P keeps the current folder, which is untrusted, off the import path. In a process group of
    # its own a worker does not receive Ctrl-C: this process stops it in order.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _BOOTSTRAP, *(path or os.getcwd() for path in sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **_ONE_THREAD},
        process_group=0,
        pass_fds=() if memory.descriptor is None else (memory.descriptor,),
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
    """Run tasks from standard input until it ends: the main function of a worker process."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    limits, work, descriptor = pickle.load(requests)
    memory = SharedMemory(descriptor)
    import_module(work)
    _restrict_process(limits)
    _send(answers, memory, _Done("ready"), limits)
    while True:
        try:
            task: Task[object] = pickle.load(requests)
        except EOFError:
            return
        if hasattr(signal, "alarm"):  # a decoding worker would not notice that its parent died
            signal.alarm(int(task.seconds) + _ORPHAN_SECONDS)
        _send(answers, memory, _outcome(task), task.limits)
        if hasattr(signal, "alarm"):
            signal.alarm(0)


def _send(answers: IO[bytes], memory: SharedMemory, answer: object, limits: Limits) -> None:
    try:
        written = memory.dumps(answer)
    except MemoryError:
        written = memory.dumps(DecodeFailure(limits.too_much_memory()))
    answers.write(written)
    answers.flush()


def _outcome(task: Task[object]) -> _Done | FileFailure:
    try:
        return _Done(task.run())
    except FileFailure as failure:
        return failure.wrapped()  # its traceback would keep the image in memory
    except Exception as error:
        return DecodeFailure(f"it could not be read ({type(error).__name__}: {error})")


def _restrict_process(limits: Limits) -> None:
    """Limit the memory of this process, and keep codecs' output out of the answers."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_decoders()
    warnings.simplefilter("ignore")  # Pillow warns about each odd tag, and nobody reads it here
    # Only in this process: a long cell is not a broken one.
    csv.field_size_limit(min(limits.text_bytes, _LONGEST_CELL))
    if os.name == "posix":
        os.nice(_NICENESS)
        _limit_memory(limits.memory_bytes)


def _limit_memory(allowance: int) -> None:
    """Limit the address space to `allowance` bytes above the current size, known on Linux only."""
    import resource  # there is no such module on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[0])
        most = pages * resource.getpagesize() + allowance
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
