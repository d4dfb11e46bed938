"""The tables of the catalogue, and nothing else.

Paths are stored as the bytes the file system uses, so a name that is not UTF-8 is kept exactly
and folder filters are ranges over bytes. Vectors are fp16 in little-endian order.
"""

import os

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)


class FilePath(TypeDecorator[str]):
    """A path as `os.fsencode` writes it; `str` (with surrogate escapes) outside."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else os.fsdecode(value)


class Words(TypeDecorator[str]):
    """Text of any origin: half of a surrogate pair, which no database takes, becomes "?"."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.encode("utf-8", "replace").decode("utf-8")


class ContentHash(TypeDecorator[str]):
    """A SHA-256 as 32 bytes; 64 hexadecimal digits outside."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else value.hex()


class ContentHashes(TypeDecorator[tuple[str, ...]]):
    """Several SHA-256 of 32 bytes, one after the other; hexadecimal digits outside."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else bytes.fromhex("".join(value))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> tuple[str, ...] | None:
        if value is None:
            return None
        return tuple(value[start : start + 32].hex() for start in range(0, len(value), 32))


class ColumnNames(TypeDecorator[tuple[str, ...]]):
    """The names of columns as a JSON list; none of them is null."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(
        self, value: tuple[str, ...] | None, dialect: Dialect
    ) -> list[str] | None:
        return list(value) if value else None

    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(value or ())


metadata = MetaData()

roots = Table(
    "roots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", FilePath, nullable=False, unique=True),
    Column("walked", Boolean(create_constraint=False), nullable=False),
    Column("inode", Text),  # device and number of the folder, to know it by when it is renamed
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", ContentHash, nullable=False),
    Column("kind", Text, nullable=False),  # image, text (a passage), document, table
    Column("bytes", BigInteger, nullable=False),
    Column("format", Words, nullable=False),  # JPEG, HEIF, … as decoded; text, document, table
    Column("width", Integer),
    Column("height", Integer),
    Column("taken_at", Text),
    Column("camera", Words),
    Column("lens", Words),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("text", Words),
    # Whether some file that holds it is there: kept in step with `files` by storage.tables.items
    # alone, so that a search need not join two million rows to know what to hide.
    Column("present", Boolean(create_constraint=False), nullable=False),
    # By which rules its bytes were read: see `indexer.reader.READER_VERSION`.
    Column("reader_version", Integer, nullable=False, server_default="0"),
    # What of its bytes could not be read, in words; null where all of them were.
    Column("omitted", Words),
    Column("table_columns", ColumnNames),  # of a table: which of them its passages stand in
    # By which rules its metadata was read; 0: not yet. See `indexer.reader.METADATA_VERSION`.
    Column("metadata_version", Integer, nullable=False, server_default="0"),
    UniqueConstraint("kind", "hash"),
    Index("items_by_hash", "hash"),
    Index("items_by_bytes", "bytes", "kind"),
    Index("items_by_date", "taken_at"),
    Index("items_absent", "id", sqlite_where=Column("present", Boolean).is_(False)),
    Index("items_in_part", "id", sqlite_where=Column("omitted", Words).is_not(None)),
    sqlite_autoincrement=True,
)

files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("root_id", ForeignKey("roots.id"), nullable=False),
    Column("path", FilePath, nullable=False, unique=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("missing", Boolean(create_constraint=False), nullable=False),
    # Null where the system has none, or where the file was recorded before they were looked at.
    Column("ctime_ns", BigInteger),
    Column("inode", Text),
    # An exclude pattern names it now: it is there, and no search shows it.
    Column("excluded", Boolean(create_constraint=False), nullable=False, server_default=false()),
    # Names, sizes and dates of an image's sidecars when they were read, and what they say.
    Column("sidecar_state", Text),
    Column("sidecars", JSON(none_as_null=True)),
    Index("files_by_item", "item_id"),
    Index("files_by_root", "root_id", "path"),
    Index("files_missing", "path", sqlite_where=Column("missing", Boolean).is_(True)),
    Index("files_excluded", "path", sqlite_where=Column("excluded", Boolean).is_(True)),
)

passages = Table(
    "passages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Index("passages_by_document", "document_id"),
    Index("passages_by_item", "item_id"),
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("preprocessing", Text, nullable=False),
    Column("current", Boolean(create_constraint=False), nullable=False),
    Column("precision", Text, nullable=False, server_default="fp32"),
    UniqueConstraint("name", "revision", "preprocessing"),
)

vectors = Table(
    "vectors",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), nullable=False),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),  # of the item: images and texts are ranked apart
    Column("vector", LargeBinary, nullable=False),  # (dimension,) fp16, unit length
    UniqueConstraint("item_id", "space_id"),
    Index("vectors_by_kind", "space_id", "kind"),
    # Numbers are never used again: a build's watermark stays true after a deletion.
    sqlite_autoincrement=True,
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("vector_id", Integer, primary_key=True),  # deleted, but still in the build
    Column("space_id", ForeignKey("spaces.id"), nullable=False),
    Column("kind", Text, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", FilePath, nullable=False),
    Column("root_id", ForeignKey("roots.id"), nullable=False),
    Column("stage", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger),
    Column("inode", Text),
    # Where one model could not encode what others can: the space of that model.
    Column("space_id", ForeignKey("spaces.id")),
    Column("reader_version", Integer, nullable=False, server_default="0"),
    # For SQLite no NULL equals another: what is a failure of the file itself has its own index.
    UniqueConstraint("path", "space_id"),
    Index(
        "failures_of_files",
        "path",
        unique=True,
        sqlite_where=Column("space_id", Integer).is_(None),
    ),
    Index("failures_by_root", "root_id", "path"),
)

# What people say of an image: `embedded` in its own bytes, the other columns joined with what the
# sidecars of its files say, kept in step with both by storage.tables.annotations alone. Date and
# place are here where the camera wrote none.
annotations = Table(
    "annotations",
    metadata,
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), primary_key=True),
    Column("embedded", JSON(none_as_null=True)),
    Column("rating", Integer),  # 0 to 5 stars, -1 rejected
    Column("description", Words),  # the title and what is said below it
    Column("taken_at", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("words", Words, nullable=False, server_default=""),  # what a search looks through
    Index("annotations_by_rating", "rating"),
    Index("annotations_by_date", "taken_at"),
)

keywords = Table(
    "keywords",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("word", Words, nullable=False),
    Column("folded", Words, nullable=False),  # for caseless matching
    UniqueConstraint("item_id", "folded"),
    Index("keywords_by_word", "folded", "item_id"),
)

# What models say of an item, one caption of each. Triggers keep `caption_words`, an FTS5 table
# that no SQLAlchemy table stands for, in step with it and with the words of `annotations`, which
# have the negative number of their item there.
captions = Table(
    "captions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("model", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("text", Words, nullable=False),
    UniqueConstraint("item_id", "model"),
)

tags = Table(
    "tags",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("label", Words, nullable=False),
    Column("model", Text, nullable=False),
    Column("score", Float, nullable=False),
    UniqueConstraint("item_id", "label", "model"),
    Index("tags_by_label", "label", "model", "item_id"),
)

# Vectors of queries that mean nothing in particular, by which a cosine is judged.
neutral = Table(
    "neutral",
    metadata,
    Column("space_id", ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),  # of the bank of queries
    Column("vectors", LargeBinary, nullable=False),  # (queries, dimension) float32, unit rows
)

# Vectors of texts that were asked, so that a repeated question loads no model.
query_vectors = Table(
    "query_vectors",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("space_id", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("text_hash", ContentHash, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # (dimension,) float32, unit length
    Column("truncation", JSON(none_as_null=True)),  # tokens read, tokens, words read; null: all
    UniqueConstraint("space_id", "text_hash"),
)

# What an image looks like in few bytes. Numbers are never used again, and those of an image
# are never written over: how far a method has compared stays true after a deletion.
fingerprints = Table(
    "fingerprints",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("hashes", LargeBinary, nullable=False),  # (8, 32) uint8: 256 bits, each way it can lie
    Column("quality", Integer, nullable=False),
    sqlite_autoincrement=True,
)

features = Table(
    "features",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("codes", LargeBinary, nullable=False),  # (n, 16) uint8
    Column("points", LargeBinary, nullable=False),  # (n, 4) fp16: x, y, size, angle
    sqlite_autoincrement=True,
)

# Two images may be a pair of several kinds, found by several methods: what is forgotten of one
# kind leaves the others whole.
pairs = Table(
    "pairs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("first_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("second_id", ForeignKey("items.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    UniqueConstraint("first_id", "second_id", "kind"),
    CheckConstraint("first_id < second_id", name="pairs_in_order"),
    Index("pairs_by_second", "second_id"),
)

compared = Table(
    "compared",
    metadata,
    Column("method", Text, primary_key=True),  # hashes, features, vectors:SPACE
    Column("watermark", Integer, nullable=False),  # every row up to this number was compared
)

# What a person decided, by content alone: it outlives the rows of items and of models.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # keep-all, not-duplicates
    Column("hashes", ContentHashes, nullable=False),  # sorted; one for each file of the group
    Column("at", Text, nullable=False),
    UniqueConstraint("kind", "hashes"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("command", Words, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("outcome", Text),  # done, interrupted, failed, or died (found by the next run)
    Column("counts", JSON),
)

builds = Table(
    "builds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("space_id", ForeignKey("spaces.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("index_kind", Text, nullable=False),
    Column("file", Text, nullable=False, unique=True),
    Column("watermark", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("recall", Float, nullable=False),
    UniqueConstraint("space_id", "kind"),
    sqlite_autoincrement=True,
)
