"""The ingest pipeline: scan → changes → read → encode → write, from folders to rows.

The driving function is `Indexer.run`; every stage has a file of its own. This process scans,
worker processes read (`indexer.workers`), one thread encodes and one thread writes
(`indexer.pipeline`). Rows are committed every half second; committed rows are never lost and
never computed again.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from indexer.changes import Change, Changed, Changes, Unchanged
from indexer.config import IndexConfig, Progress, Report
from indexer.cpu import usable_cores
from indexer.encode import EncodeStage
from indexer.models.protocols import DualEncoder
from indexer.notices import Notices
from indexer.pipeline import Pipeline
from indexer.progress.counter import OUTCOMES, ProgressCounter
from indexer.progress.file_counter import FileCounter
from indexer.reader import ReadTask
from indexer.scan.excludes import Excludes
from indexer.scan.file_systems import FileSystems
from indexer.scan.targets import Target, TargetResolver
from indexer.scan.walk import Scan
from indexer.workers import ReadPool
from indexer.writer import REREAD_COUNTS, Kept, Writer
from storage.library import Library
from storage.tables import files, items, roots, spaces


class Indexer:
    """Updates a library from the files of its roots."""

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
        """Index the files of the configuration in the encoder's space, and return a report.

        Files whose items have vectors in that space are unchanged; others are read, so that the
        space of a second model is filled while the current one stays in use.

        Raises LibraryInUse, ModelMismatch, PathNotFound or DiskFull; rows committed before an
        error or Ctrl-C are kept, and the next run continues.
        """
        workers = self._config.workers or usable_cores()
        self._file_systems = FileSystems.read()
        with self._library.writing("index") as counts:
            space_id, targets, resolver = self._prepare()
            notices = Notices(resolver, self._excludes)
            changes = Changes(self._library.catalogue, space_id, self._config)
            catalogue, most = self._library.catalogue, self._config.batch_size
            encoding = EncodeStage(self._encoder, catalogue, space_id, most)
            writer = Writer(self._library, space_id)
            with FileCounter(targets, changes, self._scan) as file_counter:
                progress = ProgressCounter(writer, file_counter, self._watch)
                with (
                    ReadPool(workers, self._config.limits) as pool,
                    Pipeline(pool, encoding, writer, 4 * workers, progress.report) as pipeline,
                ):
                    for target in targets:
                        self._index_target(target, changes, pipeline, progress, notices)
                    progress.finish_scan()
            missing, excluded = self._finish(targets, writer, space_id)
            report = _report(
                progress,
                pipeline,
                missing=missing,
                excluded=excluded,
                not_found=len(resolver.not_found),
                partial=writer.partial,
                notices=(*notices.lines(progress.scanned, excluded), *_partial(encoding, writer)),
                **writer.reread_counts,
            )
            counts.update(_counted(report))
        return report

    def _prepare(self) -> tuple[int, list[Target], TargetResolver]:
        offered = self._encoder.space  # may load the model: before the transaction, under the lock
        with self._library.catalogue.writing() as connection:
            space = spaces.register(connection, offered)
            resolver = TargetResolver(connection, str(self._library.path.resolve()))
            targets = resolver.resolve(self._config.paths, self._config.files)
        assert space.id is not None
        return space.id, targets, resolver

    def _scan(self, target: Target) -> Scan:
        library = str(self._library.path.resolve())
        return Scan(target.root, self._excludes, library, self._file_systems, target.path)

    def _index_target(
        self,
        target: Target,
        changes: Changes,
        pipeline: Pipeline,
        progress: ProgressCounter,
        notices: Notices,
    ) -> None:
        """Send all changes of a target into the pipeline."""
        scan = self._scan(target)
        began = time.monotonic()
        for change in changes.of(target, scan):
            pipeline.stages["scan"] += time.monotonic() - began
            progress.count(change, target)
            self._dispatch(change, pipeline)
            began = time.monotonic()
        notices.add(target, scan)

    def _dispatch(self, change: Change, pipeline: Pipeline) -> None:
        match change:
            case Changed():
                pipeline.read(change, self._task(change))
            case Unchanged(seen=None):
                pass  # nothing of it is written
            case _:
                pipeline.put(change)

    def _task(self, change: Changed) -> ReadTask:
        return ReadTask(
            path=change.seen.path,
            kind=change.kind,
            known=change.known,
            outdated=change.outdated,
            spec=self._encoder.image_spec,
            limits=self._config.limits,
            full_decode=self._config.full_decode,
            text_columns=change.columns,
            sidecars=tuple(sidecar.path for sidecar in change.sidecars or ()),
            unchanged=change.unchanged,
            with_embedded=change.with_embedded,
        )

    def _finish(self, targets: list[Target], writer: Writer, space_id: int) -> tuple[int, int]:
        """Delete orphans and rebuild the vector indexes where needed.

        Return how many files of the targets are missing and how many are excluded.
        """
        with self._library.catalogue.writing() as connection:
            dropped = items.drop_orphans(connection, writer.displaced)
            missing = _count(connection, files.count_missing, targets)
            excluded = _count(connection, files.count_excluded, targets)
            roots.drop_moved_out(connection, os.path.lexists)
        self._library.thumbnails.delete(dropped)
        self._library.refresh_builds(space_id, self._config.index_kind)
        return missing, excluded


def _count(
    connection: Connection, counted: Callable[[Connection, str | None], int], targets: list[Target]
) -> int:
    # A list may have a million targets, and usually there is nothing to count.
    if not counted(connection, None):
        return 0
    return sum(counted(connection, target.path) for target in targets)


def _partial(encoding: EncodeStage, writer: Writer) -> list[str]:
    """Return the notices about truncated passages and files that could not be read again."""
    return [*encoding.notices(), *_kept_notices(writer.kept)]


def _kept_notices(kept: list[Kept]) -> list[str]:
    """Return a line on the files that could not be read again by the rules of this version."""
    if not kept:
        return []
    first, more = kept[0], f" and {len(kept) - 1:,} more" if len(kept) > 1 else ""
    return [
        f"{first.seen.path}{more} could not be read again ({first.reason}): "
        "what an earlier version read is kept"
    ]


def _report(progress: ProgressCounter, pipeline: Pipeline, **more: Any) -> Report:
    progress.report()  # once more: what no commit came after
    counts: dict[str, Any] = {name: progress.counts[name] for name in OUTCOMES}
    return Report(
        scanned=progress.scanned,
        **counts,
        seconds=progress.seconds,
        **more,
        stages=dict(pipeline.stages),
    )


def _counted(report: Report) -> dict[str, int]:
    names = ("scanned", *OUTCOMES, "missing", "excluded", "not_found", "partial", *REREAD_COUNTS)
    return {name: getattr(report, name) for name in names}
