"""Captions with their words, tags, neutral queries, and failures that are one model's own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# A migration spells its tables out, though others are alike: it stays what it was for ever, and
# what it shared with another would change with that.


def upgrade() -> None:
    """Add captions and tags of items, and columns for several spaces."""
    _captions()
    _tags()
    _neutral()
    _failures()


def _captions() -> None:
    op.create_table(
        "captions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "model"),
    )
    for statement in _WORDS:
        op.execute(statement)


# The words of the captions; the triggers also see deletions that cascade from an item.
_WORDS = (
    "CREATE VIRTUAL TABLE caption_words USING fts5("
    "text, content='captions', content_rowid='id', "
    "tokenize='porter unicode61 remove_diacritics 2')",
    "CREATE TRIGGER captions_added AFTER INSERT ON captions BEGIN "
    "INSERT INTO caption_words (rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER captions_dropped AFTER DELETE ON captions BEGIN "
    "INSERT INTO caption_words (caption_words, rowid, text) "
    "VALUES ('delete', old.id, old.text); END",
    "CREATE TRIGGER captions_changed AFTER UPDATE ON captions BEGIN "
    "INSERT INTO caption_words (caption_words, rowid, text) "
    "VALUES ('delete', old.id, old.text); "
    "INSERT INTO caption_words (rowid, text) VALUES (new.id, new.text); END",
)


def _tags() -> None:
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "label", "model"),
    )
    op.create_index("tags_by_label", "tags", ["label", "model", "item_id"], unique=False)


def _neutral() -> None:
    op.create_table(
        "neutral",
        sa.Column("space_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("space_id", "name"),
    )


def _failures() -> None:
    """Create the table again: SQLite cannot change a primary key."""
    op.drop_index("failures_by_root", "failures")
    op.rename_table("failures", "failures_before")
    op.create_table(
        "failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("root_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("space_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["root_id"], ["roots.id"]),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("path", "space_id"),
    )
    of_files = sa.text("space_id IS NULL")
    op.create_index("failures_of_files", "failures", ["path"], unique=True, sqlite_where=of_files)
    op.create_index("failures_by_root", "failures", ["root_id", "path"], unique=False)
    columns = "path, root_id, stage, reason, size, mtime_ns"
    op.execute(f"INSERT INTO failures ({columns}) SELECT {columns} FROM failures_before")
    op.drop_table("failures_before")
