"""The line ends in good order however it is ended."""

import signal
import threading
import time
from pathlib import Path

import pytest

from indexer import IndexConfig, Indexer
from indexer.models.networks.fake import FakeEncoder
from indexer.models.protocols import Pixels
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
