"""Ingest: scan → changes → read → encode → write, from folders to rows.

The driving function is `Indexer.run`; every stage is a file of its own. This process scans,
worker processes read (`indexer.workers`), one thread encodes and one thread writes
(`indexer.line`). A commit every half second is the receipt: what it holds is never lost and
never computed again.
"""

import os
import time
from collections.abc import Callable

from indexer.census import Census
from indexer.changes import Change, Changes, Returned, ToRead, Vanished
from indexer.config import IndexConfig, Progress, Report
from indexer.cores import usable_cores
from indexer.encode import Encoding
from indexer.line import Line
from indexer.models.protocols import DualEncoder
from indexer.reading import ReadTask
from indexer.scan import Scan
from indexer.scope import Scope, Scopes
from indexer.tally import OUTCOMES, Tally
from indexer.workers import ReadPool
from indexer.write import Back, Gone, Writing
from storage import files, items, roots, spaces
from storage.library import Library


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
        self._watch = watch

    def run(self) -> Report:
        """Index what the config names in the space of the encoder, and report.

        Files whose items have their vectors there are unchanged; others are read, so that the
        space of a second model fills up beside the current one.

        Raises LibraryInUse, ModelMismatch, PathNotFound or DiskFull; what was committed before
        any error or Ctrl-C stays, and the next run goes on from there.
        """
        workers = self._config.workers or usable_cores()
        with self._library.writing("index") as counts:
            space_id, scopes, notices = self._settle()
            changes = Changes(self._library.catalogue, space_id, self._config)
            encoding = Encoding(
                self._encoder, self._library.catalogue, space_id, self._config.batch_size
            )
            writing = Writing(self._library, space_id)
            with Census(scopes, self._scan) as census:
                tally = Tally(writing, census, self._watch)
                with (
                    ReadPool(workers, self._config.limits) as pool,
                    Line(pool, encoding, writing, 4 * workers, tally.tell) as line,
                ):
                    for scope in scopes:
                        notices += self._go_over(scope, changes, line, tally)
                    tally.end()
            missing = self._settle_up(scopes, writing, space_id)
            report = _report(tally, missing, writing.partial, notices, line)
            counts.update(_counted(report))
        return report

    def _settle(self) -> tuple[int, list[Scope], list[str]]:
        offered = self._encoder.space  # may load the model: before the transaction, under the lock
        with self._library.catalogue.writing() as connection:
            space = spaces.settle(connection, offered)
            finder = Scopes(connection, str(self._library.path.resolve()))
            scopes = finder.of(self._config.paths, self._config.files)
        assert space.id is not None
        return space.id, scopes, finder.notices

    def _scan(self, scope: Scope) -> Scan:
        return Scan(scope.root, self._config.exclude, str(self._library.path.resolve()))

    def _go_over(self, scope: Scope, changes: Changes, line: Line, tally: Tally) -> list[str]:
        """Send every change of a scope down the line; returns notices."""
        scan = self._scan(scope)
        began = time.monotonic()
        for change in changes.of(scope, scan):
            line.stages["scan"] += time.monotonic() - began
            tally.meet(change)
            self._take(change, line)
            began = time.monotonic()
        unreadable = [
            f"the folder {folder} could not be read ({reason}): what is known of it is kept"
            for folder, reason in scan.unreadable.items()
        ]
        return unreadable + ([scope.notice] if scope.notice else [])

    def _take(self, change: Change, line: Line) -> None:
        match change:
            case ToRead():
                line.read(change, self._task(change))
            case Vanished():
                line.put(Gone(change.file))
            case Returned():
                line.put(Back(change.file))

    def _task(self, change: ToRead) -> ReadTask:
        return ReadTask(
            path=change.seen.path,
            kind=change.kind,
            known=change.known,
            spec=self._encoder.pictures,
            limits=self._config.limits,
            full_decode=self._config.full_decode,
            text_columns=change.columns,
        )

    def _settle_up(self, scopes: list[Scope], writing: Writing, space_id: int) -> int:
        """Drop what nothing holds any more, renew the indexes; returns the files missing."""
        with self._library.catalogue.writing() as connection:
            dropped = items.drop_orphans(connection, writing.displaced)
            missing = sum(files.count_missing(connection, scope.place) for scope in scopes)
            roots.drop_moved_out(connection, os.path.lexists)
        self._library.thumbnails.delete(dropped)
        self._library.refresh_builds(space_id)
        return missing


def _report(tally: Tally, missing: int, partial: int, notices: list[str], line: Line) -> Report:
    counts = tally.counts
    return Report(
        scanned=tally.scanned,
        **{name: counts[name] for name in OUTCOMES},
        missing=missing,
        seconds=tally.seconds,
        partial=partial,
        notices=tuple(notices),
        stages=dict(line.stages),
    )


def _counted(report: Report) -> dict[str, int]:
    return {name: getattr(report, name) for name in ("scanned", *OUTCOMES, "missing", "partial")}
