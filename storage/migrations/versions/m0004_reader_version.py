"""By which rules content was read, how a file looked beyond its size and date, and exclusion."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the reader's version, the change time and the number, and exclusion with its index."""
    for table in ("items", "failures"):
        _add(table, sa.Column("reader_version", sa.Integer(), nullable=False, server_default="0"))
    for table in ("files", "failures"):
        _add(table, sa.Column("ctime_ns", sa.BigInteger(), nullable=True))
        _add(table, sa.Column("inode", sa.Text(), nullable=True))
    _add("files", sa.Column("excluded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "files_excluded", "files", ["path"], unique=False, sqlite_where=sa.text("excluded IS 1")
    )


def _add(table: str, column: "sa.Column[object]") -> None:
    op.add_column(table, column)
