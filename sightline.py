"""The front door for Python.

    import sightline

    with sightline.open("~/Pictures.library") as library:
        library.index("~/Pictures")
        for hit in library.search("red kite"):
            print(hit.score, hit.item.paths)

The same line stands behind the command `sightline`; what it raises is in `storage.errors`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

from cli import wiring
from cli.settings import Settings
from indexer import IndexConfig, Progress, Report
from search import Hit, Query, Term
from storage import Filters, Library, Status
from storage.errors import SightlineError as SightlineError

__all__ = ["Filters", "Hit", "Query", "Report", "Sightline", "SightlineError", "Term", "open"]


class Sightline:
    """A library with everything that can be done with it; made by `open`."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self.library = library
        self._settings = settings
        self._engine = wiring.engine(library, settings)

    def index(
        self,
        *paths: str | Path,
        model: str | None = None,
        exclude: tuple[str, ...] = (),
        text_columns: tuple[str, ...] = (),
        watch: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Bring the library up to date with these folders and files, or with all it knows."""
        config = IndexConfig(
            paths=tuple(str(path) for path in paths),
            exclude=exclude or self._settings.exclude,
            text_columns=text_columns,
            workers=self._settings.workers,
            limits=self._settings.file_limits(),
        )
        report = wiring.indexer(self.library, self._settings, config, model, watch).run()
        self._engine = wiring.engine(self.library, self._settings)
        return report

    def search(
        self, query: str | Query, k: int | None = None, filters: Filters | None = None
    ) -> list[Hit]:
        """Find the items nearest to words, or to a `Query` of weighted terms."""
        if isinstance(query, str):
            query = Query((Term.parse("text", query),))
        if k is not None:
            query = replace(query, k=k)
        if filters is not None:
            query = replace(query, filters=filters)
        return self._engine.search(query)

    def status(self) -> Status:
        """Count what the library holds."""
        return self.library.status()

    def close(self) -> None:
        """Let go of the library."""
        self.library.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open(path: str | Path, device: str | None = None) -> Sightline:
    """Open the library at a path, or begin one where there is nothing yet."""
    settings = Settings.read(library=str(path), device=device)
    return Sightline(wiring.open_library(settings, create=True), settings)
