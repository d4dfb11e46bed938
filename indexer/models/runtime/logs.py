"""The suppression of libraries' logs while one thread loads and runs a model."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def muted(library: str) -> Iterator[None]:
    """Drop what this thread logs under the name of a library while the block runs.

    The loggers' levels belong to the whole process and stay as they are; each block has a filter
    of its own, so that blocks of several threads leave nothing behind in any order.
    """
    thread = threading.get_ident()

    def wanted(record: logging.LogRecord) -> bool:
        ours = record.name == library or record.name.startswith(f"{library}.")
        return not (ours and record.thread == thread)

    with ExitStack() as stack:
        for handler in _handlers(library):
            handler.addFilter(wanted)
            stack.callback(handler.removeFilter, wanted)
        yield


def _handlers(library: str) -> list[logging.Handler]:
    """List the handlers that a record of the library comes to, as `Logger.callHandlers` does."""
    found: list[logging.Handler] = [logging.lastResort] if logging.lastResort else []
    logger: logging.Logger | None = logging.getLogger(library)
    while logger is not None:
        found += logger.handlers
        logger = logger.parent if logger.propagate else None
    return found
