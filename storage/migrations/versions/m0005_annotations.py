"""Ratings, keywords and descriptions, of images and their sidecars; the columns of tables."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add ratings, keywords and descriptions with their words, sidecars, and table columns."""
    _add("items", sa.Column("table_columns", sa.JSON(), nullable=True))
    _add("items", sa.Column("metadata_version", sa.Integer(), nullable=False, server_default="0"))
    _add("files", sa.Column("sidecar_state", sa.Text(), nullable=True))
    _add("files", sa.Column("sidecars", sa.JSON(), nullable=True))
    _move_table_columns()
    _annotations()
    _keywords()
    for statement in _WORDS:
        op.execute(statement)


def _add(table: str, column: "sa.Column[object]") -> None:
    op.add_column(table, column)


def _move_table_columns() -> None:
    """Take the columns of a table out of its format, which was `table:["caption"]`."""
    op.execute(
        "UPDATE items SET table_columns = substr(format, 7), format = 'table' "
        "WHERE kind = 'table' AND substr(format, 1, 6) = 'table:'"
    )


def _annotations() -> None:
    op.create_table(
        "annotations",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("embedded", sa.JSON(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index("annotations_by_rating", "annotations", ["rating"], unique=False)
    op.create_index("annotations_by_date", "annotations", ["taken_at"], unique=False)


def _keywords() -> None:
    op.create_table(
        "keywords",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id", "folded"),
    )
    op.create_index("keywords_by_word", "keywords", ["folded", "item_id"], unique=False)


# One index for the words of captions and of annotations, so that both are ranked by the same
# figures: FTS5 takes no second table for its content, but a view of two. The triggers of captions
# name the table alone, and stay.
_WORDS = (
    "CREATE VIEW searchable_texts AS SELECT id, text FROM captions UNION ALL "
    "SELECT -item_id, words FROM annotations WHERE words <> ''",
    "DROP TABLE caption_words",
    "CREATE VIRTUAL TABLE caption_words USING fts5("
    "text, content='searchable_texts', content_rowid='id', "
    "tokenize='porter unicode61 remove_diacritics 2')",
    "INSERT INTO caption_words (caption_words) VALUES ('rebuild')",
    "CREATE TRIGGER annotations_added AFTER INSERT ON annotations WHEN new.words <> '' BEGIN "
    "INSERT INTO caption_words (rowid, text) VALUES (-new.item_id, new.words); END",
    "CREATE TRIGGER annotations_dropped AFTER DELETE ON annotations WHEN old.words <> '' BEGIN "
    "INSERT INTO caption_words (caption_words, rowid, text) "
    "VALUES ('delete', -old.item_id, old.words); END",
    "CREATE TRIGGER annotations_changed AFTER UPDATE OF words ON annotations "
    "WHEN old.words <> new.words BEGIN "
    "INSERT INTO caption_words (caption_words, rowid, text) "
    "SELECT 'delete', -old.item_id, old.words WHERE old.words <> ''; "
    "INSERT INTO caption_words (rowid, text) "
    "SELECT -new.item_id, new.words WHERE new.words <> ''; END",
)
