"""A library is muted for one thread, and its loggers stay as they are."""

import logging
from collections.abc import Iterator
from threading import Thread

import pytest

from indexer.models.runtime.logs import muted


class Heard(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What comes to the handler of a library `noisy`."""
    handler, logger = Heard(), logging.getLogger("noisy")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_a_library_and_what_is_below_it_say_nothing_in_the_block(heard: Heard) -> None:
    with muted("noisy"):
        logging.getLogger("noisy").error("one")
        logging.getLogger("noisy.deep.down").critical("two")
        logging.getLogger("noisy.deep.down").error("two again")
    logging.getLogger("noisy.deep").error("three")
    assert heard.said == ["three"]


def test_other_threads_are_heard(heard: Heard) -> None:
    with muted("noisy"):
        other = Thread(target=lambda: logging.getLogger("noisy").error("from another thread"))
        other.start()
        other.join()
    assert heard.said == ["from another thread"]


def test_other_libraries_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    with muted("noisy"):
        logging.getLogger("noisy").error("ours")
        logging.getLogger("noisybody").error("theirs")
    assert caplog.messages == ["theirs"]


def test_blocks_that_overlap_leave_nothing_behind(heard: Heard) -> None:
    levels = [logging.getLogger(name).level for name in ("noisy", "noisy.deep")]
    first, second = muted("noisy"), muted("noisy")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    with pytest.raises(RuntimeError), muted("noisy"):
        raise RuntimeError
    assert heard.filters == []
    assert [logging.getLogger(name).level for name in ("noisy", "noisy.deep")] == levels
