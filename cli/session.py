"""A library opened for one command; what was repaired on the way is told at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli import wiring
from cli.render import tell
from cli.settings import Settings
from storage import Library


@contextmanager
def session(settings: Settings, create: bool = False) -> Iterator[Library]:
    """Open the library of the settings, or begin it; close it and tell its notices."""
    with wiring.open_library(settings, create) as library:
        try:
            yield library
        finally:
            for notice in dict.fromkeys(library.notices):
                tell(notice)
