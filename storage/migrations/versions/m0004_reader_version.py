"""By which rules content was read and how much of it, more of how a file looked, exclusion."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the reader's version, what was left out, the change time and number, and exclusion."""
    for table in ("items", "failures"):
        _add(table, sa.Column("reader_version", sa.Integer(), nullable=False, server_default="0"))
    _add("items", sa.Column("omitted", sa.Text(), nullable=True))
    in_part = sa.text("omitted IS NOT NULL")
    op.create_index("items_in_part", "items", ["id"], unique=False, sqlite_where=in_part)
    for table in ("files", "failures"):
        _add(table, sa.Column("ctime_ns", sa.BigInteger(), nullable=True))
        _add(table, sa.Column("inode", sa.Text(), nullable=True))
    _add("files", sa.Column("excluded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "files_excluded", "files", ["path"], unique=False, sqlite_where=sa.text("excluded IS 1")
    )


def _add(table: str, column: "sa.Column[object]") -> None:
    op.add_column(table, column)
