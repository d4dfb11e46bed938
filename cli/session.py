"""A library opened for one command; what was repaired on the way is told at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cli import wiring
from cli.output.render import tell
from cli.settings import Settings
from indexer.cpu import limit_threads
from storage import Library
from storage.errors import LibraryReadOnly


@contextmanager
def session(settings: Settings, create: bool = False) -> Iterator[Library]:
    """Open the library of the settings, or begin it; close it and tell its notices."""
    limit_threads(os.environ)
    with wiring.open_library(settings, create) as library:
        try:
            yield library
        except LibraryReadOnly:
            library.notices.clear()  # that it is only read is the error now
            raise
        finally:
            for notice in dict.fromkeys(library.notices):
                tell(notice)
