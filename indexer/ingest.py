"""Ingest: scan → changes → read → encode → write, from folders to rows.

The driving function is `Indexer.run`; every stage is a file of its own. This process scans,
worker processes read (`indexer.workers`), one thread encodes and one thread writes
(`indexer.pipeline`). A commit every half second is the receipt: what it holds is never lost and
never computed again.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from indexer.changes import Change, Changes, Excluded, Returned, Standing, ToRead, Vanished
from indexer.config import IndexConfig, Progress, Report
from indexer.cpu import usable_cores
from indexer.encode import Encoding
from indexer.file_counter import Census
from indexer.models.protocols import DualEncoder
from indexer.notices import Notices
from indexer.pipeline import Line
from indexer.progress import OUTCOMES, Tally
from indexer.reader import ReadTask
from indexer.scan.excludes import Excludes
from indexer.scan.file_systems import FileSystems
from indexer.scan.targets import Scope, Scopes
from indexer.scan.walk import Scan
from indexer.workers import ReadPool
from indexer.writer import REREAD_COUNTS, Back, Gone, Kept, MarkExcluded, RecordStat, Writing
from storage.library import Library
from storage.tables import files, items, roots, spaces
from storage.tables.file_state import FileSeen


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
        self._excludes = Excludes(config.exclude, config.exclude_by_root)
        self._file_systems = FileSystems({})

    def run(self) -> Report:
        """Index what the config names in the space of the encoder, and report.

        Files whose items have their vectors there are unchanged; others are read, so that the
        space of a second model fills up beside the current one.

        Raises LibraryInUse, ModelMismatch, PathNotFound or DiskFull; what was committed before
        any error or Ctrl-C stays, and the next run goes on from there.
        """
        workers = self._config.workers or usable_cores()
        self._file_systems = FileSystems.read()
        with self._library.writing("index") as counts:
            space_id, scopes, finder = self._settle()
            notices = Notices(finder, self._excludes)
            changes = Changes(self._library.catalogue, space_id, self._config)
            catalogue, most = self._library.catalogue, self._config.batch_size
            encoding = Encoding(self._encoder, catalogue, space_id, most)
            writing = Writing(self._library, space_id)
            with Census(scopes, self._scan) as census:
                tally = Tally(writing, census, self._watch)
                with (
                    ReadPool(workers, self._config.limits) as pool,
                    Line(pool, encoding, writing, 4 * workers, tally.tell) as line,
                ):
                    for scope in scopes:
                        self._go_over(scope, changes, line, tally, notices)
                    tally.end()
            missing, excluded = self._settle_up(scopes, writing, space_id)
            report = _report(
                tally,
                line,
                missing=missing,
                excluded=excluded,
                not_found=len(finder.not_found),
                partial=writing.partial,
                notices=(*notices.lines(tally.scanned, excluded), *_in_part(encoding, writing)),
                **writing.reread_counts,
            )
            counts.update(_counted(report))
        return report

    def _settle(self) -> tuple[int, list[Scope], Scopes]:
        offered = self._encoder.space  # may load the model: before the transaction, under the lock
        with self._library.catalogue.writing() as connection:
            space = spaces.register(connection, offered)
            finder = Scopes(connection, str(self._library.path.resolve()))
            scopes = finder.of(self._config.paths, self._config.files)
        assert space.id is not None
        return space.id, scopes, finder

    def _scan(self, scope: Scope) -> Scan:
        library = str(self._library.path.resolve())
        return Scan(scope.root, self._excludes, library, self._file_systems, scope.place)

    def _go_over(
        self, scope: Scope, changes: Changes, line: Line, tally: Tally, notices: Notices
    ) -> None:
        """Send every change of a scope down the line."""
        scan = self._scan(scope)
        began = time.monotonic()
        for change in changes.of(scope, scan):
            line.stages["scan"] += time.monotonic() - began
            tally.meet(change)
            self._take(change, line)
            began = time.monotonic()
        notices.add(scope, scan)

    def _take(self, change: Change, line: Line) -> None:
        match change:
            case ToRead():
                line.read(change, self._task(change))
            case Vanished():
                line.put(Gone(change.file))
            case Returned():
                line.put(Back(change.file))
            case Excluded():
                line.put(MarkExcluded(change.file))
            case Standing(seen=FileSeen() as seen):
                line.put(RecordStat(seen))

    def _task(self, change: ToRead) -> ReadTask:
        return ReadTask(
            path=change.seen.path,
            kind=change.kind,
            known=change.known,
            outdated=change.outdated,
            spec=self._encoder.pictures,
            limits=self._config.limits,
            full_decode=self._config.full_decode,
            text_columns=change.columns,
            sidecars=tuple(sidecar.path for sidecar in change.sidecars),
            unchanged=change.unchanged,
            with_embedded=change.with_embedded,
        )

    def _settle_up(self, scopes: list[Scope], writing: Writing, space_id: int) -> tuple[int, int]:
        """Drop what nothing holds any more, renew the indexes.

        Returns how many files of the scopes are missing and how many are excluded.
        """
        with self._library.catalogue.writing() as connection:
            dropped = items.drop_orphans(connection, writing.displaced)
            missing = _count(connection, files.count_missing, scopes)
            excluded = _count(connection, files.count_excluded, scopes)
            roots.drop_moved_out(connection, os.path.lexists)
        self._library.thumbnails.delete(dropped)
        self._library.refresh_builds(space_id, self._config.index_kind)
        return missing, excluded


def _count(
    connection: Connection, counted: Callable[[Connection, str | None], int], scopes: list[Scope]
) -> int:
    # Of a list there may be a million scopes, and mostly there is nothing to count.
    if not counted(connection, None):
        return 0
    return sum(counted(connection, scope.place) for scope in scopes)


def _in_part(encoding: Encoding, writing: Writing) -> list[str]:
    """Return the lines on what the model, or this version, could not read as it stands."""
    return [*encoding.notices(), *_kept_notices(writing.kept)]


def _kept_notices(kept: list[Kept]) -> list[str]:
    """Return a line on the files that could not be read again by the rules of this version."""
    if not kept:
        return []
    first, more = kept[0], f" and {len(kept) - 1:,} more" if len(kept) > 1 else ""
    return [
        f"{first.seen.path}{more} could not be read again ({first.reason}): "
        "what an earlier version read is kept"
    ]


def _report(tally: Tally, line: Line, **more: Any) -> Report:
    counts: dict[str, Any] = {name: tally.counts[name] for name in OUTCOMES}
    return Report(
        scanned=tally.scanned,
        **counts,
        seconds=tally.seconds,
        **more,
        stages=dict(line.stages),
    )


def _counted(report: Report) -> dict[str, int]:
    names = ("scanned", *OUTCOMES, "missing", "excluded", "not_found", "partial", *REREAD_COUNTS)
    return {name: getattr(report, name) for name in names}
