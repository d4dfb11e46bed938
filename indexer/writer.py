"""Writing: events become rows, half a second's worth to a transaction, by one writer."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from indexer.changes import Excluded, Missing, Restored, Unchanged
from indexer.progress.workload import Workload
from indexer.reader import METADATA_VERSION, READER_VERSION
from storage.errors import SightlineError
from storage.library import Library
from storage.records import Annotations, Capture, ContentKind, Matrix, Vector
from storage.tables import annotations, files, items, reader_versions, vectors
from storage.tables.file_state import FileSeen
from storage.tables.items import Content
from storage.tables.roots import is_mounted

# Rows wait at most this long for their commit; a kill loses what came since the last one.
COMMIT_SECONDS = 0.5
REREAD_COUNTS = ("reread", "renewed")


@dataclass(frozen=True, slots=True)
class ImageDone:
    """An image that was read; `vector` is None where its content has one already.

    `reads_since` is the first version of the reader that gives its pixels.
    """

    seen: FileSeen
    content: Content
    thumbnail: bytes  # WebP
    vector: Vector | None
    reads_since: int = 0


@dataclass(frozen=True, slots=True)
class KnownDone:
    """A file whose content the catalogue has whole."""

    seen: FileSeen
    hash: str
    kind: ContentKind


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An image of which an earlier version read the same pixels; what its camera wrote is new."""

    seen: FileSeen
    hash: str
    capture: Capture
    embedded: Annotations


@dataclass(frozen=True, slots=True)
class Described:
    """An unchanged image of which people say something else; `embedded` None: not in itself."""

    seen: FileSeen
    hash: str
    embedded: Annotations | None


@dataclass(frozen=True, slots=True)
class Kept:
    """An unchanged file that could not be read again: it stays as an earlier version read it.

    `item` is what it holds; the next run tries again unless this was `final`. `metadata`: its
    metadata alone was read.
    """

    seen: FileSeen
    item: int
    reason: str
    final: bool
    metadata: bool = False


@dataclass(frozen=True, slots=True)
class PassagesDone:
    """Passages with their vectors, row i of `matrix` belonging to passage i."""

    contents: tuple[Content, ...]
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class DocumentDone:
    """A text file, all of whose passages were written before: (hash, start, end) of each."""

    seen: FileSeen
    content: Content
    places: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be used, and why; `holds` is what only the model has trouble with."""

    seen: FileSeen
    stage: str
    reason: str
    holds: tuple[ContentKind, str] | None = None  # kind and hash


Event = (
    ImageDone
    | KnownDone
    | Refreshed
    | Described
    | Kept
    | PassagesDone
    | DocumentDone
    | Failed
    | Missing
    | Restored
    | Excluded
    | Unchanged
)

_READ = (ImageDone, KnownDone, Refreshed, Described, Kept, DocumentDone, Failed)


class Writer:
    """Commits events in the order they come; `counts` are of files whose rows are committed."""

    def __init__(self, library: Library, space_id: int) -> None:
        self._library, self._space_id = library, space_id
        self.counts: Counter[str] = Counter()
        self.partial = 0  # of them, files of which something could not be read
        self.displaced: set[int] = set()  # passages that a document held before and does no more
        # Contents that an earlier version had read, and of them those with other pixels now.
        self.reread_counts: Counter[str] = Counter(dict.fromkeys(REREAD_COUNTS, 0))
        self.kept: list[Kept] = []
        self.read = Workload()  # files that were read, or could not be, and whose rows are there
        # Of the transaction at hand, asked or told in one go: the version that read each of its
        # images before, by hash, and the items whose files it records.
        self._read_by: dict[str, int] = {}
        self._touched: set[int] = set()

    def commit(self, events: Sequence[Event]) -> None:
        """Write events in one transaction; one that cannot be written fails alone.

        Raises DiskFull and the other errors of the library as a whole.
        """
        try:
            self._commit(events)
        except SightlineError:
            raise
        except Exception:
            # Something of a file's that no row takes. The transaction left nothing.
            for event in events:
                self._commit_alone(event)

    def _commit_alone(self, event: Event) -> None:
        try:
            self._commit([event])
        except SightlineError:
            raise
        except Exception as error:
            if isinstance(event, PassagesDone):
                return  # their document, which comes after them, will fail for want of them
            if isinstance(event, Missing | Restored | Excluded | Unchanged):
                raise
            reason = f"it could not be written ({type(error).__name__}: {error})"
            self._commit([Failed(event.seen, "write", reason.splitlines()[0])])

    def _commit(self, events: Sequence[Event]) -> None:
        for event in events:  # before their rows, so that a row never lacks its thumbnail
            if isinstance(event, ImageDone):
                replace = event.reads_since > 0
                self._library.thumbnails.write(event.content.hash, event.thumbnail, replace)
        counts: Counter[str] = Counter()
        displaced: set[int] = set()
        with self._library.catalogue.writing() as connection:
            restored = [event.file for event in events if isinstance(event, Restored)]
            files.mark_missing(
                connection, [event.file for event in events if isinstance(event, Missing)]
            )
            files.mark_present(connection, restored)
            files.exclude(
                connection, [event.file for event in events if isinstance(event, Excluded)]
            )
            shown = [event.seen for event in events if isinstance(event, Unchanged)]
            files.record_stat(connection, [seen for seen in shown if seen is not None])
            self._read_by, self._touched = _versions(connection, events), set()
            for event in events:
                counts.update(self._write(connection, event, displaced))
            items.refresh_presence(connection, self._touched)
        counts["unchanged"] += len(restored)
        self.partial += sum(_is_partial(event) for event in events)
        self.reread_counts = self.reread_counts + Counter(
            {name: counts.pop(name, 0) for name in REREAD_COUNTS}
        )
        read = [event.seen for event in events if isinstance(event, _READ)]
        self.read += Workload.of((seen.path, seen.size) for seen in read)
        self.counts = self.counts + counts  # anew: the main thread reads it meanwhile
        self.displaced |= displaced
        self.kept += [event for event in events if isinstance(event, Kept)]

    def _write(self, connection: Connection, event: Event, displaced: set[int]) -> Iterator[str]:
        match event:
            case ImageDone():
                yield from self._image(connection, event)
            case Refreshed():
                yield from self._refresh(connection, event)
            case Described():
                item = items.numbers(connection, "image", [event.hash])[event.hash]
                if event.embedded is not None:
                    annotations.record_embedded(connection, item, event.embedded, METADATA_VERSION)
                yield self._record(connection, event.seen, item)
            case Kept():
                if event.final and event.metadata:
                    annotations.record_version(connection, event.item, METADATA_VERSION)
                elif event.final:
                    reader_versions.record(connection, event.item, READER_VERSION, None)
                yield self._record(connection, event.seen, event.item)
            case KnownDone():
                item = items.numbers(connection, event.kind, [event.hash])[event.hash]
                yield self._record(connection, event.seen, item)
            case PassagesDone():
                found = [items.add(connection, content)[0] for content in event.contents]
                vectors.add(connection, self._space_id, "text", found, event.matrix)
            case DocumentDone():
                yield from self._document(connection, event, displaced)
            case Failed():
                self._fail(connection, event)
                yield "failed"

    def _fail(self, connection: Connection, event: Failed) -> None:
        seen, stage, reason = event.seen, event.stage, event.reason
        if event.holds is None:
            files.fail(connection, seen, stage, reason, reader_version=READER_VERSION)
            return
        kind, name = event.holds
        item = items.numbers(connection, kind, [name]).get(name)
        files.fail(connection, seen, stage, reason, self._space_id, item, READER_VERSION)

    def _record(
        self, connection: Connection, seen: FileSeen, item: int, fresh: bool = False
    ) -> str:
        space, touched = self._space_id, self._touched
        return files.record(connection, seen, item, fresh, is_away, space, touched)

    def _image(self, connection: Connection, event: ImageDone) -> Iterator[str]:
        content = event.content
        before = self._read_by.get(content.hash)
        item, fresh = items.add(connection, content)
        self._read_by[content.hash] = max(content.reader_version, before or 0)
        if before is not None and before < event.reads_since:
            reader_versions.forget_pixels(connection, item)
            yield "renewed"
        if not fresh or content.embedded:
            embedded, version = content.embedded, content.metadata_version
            annotations.record_embedded(connection, item, embedded, version)
        if event.vector is not None:
            vectors.add(connection, self._space_id, "image", [item], event.vector[None])
        yield from _again(before)
        yield self._record(connection, event.seen, item, fresh)

    def _refresh(self, connection: Connection, event: Refreshed) -> Iterator[str]:
        before = self._read_by.get(event.hash)
        self._read_by[event.hash] = READER_VERSION
        item = items.numbers(connection, "image", [event.hash])[event.hash]
        reader_versions.record(connection, item, READER_VERSION, event.capture)
        annotations.record_embedded(connection, item, event.embedded, METADATA_VERSION)
        yield from _again(before)
        yield self._record(connection, event.seen, item)

    def _document(
        self, connection: Connection, event: DocumentDone, displaced: set[int]
    ) -> Iterator[str]:
        content = event.content
        before = reader_versions.version(connection, content.kind, content.hash)
        item, fresh = items.add(connection, content)
        numbers = items.numbers(connection, "text", (place[0] for place in event.places))
        displaced |= items.set_passages(
            connection, item, [(numbers[name], start, end) for name, start, end in event.places]
        )
        yield from _again(before)
        yield self._record(connection, event.seen, item, fresh)


def _versions(connection: Connection, events: Sequence[Event]) -> dict[str, int]:
    """Return the version that read each image of these events before, by hash."""
    hashes = [event.content.hash for event in events if isinstance(event, ImageDone)]
    hashes += [event.hash for event in events if isinstance(event, Refreshed)]
    return reader_versions.versions(connection, "image", hashes)


def _again(before: int | None) -> Iterator[str]:
    if before is not None and before < READER_VERSION:
        yield "reread"


def _is_partial(event: Event) -> bool:
    return isinstance(event, ImageDone | DocumentDone) and event.content.omitted is not None


def is_away(root: str, path: str) -> bool:
    """Return whether a file is gone for good: it is not there, though its root is."""
    return not os.path.lexists(path) and is_mounted(root)
