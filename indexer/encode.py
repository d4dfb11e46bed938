"""The encode stage: file contents become vectors, in batches, and none is encoded twice."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np

from indexer.batch_size import BatchSize
from indexer.changes import Changed
from indexer.images.metadata import sidecars
from indexer.models.protocols import DualEncoder, Pixels
from indexer.notices import first_lines
from indexer.reader import (
    METADATA_VERSION,
    READER_VERSION,
    FileContent,
    HeaderContent,
    ImageContent,
    MetadataContent,
    TextContent,
)
from indexer.writer import (
    Described,
    DocumentDone,
    Event,
    Failed,
    ImageDone,
    Kept,
    KnownDone,
    PassagesDone,
    Refreshed,
)
from storage.catalogue import Catalogue
from storage.errors import EncodeFailure, FileFailure, TextFailure, UnreadableFile
from storage.records import Kind, Matrix, Vector
from storage.tables import reader_versions, vectors
from storage.tables.file_state import FileSeen, Sidecars
from storage.tables.items import Content

Inputs = TypeVar("Inputs", Pixels, list[str])


@dataclass(frozen=True, slots=True)
class Arrival:
    """The result of a worker for a file: its content, or the exception raised.

    `weight` are the bytes by which it counts while it waits.
    """

    change: Changed
    read: FileContent | Exception
    weight: int = 0

    @property
    def seen(self) -> FileSeen:
        """Return the file as it was seen, with the metadata of its sidecars."""
        read = self.read
        if self.change.kind != "image" or not isinstance(read, FileContent):
            return self.change.seen
        beside = self.change.sidecars
        if beside is None or read.sidecars is None:
            return self.change.seen  # nothing is recorded, so that the next run tries again
        state = sidecars.state(beside)
        return replace(self.change.seen, sidecars=Sidecars(state, read.sidecars))


class EncodeStage:
    """Turns arrivals into events for the writer; called from one thread.

    `in_flight` holds the hashes of encoded contents that are not committed yet, so that a copy
    that arrives meanwhile is not encoded again.
    """

    def __init__(
        self, encoder: DualEncoder, catalogue: Catalogue, space_id: int, most: int
    ) -> None:
        self._encoder, self._catalogue, self._space_id = encoder, catalogue, space_id
        self.most = most  # images or passages of a batch
        self._sizes: dict[Kind, BatchSize] = {"image": BatchSize(most), "text": BatchSize(most)}
        self.in_flight: dict[Kind, set[str]] = {"image": set(), "text": set()}
        self._truncated = 0
        self._unread: list[str] = []  # sidecars, with the reasons

    @property
    def batch_size(self) -> int:
        """Return how many images are encoded at once just now."""
        return self._sizes["image"].current

    @property
    def image_bytes(self) -> int:
        """Return the bytes of the pixels that the encoder takes for an image."""
        return 3 * self._encoder.image_spec.size**2

    def events(self, arrivals: Sequence[Arrival]) -> Iterator[Event]:
        """Yield the events of a batch: images are encoded together, and so are passages."""
        images: list[tuple[FileSeen, FileContent, ImageContent]] = []
        documents: list[tuple[Changed, FileContent, TextContent]] = []
        for arrival in arrivals:
            change, read = arrival.change, arrival.read
            if isinstance(read, FileContent) and read.unread:
                self._unread.append(read.unread)
            if isinstance(read, FileFailure):
                yield _failure(change, read)
            elif isinstance(read, Exception):
                raise read  # not a failure of the file: workers cannot run at all
            elif read.content is None:
                yield KnownDone(arrival.seen, read.hash, change.content_kind)
            elif isinstance(read.content, MetadataContent):
                yield Described(arrival.seen, read.hash, read.content.embedded)
            elif isinstance(read.content, HeaderContent):
                found = read.content
                yield Refreshed(arrival.seen, read.hash, found.capture, found.embedded)
            elif isinstance(read.content, TextContent):
                documents.append((change, read, read.content))
            else:
                images.append((arrival.seen, read, read.content))
        yield from self._images(images)
        yield from self._documents(documents)

    def notices(self) -> list[str]:
        """Return the notices about sidecars that could not be read and truncated passages."""
        return [*self._of_unread(), *self._of_truncated()]

    def _of_unread(self) -> list[str]:
        kept = "what was known of it is kept, and the next run tries again"
        return first_lines(
            self._unread, lambda line: f"{line}: {kept}", "sidecars could not be read"
        )

    def _of_truncated(self) -> list[str]:
        if not self._truncated:
            return []
        those = "1 passage is" if self._truncated == 1 else f"{self._truncated:,} passages are"
        reads = f"{self._encoder.space.name} reads ({self._encoder.context:,} tokens)"
        return [f"{those} longer than the model {reads}: words beyond that cannot be searched for"]

    def _is_truncated(self, text: str) -> bool:
        """Return whether a text is longer than the model's context."""
        context = self._encoder.context
        # Most tokenizers add a start and an end token, and no token is shorter than a byte.
        if context is None or len(text.encode("utf-8", "replace")) <= context - 2:
            return False
        return self._encoder.count_tokens(text) > context

    def _images(
        self, images: Sequence[tuple[FileSeen, FileContent, ImageContent]]
    ) -> Iterator[Event]:
        wanted = self._without_vectors(
            {read.hash: content.reads_since for _, read, content in images}
        )
        chosen = [(read.hash, content) for _, read, content in images if read.hash in wanted]
        unique = dict(chosen)
        encoded = self._encode_images([content.pixels for content in unique.values()])
        outcomes = dict(zip(unique, encoded, strict=True))
        for seen, read, content in images:
            outcome = outcomes.get(read.hash)
            if isinstance(outcome, EncodeFailure):
                yield Failed(seen, outcome.stage, outcome.reason, ("image", read.hash))
                continue
            if outcome is not None:
                self.in_flight["image"].add(read.hash)
            done = _image(read, content)
            yield ImageDone(seen, done, content.thumbnail, outcome, content.reads_since)

    def _encode_images(self, pixels: list[Pixels]) -> list[Vector | EncodeFailure]:
        if not pixels:
            return []
        try:
            return list(self._timed("image", np.stack(pixels), self._encoder.encode_images))
        except EncodeFailure as error:
            if len(pixels) == 1:
                return [error]
        # One image fails the whole batch: encode one by one, so that only that one fails.
        return [vector for one in pixels for vector in self._encode_images([one])]

    def _timed(self, kind: Kind, inputs: Inputs, encode: Callable[[Inputs], Matrix]) -> Matrix:
        began = time.monotonic()
        matrix = encode(inputs)
        self._sizes[kind].record(len(inputs), time.monotonic() - began)
        return matrix

    def _documents(
        self, documents: Sequence[tuple[Changed, FileContent, TextContent]]
    ) -> Iterator[Event]:
        """Encode the passages of documents; a document's own event comes after its passages."""
        texts = {text_hash(span.text): span.text for _, _, text in documents for span in text.spans}
        unseen = iter(self._unstored("text", texts))
        failed: dict[str, EncodeFailure] = {}
        while batch := list(islice(unseen, self._sizes["text"].current)):
            passages = [texts[key] for key in batch]
            try:
                matrix = self._timed("text", passages, self._encoder.encode_texts)
            except EncodeFailure as failure:
                failed |= dict.fromkeys(batch, failure)
                continue
            self._truncated += sum(self._is_truncated(texts[key]) for key in batch)
            self.in_flight["text"].update(batch)
            yield PassagesDone(tuple(_passage(key, texts[key]) for key in batch), matrix)
        for change, read, text in documents:
            places = tuple((text_hash(span.text), span.start, span.end) for span in text.spans)
            why = next((failed[key] for key, _, _ in places if key in failed), None)
            if why is not None:
                holds = change.content_kind, read.hash
                yield Failed(change.seen, why.stage, why.reason, holds)
            else:
                yield DocumentDone(change.seen, _document(change, read, text), places)

    def _without_vectors(self, images: Mapping[str, int]) -> set[str]:
        """Return the hashes of images that have no vector of their current pixels.

        `images` maps each hash to the first version of the reader that gives these pixels.
        """
        wanted = set(self._unstored("image", images))
        rest = [name for name in images if name not in wanted | self.in_flight["image"]]
        if any(images[name] for name in rest):
            with self._catalogue.reading() as connection:
                read_by = reader_versions.versions(connection, "image", rest)
            wanted.update(name for name in rest if read_by.get(name, 0) < images[name])
        return wanted

    def _unstored(self, kind: Kind, hashes: Iterable[str]) -> list[str]:
        wanted = [name for name in dict.fromkeys(hashes) if name not in self.in_flight[kind]]
        if not wanted:
            return []
        with self._catalogue.reading() as connection:
            there = vectors.stored(connection, self._space_id, kind, wanted)
        return [name for name in wanted if name not in there]


def _failure(change: Changed, failure: FileFailure) -> Event:
    """Return the event of a failure: an unchanged file that was read before is kept."""
    if change.item is None or isinstance(failure, TextFailure):
        return Failed(change.seen, failure.stage, failure.reason)
    final = not isinstance(failure, UnreadableFile)
    seen, metadata = change.seen, change.unchanged is not None
    if final and metadata and change.sidecars is not None:
        # Else the file would cost every run a worker.
        seen = replace(seen, sidecars=Sidecars(sidecars.state(change.sidecars), None))
    return Kept(seen, change.item, failure.reason, final, metadata)


def text_hash(text: str) -> str:
    """Return the identity of a passage: the SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _image(read: FileContent, content: ImageContent) -> Content:
    return Content(
        read.hash,
        "image",
        read.size,
        content.format,
        content.width,
        content.height,
        content.capture,
        reader_version=READER_VERSION,
        embedded=content.embedded,
        metadata_version=METADATA_VERSION,
    )


def _document(change: Changed, read: FileContent, text: TextContent) -> Content:
    return Content(
        read.hash,
        change.content_kind,
        read.size,
        change.kind,
        table_columns=change.columns,
        omitted=text.omitted or None,
        reader_version=READER_VERSION,
    )


def _passage(name: str, text: str) -> Content:
    size = len(text.encode("utf-8", "surrogatepass"))
    return Content(name, "text", size, "text", text=text, reader_version=READER_VERSION)
