"""Encoding: what was read becomes vectors, in batches, and nothing is encoded twice."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from indexer.changes import ToRead, table_format
from indexer.models.protocols import DualEncoder, Pixels
from indexer.reading import PictureRead, Read, TextRead
from indexer.write import DocumentDone, Event, Failed, KnownDone, PassagesDone, PictureDone
from storage import vectors
from storage.catalogue import Catalogue
from storage.errors import EncodeFailure, FileFailure
from storage.files import Sighting
from storage.items import Content
from storage.records import Kind, Matrix, Vector

# A batch that takes longer is halved: rows wait for it before they can be committed.
SLOW_BATCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that came back from its worker: what was read, or what was raised instead."""

    change: ToRead
    read: Read | Exception


class Encoding:
    """Turns arrivals into events for the writer; called from one thread.

    `in_flight` holds the contents on their way to the catalogue: a second copy that arrives
    meanwhile is not encoded again.
    """

    def __init__(
        self,
        encoder: DualEncoder,
        catalogue: Catalogue,
        space_id: int,
        batch_size: int,
        columns: tuple[str, ...],
    ) -> None:
        self._encoder, self._catalogue, self._space_id = encoder, catalogue, space_id
        self._columns = columns
        self.batch_size = batch_size
        self.in_flight: dict[Kind, set[str]] = {"image": set(), "text": set()}

    def events(self, arrivals: Sequence[Arrival]) -> Iterator[Event]:
        """Give the events of a batch of arrivals; pictures are encoded together."""
        pictures: list[tuple[Sighting, Read, PictureRead]] = []
        for arrival in arrivals:
            read = arrival.read
            if isinstance(read, FileFailure):
                yield Failed(arrival.change.seen, read.stage, read.reason)
            elif isinstance(read, Exception):
                raise read  # no failure of the file: workers cannot run at all
            elif read.content is None:
                picture = arrival.change.kind == "image"
                yield KnownDone(arrival.change.seen, read.hash, "image" if picture else "document")
            elif isinstance(read.content, TextRead):
                yield from self._document(arrival.change, read, read.content)
            else:
                pictures.append((arrival.change.seen, read, read.content))
        yield from self._pictures(pictures)

    def _pictures(self, pictures: Sequence[tuple[Sighting, Read, PictureRead]]) -> Iterator[Event]:
        wanted = self._unstored("image", (read.hash for _, read, _ in pictures))
        chosen = [(read.hash, content) for _, read, content in pictures if read.hash in wanted]
        unique = dict(chosen)
        encoded = self._encode_pictures([content.pixels for content in unique.values()])
        outcomes = dict(zip(unique, encoded, strict=True))
        for seen, read, content in pictures:
            outcome = outcomes.get(read.hash)
            if isinstance(outcome, EncodeFailure):
                yield Failed(seen, outcome.stage, outcome.reason)
                continue
            if outcome is not None:
                self.in_flight["image"].add(read.hash)
            yield PictureDone(seen, _picture(read, content), content.thumbnail, outcome)

    def _encode_pictures(self, pixels: list[Pixels]) -> list[Vector | EncodeFailure]:
        if not pixels:
            return []
        try:
            return list(self._timed(np.stack(pixels)))
        except EncodeFailure as error:
            if len(pixels) == 1:
                return [error]
        # One picture spoils its batch: find it, so that it fails alone.
        return [vector for one in pixels for vector in self._encode_pictures([one])]

    def _timed(self, pixels: Pixels) -> Matrix:
        began = time.monotonic()
        matrix = self._encoder.encode_pictures(pixels)
        if time.monotonic() - began > SLOW_BATCH_SECONDS and len(pixels) == self.batch_size:
            self.batch_size = max(1, self.batch_size // 2)
        return matrix

    def _document(self, change: ToRead, read: Read, text: TextRead) -> Iterator[Event]:
        """Encode a document's passages batch by batch; its own row comes last, as its receipt."""
        hashes = [text_hash(span.text) for span in text.spans]
        texts = {key: span.text for key, span in zip(hashes, text.spans, strict=True)}
        unseen = iter(self._unstored("text", texts))
        while batch := list(islice(unseen, self.batch_size)):
            try:
                matrix = self._encoder.encode_texts([texts[key] for key in batch])
            except EncodeFailure as failure:
                yield Failed(change.seen, failure.stage, failure.reason)
                return
            self.in_flight["text"].update(batch)
            yield PassagesDone(tuple(_passage(key, texts[key]) for key in batch), matrix)
        table = change.kind == "table"
        form = table_format(self._columns) if table else "text"
        places = tuple(
            (key, span.start, span.end) for key, span in zip(hashes, text.spans, strict=True)
        )
        content = Content(read.hash, "document", read.size, form)
        yield DocumentDone(change.seen, content, places)

    def _unstored(self, kind: Kind, hashes: Iterable[str]) -> list[str]:
        wanted = [name for name in dict.fromkeys(hashes) if name not in self.in_flight[kind]]
        if not wanted:
            return []
        with self._catalogue.reading() as connection:
            there = vectors.stored(connection, self._space_id, kind, wanted)
        return [name for name in wanted if name not in there]


def text_hash(text: str) -> str:
    """Give a passage its identity: the SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _picture(read: Read, content: PictureRead) -> Content:
    return Content(
        read.hash,
        "image",
        read.size,
        content.format,
        content.width,
        content.height,
        content.capture,
    )


def _passage(name: str, text: str) -> Content:
    return Content(name, "text", len(text.encode("utf-8", "surrogatepass")), "text", text=text)
