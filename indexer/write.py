"""Writing: events become rows, several seconds' worth to a transaction, by one writer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from storage import files, items, vectors
from storage.files import KnownFile, Sighting
from storage.items import Content
from storage.library import Library
from storage.records import ContentKind, Matrix, Vector

# Rows wait at most this long for their commit; a kill loses what came since the last one.
COMMIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class PictureDone:
    """A picture that was read; `vector` is None where its content has one already."""

    seen: Sighting
    content: Content
    thumbnail: bytes  # WebP
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class KnownDone:
    """A file whose content the catalogue has whole."""

    seen: Sighting
    hash: str
    kind: ContentKind


@dataclass(frozen=True, slots=True)
class PassagesDone:
    """Passages with their vectors, row i of `matrix` belonging to passage i."""

    contents: tuple[Content, ...]
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class DocumentDone:
    """A text file, all of whose passages were written before: (hash, start, end) of each."""

    seen: Sighting
    content: Content
    places: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be used, and why."""

    seen: Sighting
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A remembered file that is not there."""

    file: KnownFile


@dataclass(frozen=True, slots=True)
class Back:
    """A missing file that is there again, as it was."""

    file: KnownFile


Event = PictureDone | KnownDone | PassagesDone | DocumentDone | Failed | Gone | Back


class Writing:
    """Commits events in the order they come; `counts` are of files whose rows are committed."""

    def __init__(self, library: Library, space_id: int) -> None:
        self._library, self._space_id = library, space_id
        self.counts: Counter[str] = Counter()

    def commit(self, events: Sequence[Event]) -> None:
        """Write events in one transaction; thumbnails first, so that a row never lacks one."""
        for event in events:
            if isinstance(event, PictureDone):
                self._library.thumbnails.write(event.content.hash, event.thumbnail)
        counts: Counter[str] = Counter()
        with self._library.catalogue.writing() as connection:
            for event in events:
                outcome = self._write(connection, event)
                if outcome:
                    counts[outcome] += 1
        self.counts = self.counts + counts  # anew: the main thread reads it meanwhile

    def _write(self, connection: Connection, event: Event) -> str | None:
        match event:
            case PictureDone():
                return self._picture(connection, event)
            case KnownDone():
                return self._known(connection, event)
            case PassagesDone():
                self._passages(connection, event)
                return None
            case DocumentDone():
                return self._document(connection, event)
            case Failed():
                files.fail(connection, event.seen, event.stage, event.reason)
                return "failed"
            case Gone():
                files.vanish(connection, [event.file])
                return None
            case Back():
                files.come_back(connection, [event.file])
                return "unchanged"

    def _picture(self, connection: Connection, event: PictureDone) -> str:
        item, fresh = items.add(connection, event.content)
        if event.vector is not None:
            vectors.add(connection, self._space_id, "image", [item], event.vector[None])
        return files.record(connection, event.seen, item, fresh)

    def _known(self, connection: Connection, event: KnownDone) -> str:
        item = items.numbers(connection, event.kind, [event.hash])[event.hash]
        return files.record(connection, event.seen, item, fresh=False)

    def _passages(self, connection: Connection, event: PassagesDone) -> None:
        found = [items.add(connection, content)[0] for content in event.contents]
        vectors.add(connection, self._space_id, "text", found, event.matrix)

    def _document(self, connection: Connection, event: DocumentDone) -> str:
        item, fresh = items.add(connection, event.content)
        numbers = items.numbers(connection, "text", (place[0] for place in event.places))
        items.set_passages(
            connection, item, [(numbers[name], start, end) for name, start, end in event.places]
        )
        return files.record(connection, event.seen, item, fresh)
