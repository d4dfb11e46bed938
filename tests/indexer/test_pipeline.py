"""The line ends in good order however it is ended."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import pytest

from indexer import IndexConfig
from indexer.changes import Changed
from indexer.encode import Arrival, EncodeStage
from indexer.ingest import Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import Pixels
from indexer.pipeline import Pipeline
from indexer.reader import FileContent, ReadTask
from indexer.workers import ReadPool
from indexer.writer import Event, Writer
from storage import Library, Matrix


class Slow(FakeEncoder):
    """Takes its time for a batch, and says when it has begun."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.encoded = 0
        self._seconds = seconds

    def encode_images(self, pixels: Pixels) -> Matrix:
        self.begun.set()
        time.sleep(self._seconds)
        self.encoded += len(pixels)
        return super().encode_images(pixels)


def press_ctrl_c(times: int, begun: threading.Event) -> threading.Thread:
    def press() -> None:
        begun.wait(30)
        for _ in range(times):
            time.sleep(0.3)
            signal.raise_signal(signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    return presser


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_during_the_last_batch_waits_for_it_before_the_lock_goes(
    library: Library, photos: Path, times: int
) -> None:
    encoder = Slow(3.0)
    presser = press_ctrl_c(times, encoder.begun)
    with pytest.raises(KeyboardInterrupt):
        Indexer(library, encoder, IndexConfig(paths=(str(photos),), workers=1)).run()
    presser.join()
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"_encode", "_write"}
    assert library.status().items == encoder.encoded > 0  # nothing encoded was thrown away
    with library.writing("index"):
        pass


def test_an_error_of_the_watcher_stops_the_run_and_leaves_no_thread(
    library: Library, photos: Path
) -> None:
    def complain(progress: object) -> None:
        raise RuntimeError("nobody is watching")

    with pytest.raises(RuntimeError, match="nobody"):
        Indexer(
            library, FakeEncoder(), IndexConfig(paths=(str(photos),), workers=1), complain
        ).run()
    assert not {thread.name for thread in threading.enumerate()} & {"_encode", "_write", "census"}


def test_every_stage_is_timed(library: Library, photos: Path) -> None:
    config = IndexConfig(paths=(str(photos),), workers=1)
    report = Indexer(library, FakeEncoder(), config).run()
    stages = dict(report.stages)
    assert set(stages) == {"scan", "read", "hash", "decode", "encode", "write", "wait"}
    assert all(seconds > 0 for seconds in stages.values())
    assert stages["hash"] + stages["decode"] == pytest.approx(stages["read"])


class HandPool:
    """A pool whose tasks are done when the test says so."""

    busy_seconds = 0.0

    def __init__(self) -> None:
        self.futures: list[Future[FileContent]] = []

    def schedule(self, task: object) -> "Future[FileContent]":
        self.futures.append(Future())
        return self.futures[-1]

    def finish(self, *numbers: int) -> None:
        for number in numbers:
            self.futures[number].set_result(FileContent(f"{number:064x}", 1, None))

    def stop(self) -> None:
        """End at once: nothing runs here."""


class HandStage:
    """An encode stage that is as slow as the test wants, of images of ten megabytes."""

    most = batch_size = 4
    image_bytes = 10 << 20

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = threading.Semaphore(0)
        self.in_flight: dict[str, set[str]] = {"image": set(), "text": set()}

    def events(self, arrivals: Sequence[Arrival]) -> Iterator[Event]:
        reads = [arrival.read for arrival in arrivals]
        self.batches.append([int(read.hash, 16) for read in reads if isinstance(read, FileContent)])
        assert self.go.acquire(timeout=30)
        yield from ()


class NoWriter:
    def commit(self, events: Sequence[Event]) -> None:
        """Write nothing."""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def by_hand(pool: HandPool, stage: HandStage, most_reading: int) -> Pipeline:
    read_pool, encoding, writer = cast(ReadPool, pool), cast(EncodeStage, stage), NoWriter()
    return Pipeline(read_pool, encoding, cast(Writer, writer), most_reading, lambda: None)


IMAGE = cast(Changed, type("AnImage", (), {"kind": "image"})())
TASK = cast(ReadTask, None)


def test_the_encoder_takes_what_is_there_and_waits_for_no_more() -> None:
    pool, stage = HandPool(), HandStage()
    with by_hand(pool, stage, most_reading=8) as pipeline:
        for _ in range(9):
            pipeline.read(IMAGE, TASK)
        pool.finish(0)
        until(lambda: stage.batches == [[0]])  # eight others are still being read
        pool.finish(3, 1, 2, 5, 4, 6)
        stage.go.release()
        until(lambda: len(stage.batches) == 2)
        stage.go.release()
        until(lambda: len(stage.batches) == 3)
        pool.finish(7, 8)
        stage.go.release(2)
    assert stage.batches == [[0], [3, 1, 2, 5], [4, 6], [7, 8]]
    assert pipeline.stages["wait"] > 0


def test_what_waits_for_the_encoder_is_bounded_in_bytes() -> None:
    pool, stage = HandPool(), HandStage()
    with by_hand(pool, stage, most_reading=1) as pipeline:

        def feed() -> None:
            for _ in range(12):
                pipeline.read(IMAGE, TASK)

        feeder = threading.Thread(target=feed)
        feeder.start()
        until(lambda: len(pool.futures) == 5)  # a batch, and one that is being read
        time.sleep(0.1)
        assert len(pool.futures) == 5
        pool.finish(0, 1, 2)
        until(lambda: len(pool.futures) == 8)
        stage.go.release(12)
        for number in range(3, 12):
            until(lambda last=number: len(pool.futures) > last)  # type: ignore[misc]
            pool.finish(number)
        feeder.join()
    assert sorted(sum(stage.batches, [])) == list(range(12))
