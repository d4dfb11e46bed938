"""Ingest: scan → changes → read → encode → write, from folders to rows.

The driving function is `Indexer.run`; every stage is a file of its own. This process scans,
worker processes read (`indexer.workers`), one thread encodes and one thread writes
(`indexer.line`). A commit every few seconds is the receipt: what it holds is never lost and
never computed again.
"""

import os
import time
from collections import Counter
from collections.abc import Callable

from indexer.census import Census
from indexer.changes import Change, Changes, Returned, Standing, ToRead, Vanished
from indexer.config import IndexConfig, Progress, Report
from indexer.encode import Encoding
from indexer.line import Line
from indexer.models.protocols import DualEncoder
from indexer.reading import ReadTask
from indexer.scan import Scan
from indexer.scope import Scope, Scopes
from indexer.workers import ReadPool
from indexer.write import Back, Gone, Writing
from storage import files, items, spaces
from storage.library import Library

_TELL_SECONDS = 0.25


class Indexer:
    """Brings a library up to date with the files it stands for."""

    def __init__(
        self,
        library: Library,
        encoder: DualEncoder,
        config: IndexConfig,
        watch: Callable[[Progress], None] | None = None,
    ) -> None:
        self._library, self._encoder, self._config = library, encoder, config
        self._watch = watch or (lambda progress: None)
        self._standing: Counter[str] = Counter()  # files that needed no work, by outcome
        self._scanned = 0
        self._scanned_all = False
        self._census: Census | None = None
        self._told = self._began = 0.0

    def run(self) -> Report:
        """Index what the config names, and report.

        Raises LibraryInUse, ModelMismatch, PathNotFound or DiskFull; what was committed before
        any error or Ctrl-C stays, and the next run goes on from there.
        """
        self._began = time.monotonic()
        with self._library.writing("index") as counts:
            space_id, scopes, notices = self._settle()
            writing = Writing(self._library, space_id)
            encoding = self._encoding(space_id)
            workers = self._config.workers or usable_cores()
            changes = Changes(self._library.catalogue, space_id, self._config)
            with (
                Census(scopes, self._scan) as self._census,
                ReadPool(workers, self._config.limits) as pool,
                Line(pool, encoding, writing, 4 * workers, lambda: self._tell(writing)) as line,
            ):
                for scope in scopes:
                    notices += self._go_over(scope, changes, line, writing)
                self._scanned_all = True
            self._library.refresh_builds(space_id)
            report = self._report(scopes, writing, notices, line)
            counts.update({name: getattr(report, name) for name in _COUNTED})
        return report

    def _settle(self) -> tuple[int, list[Scope], list[str]]:
        with self._library.catalogue.writing() as connection:
            space = spaces.settle(connection, self._encoder.space)
            finder = Scopes(connection)
            scopes = finder.of(self._config.paths, self._config.files)
        assert space.id is not None
        return space.id, scopes, finder.notices

    def _encoding(self, space_id: int) -> Encoding:
        config = self._config
        return Encoding(
            self._encoder,
            self._library.catalogue,
            space_id,
            config.batch_size,
            config.text_columns,
        )

    def _go_over(self, scope: Scope, changes: Changes, line: Line, writing: Writing) -> list[str]:
        scan = self._scan(scope)
        for change in changes.of(scope, scan):
            self._take(change, line)
            if time.monotonic() - self._told > _TELL_SECONDS:
                self._tell(writing)
        unreadable = [
            f"the folder {folder} could not be listed ({reason}): what is known of it is kept"
            for folder, reason in scan.unreadable.items()
        ]
        return unreadable + ([scope.notice] if scope.notice else [])

    def _scan(self, scope: Scope) -> Scan:
        return Scan(scope.root, self._config.exclude, str(self._library.path.resolve()))

    def _take(self, change: Change, line: Line) -> None:
        self._scanned += not isinstance(change, Vanished)
        match change:
            case ToRead():
                line.read(change, self._task(change))
            case Standing():
                self._standing[change.outcome] += 1
            case Vanished():
                line.put(Gone(change.file))
            case Returned():
                line.put(Back(change.file))

    def _task(self, change: ToRead) -> ReadTask:
        config = self._config
        return ReadTask(
            path=change.seen.path,
            kind=change.kind,
            known=change.known,
            spec=self._encoder.pictures,
            limits=config.limits,
            full_decode=config.full_decode,
            text_columns=config.text_columns,
        )

    def _tell(self, writing: Writing) -> None:
        self._told = time.monotonic()
        counts = self._standing + writing.counts
        self._watch(
            Progress(
                scanned=self._scanned,
                stored=counts.total() - counts["failed"],
                waiting=max(0, self._scanned - counts.total()),
                failed=counts["failed"],
                seconds=self._told - self._began,
                total=self._total(),
            )
        )

    def _total(self) -> int | None:
        if self._scanned_all:
            return self._scanned
        # The count may be behind files that came since; it is never below what was met.
        counted = self._census.total if self._census else None
        return None if counted is None else max(counted, self._scanned)

    def _report(
        self, scopes: list[Scope], writing: Writing, notices: list[str], line: Line
    ) -> Report:
        with self._library.catalogue.writing() as connection:
            items.drop_orphans(connection)
            missing = sum(files.count_missing(connection, scope.place) for scope in scopes)
            files.drop_empty_roots(connection, os.path.lexists)
        counts = self._standing + writing.counts
        return Report(
            scanned=self._scanned,
            **{name: counts[name] for name in _OUTCOMES},
            missing=missing,
            seconds=time.monotonic() - self._began,
            notices=tuple(notices),
            stages=dict(line.stages),
        )


def usable_cores() -> int:
    """Count the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_OUTCOMES = ("new", "copied", "moved", "unchanged", "skipped", "failed")
_COUNTED = ("scanned", *_OUTCOMES, "missing")
