"""By which rules content was read, how a file looked beyond its size and date, and exclusion."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the reader's version to contents and failures, and three columns to files."""
    for table in ("items", "failures"):
        version = sa.Column("reader_version", sa.Integer(), nullable=False, server_default="0")
        op.add_column(table, version)
    op.add_column("files", sa.Column("ctime_ns", sa.BigInteger(), nullable=True))
    op.add_column("files", sa.Column("inode", sa.Text(), nullable=True))
    excluded = sa.Column("excluded", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("files", excluded)
