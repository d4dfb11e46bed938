"""A library opened for one command; what was repaired on the way is told at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cli.output.progress import ExportSteps
from cli.output.render import write_notice
from cli.settings import Settings
from indexer.cpu import limit_threads
from indexer.models.compiled.loader import ModelLoader
from sightline import Sightline
from storage import Library
from storage.errors import LibraryReadOnly


@contextmanager
def session(settings: Settings, create: bool = False) -> Iterator[Sightline]:
    """Open the library of the settings, or begin it; close it and tell its notices."""
    limit_threads(os.environ)
    with (Library.open_or_create if create else Library.open)(settings.library) as library:
        try:
            yield _app(settings, library)
        except LibraryReadOnly:
            library.notices.clear()  # that it is only read is the error now
            raise
        finally:
            for notice in dict.fromkeys(library.notices):
                write_notice(notice)


def _app(settings: Settings, library: Library) -> Sightline:
    notify = library.notices.append
    return Sightline(
        library,
        loader=ModelLoader(settings.device, settings.cache, notify=notify, watch=ExportSteps()),
        model=settings.model,
        limits=settings.file_limits(),
        workers=settings.workers,
        exclude=settings.exclude,
    )
