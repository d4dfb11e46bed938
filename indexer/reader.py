"""One file read once: its bytes become everything the library will keep of it.

This is the work of a worker process, as a plain function from a task to a result; nothing it
needs drags in a database or a network.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import BytesIO
from typing import Literal

from indexer.images.decode import open_header, open_image, read_bytes, why_unreadable
from indexer.images.limits import Limits
from indexer.images.metadata import annotations
from indexer.images.preprocess import prepare, sides_needed
from indexer.images.thumbnail import thumbnail
from indexer.models.protocols import ImageSpec, Pixels
from indexer.texts.passages import passages
from indexer.texts.tabular import csv_passages, jsonl_passages
from indexer.texts.text_encoding import decode
from storage.errors import DecodeFailure, FileFailure, TextFailure, UnreadableFile
from storage.records import Annotations, Capture, Span

# By which rules bytes are read; it rises when a file may be read otherwise than before, and what
# an earlier version read is then looked at again. It does not rise for another scale at which a
# codec decodes, as for JPEG since it was 1: the vectors' cosine is above 0.9999.
# 0: before there were versions. 1: colour profiles, the orientation of JPEG XL, 10 to 16 bits,
# transparent colours, small damage; dates, places and cameras as they are really written;
# encodings of text, rows of tables.
READER_VERSION = 1
# By which rules the metadata of images is read: what `indexer.images.metadata.annotations` finds.
# Where it rises, that alone is read again. 0: before there was any but the camera's. 1: dates of
# clocks never set were taken for dates, and days without a time for none.
METADATA_VERSION = 2


@dataclass(frozen=True, slots=True)
class ReadTask:
    """A file to be read, and what is to be made of it.

    `known` holds the hashes of content that is stored already: a file with one of them is not
    decoded again. `outdated` are those of images that an earlier version read, and which: of
    them only the header is read, unless this version may give other pixels. `text_columns` names
    what a table's passages are taken from. Of an `unchanged` image, given by its hash, what people
    say of it is read and nothing else, and in its own bytes only `with_embedded`.
    """

    path: str  # as the file system gave it, undecodable bytes as surrogates
    kind: Literal["image", "text", "table"]
    spec: ImageSpec
    limits: Limits
    known: frozenset[str] = frozenset()
    outdated: Mapping[str, int] = field(default_factory=dict)
    full_decode: bool = False
    text_columns: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()  # paths
    unchanged: str | None = None
    with_embedded: bool = False

    @property
    def seconds(self) -> float:
        """Return the seconds that the task may take."""
        return self.limits.seconds

    def run(self) -> "FileContent":
        """Read the file; raises a FileFailure that says why it cannot be used."""
        return read(self)


@dataclass(frozen=True, slots=True)
class ImageContent:
    """The stored data of an image, and the pixels for its encoder."""

    format: str
    width: int  # upright
    height: int
    capture: Capture
    thumbnail: bytes  # WebP
    pixels: Pixels  # (size, size, 3) uint8
    reads_since: int = 0  # the first version that gives these pixels
    embedded: Annotations = Annotations()


@dataclass(frozen=True, slots=True)
class HeaderContent:
    """The metadata of an image whose pixels are unchanged since an earlier version."""

    capture: Capture
    embedded: Annotations = Annotations()


@dataclass(frozen=True, slots=True)
class MetadataContent:
    """The metadata of an unchanged image; `embedded` is None where it was known."""

    embedded: Annotations | None


@dataclass(frozen=True, slots=True)
class TextContent:
    """The passages of a text, in order, and in words what of it could not be read."""

    spans: tuple[Span, ...]
    omitted: str = ""


@dataclass(frozen=True, slots=True)
class FileContent:
    """The identity of a file's content, the content unless known, and what sidecars say.

    `sidecars` is None where one could not be read just now, and `unread` names it with the reason.
    `hash_seconds` went into reading and hashing its bytes.
    """

    hash: str  # SHA-256, 64 hexadecimal digits
    size: int  # bytes that were hashed
    content: ImageContent | HeaderContent | MetadataContent | TextContent | None
    sidecars: Annotations | None = Annotations()
    unread: str = ""
    hash_seconds: float = field(default=0.0, compare=False)


def read(task: ReadTask) -> FileContent:
    """Read one file; raises a FileFailure that says why it cannot be used."""
    try:
        return _read(task)
    except FileFailure:
        raise
    except MemoryError:
        failure = DecodeFailure if task.kind == "image" else TextFailure
        raise failure(task.limits.too_much_memory()) from None


def _read(task: ReadTask) -> FileContent:
    sidecars: Annotations | None = None
    unread = ""
    try:
        sidecars = annotations.of_sidecars(task.sidecars)
    except OSError as error:
        unread = f"{error.filename} could not be read ({why_unreadable(error)})"
    return replace(_content(task), sidecars=sidecars, unread=unread)


def _content(task: ReadTask) -> FileContent:
    if task.unchanged is not None:
        return FileContent(task.unchanged, 0, _metadata(task))
    began, limits = time.perf_counter(), task.limits
    if task.kind == "image":
        data = read_bytes(task.path, limits.file_bytes)
    else:
        data = read_bytes(task.path, limits.text_bytes, "text_bytes")
    digest = sha256(data).hexdigest()
    taken = time.perf_counter() - began
    content: ImageContent | HeaderContent | TextContent | None = None
    if digest not in task.known:
        content = _image(data, digest, task) if task.kind == "image" else _text(data, task)
    return FileContent(digest, len(data), content, hash_seconds=taken)


def _metadata(task: ReadTask) -> MetadataContent:
    try:
        return MetadataContent(annotations.embedded_in(task.path) if task.with_embedded else None)
    except OSError as error:
        raise UnreadableFile(why_unreadable(error)) from None


def _image(data: bytes, digest: str, task: ReadTask) -> ImageContent | HeaderContent:
    if digest in task.outdated:
        header = open_header(data, task.limits)
        if header.reads_since <= task.outdated[digest]:
            return HeaderContent(header.capture, annotations.embedded(BytesIO(data)))
    smallest = None if task.full_decode else sides_needed(task.spec)
    image = open_image(data, limits=task.limits, smallest=smallest)
    return ImageContent(
        image.format,
        image.width,
        image.height,
        image.capture,
        thumbnail(image.image),
        prepare(image.image, task.spec),
        image.reads_since,
        annotations.embedded(BytesIO(data)),
    )


def _text(data: bytes, task: ReadTask) -> TextContent:
    decoded = decode(data)
    if task.kind != "table":
        return TextContent(passages(decoded.text), decoded.damage)
    split = csv_passages if task.path.lower().endswith(".csv") else jsonl_passages
    spans, omitted = split(decoded.text, task.text_columns)
    return TextContent(spans, "; ".join(filter(None, (decoded.damage, omitted))))
