"""The pipeline from reading to writing: bounded queues, one encoder and one writer thread."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from queue import Empty, Full, Queue
from typing import Self, TypeVar

from indexer.byte_budget import ByteBudget
from indexer.changes import Changed
from indexer.encode import Arrival, EncodeStage
from indexer.reader import FileContent, ReadTask
from indexer.workers import ReadPool
from indexer.writer import (
    COMMIT_SECONDS,
    Event,
    ImageDone,
    PassagesDone,
    Writer,
)

T = TypeVar("T")
_MOST_EVENTS = 512  # of one commit
_MOST_BYTES = 32 << 20  # of what is being read and waits for the encoder
_EXTRA_BYTES = 64 << 10  # of each file: its thumbnail, its metadata, its task
_LONG_TEXT_BYTES = 1 << 20  # only `_LONG_TEXTS` texts above this size are in memory at a time
_LONG_TEXTS = 3
_TICK = 0.2  # seconds between checks whether another thread failed


class Pipeline:
    """Passes files from the worker processes through the encoder into the catalogue.

        read() ──► ReadPool ──► arrivals ──► encoder thread ──► events ──► writer thread
           └ waits for bytes               └ frees the bytes      ▲
        put() ────────────────────────────────────────────────────┘ waits while events is full

    The encoder takes what is there and waits only where nothing is. None in a queue ends its
    thread; the encoder puts it back, since it may meet it within a batch.
    As a context manager: at the end of the block everything taken in is committed; if the block
    raises, encoded contents are committed, the rest is dropped and the workers are stopped. An
    error of a thread is raised in the block.
    """

    def __init__(
        self,
        pool: ReadPool,
        encoding: EncodeStage,
        writer: Writer,
        most_reading: int,
        committed: Callable[[], None],
    ) -> None:
        self._pool, self._encoding, self._writer = pool, encoding, writer
        self._committed = committed
        self._image_bytes = encoding.image_bytes + _EXTRA_BYTES
        least = (most_reading + encoding.most) * self._image_bytes
        self._budget = ByteBudget(max(least, _MOST_BYTES))
        self._long_texts = threading.Semaphore(_LONG_TEXTS)
        # The budget bounds the arrivals; the events, a thumbnail at most, are bounded here.
        self._arrivals: Queue[Arrival | None] = Queue()
        self._events: Queue[Event | None] = Queue(maxsize=2 * encoding.most)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._threads = [self._thread(self._encode), self._thread(self._write)]
        # Busy seconds, and as "wait" those that the encoder had nothing to do.
        self.stages: defaultdict[str, float] = defaultdict(float)

    def read(self, change: Changed, task: ReadTask) -> None:
        """Send a file to be read; waits while enough are on their way."""
        weight = self._weight(change)
        while not self._budget.acquire(weight, _TICK):
            self._check()
        while _is_long(change) and not self._long_texts.acquire(timeout=_TICK):
            self._check()

        def arrived(future: "Future[FileContent]") -> None:
            self._arrivals.put(_arrival(change, future, weight))

        self._pool.schedule(task).add_done_callback(arrived)

    def put(self, event: Event) -> None:
        """Send an event that needs no reading directly to the writer."""
        self._send(self._events, event)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._close(stop=True)
            return
        try:
            self._drain()
            self._close(stop=False)
        except BaseException:
            self._close(stop=True)
            raise
        self._check()

    def _drain(self) -> None:
        while not self._budget.wait_until_empty(_TICK):  # the encoder has not taken every arrival
            self._check()

    def _weight(self, change: Changed) -> int:
        """Return the bytes that a file is expected to take while it waits for the encoder."""
        if change.kind == "image":
            return self._image_bytes
        return _EXTRA_BYTES + min(change.seen.size, _LONG_TEXT_BYTES)

    def _close(self, stop: bool) -> None:
        if stop:
            self._stop.set()
            self._pool.stop()
        encoder, writer = self._threads
        self._arrivals.put(None)
        _join(encoder, patiently=stop)
        while writer.is_alive():
            try:
                self._events.put(None, timeout=_TICK)
                break
            except Full:
                continue
        _join(writer, patiently=stop)
        self.stages["read"] = self._pool.busy_seconds
        self.stages["decode"] = max(0.0, self.stages["read"] - self.stages["hash"])

    def _encode(self) -> None:
        while (batch := self._gather()) is not None:
            began = time.monotonic()
            for event in self._encoding.events(batch):
                self.stages["encode"] += time.monotonic() - began
                self._send(self._events, event)
                if self._stop.is_set() and isinstance(event, PassagesDone):
                    return  # a long document may stay unfinished; a batch of images is complete
                began = time.monotonic()
            self.stages["encode"] += time.monotonic() - began
            for arrival in batch:
                if _is_long(arrival.change):
                    self._long_texts.release()

    def _gather(self) -> list[Arrival] | None:
        """Wait for arrivals and return up to a batch of them; None at the end."""
        batch: list[Arrival] = []
        began = time.monotonic()
        arrival = self._arrivals.get()
        self.stages["wait"] += time.monotonic() - began
        while arrival is not None and not self._stop.is_set():
            self._budget.release(arrival.weight)
            batch.append(arrival)
            if isinstance(arrival.read, FileContent):
                self.stages["hash"] += arrival.read.hash_seconds
            if len(batch) >= self._encoding.batch_size or self._arrivals.empty():
                return batch
            arrival = self._arrivals.get()  # no other thread takes any
        self._arrivals.put(None)  # for the next call
        return batch if batch and not self._stop.is_set() else None

    def _write(self) -> None:
        ended = False
        while not ended:
            events, ended = self._gather_events()
            if events:
                began = time.monotonic()
                self._writer.commit(events)
                self.stages["write"] += time.monotonic() - began
                self._release_committed(events)
                self._committed()

    def _gather_events(self) -> tuple[list[Event], bool]:
        events: list[Event] = []
        deadline = None
        while len(events) < _MOST_EVENTS:
            wait = None if deadline is None else deadline - time.monotonic()
            try:
                event = self._events.get(timeout=wait if wait is None else max(0.0, wait))
            except Empty:
                break
            if event is None:
                return events, True
            events.append(event)
            deadline = deadline or time.monotonic() + COMMIT_SECONDS
        return events, False

    def _release_committed(self, events: list[Event]) -> None:
        """Remove committed contents from `in_flight`: the encoder now finds them stored."""
        for event in events:
            if isinstance(event, ImageDone):
                self._encoding.in_flight["image"].discard(event.content.hash)
            elif isinstance(event, PassagesDone):
                hashes = {content.hash for content in event.contents}
                self._encoding.in_flight["text"] -= hashes

    def _send(self, queue: "Queue[T]", thing: T) -> None:
        while True:
            self._check()
            try:
                queue.put(thing, timeout=_TICK)
            except Full:
                continue
            return

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._error = self._error or error
                self._stop.set()

        return threading.Thread(target=guarded, name=work.__name__, daemon=True)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error


def _is_long(change: Changed) -> bool:
    return change.kind != "image" and change.seen.size > _LONG_TEXT_BYTES


def _join(thread: threading.Thread, patiently: bool) -> None:
    """Wait for a thread; `patiently` ignores Ctrl-C, since it must end before the lock is freed."""
    while thread.is_alive():
        try:
            thread.join()
        except KeyboardInterrupt:
            if not patiently:
                raise


def _arrival(change: Changed, future: "Future[FileContent]", weight: int) -> Arrival | None:
    try:
        return Arrival(change, future.result(), weight)
    except CancelledError:  # the pipeline is being stopped
        return None
    except Exception as error:
        return Arrival(change, error, weight)
