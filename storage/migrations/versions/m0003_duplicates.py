"""Fingerprints and features for finding duplicates, their pairs, and decisions on them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# A migration spells its tables out, though others are alike: it stays what it was for ever, and
# what it shared with another would change with that.


def upgrade() -> None:
    """Add fingerprints, local features, pairs, how far each method came, and decisions."""
    _evidence(
        "fingerprints",
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
    )
    _evidence(
        "features",
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
    )
    _pairs()
    _compared()
    _decisions()


def _evidence(name: str, *columns: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item_id"),
        sqlite_autoincrement=True,
    )


def _pairs() -> None:
    op.create_table(
        "pairs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.CheckConstraint("first_id < second_id", name="pairs_in_order"),
        sa.ForeignKeyConstraint(["first_id"], ["items.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["second_id"], ["items.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("first_id", "second_id", "kind"),
    )
    op.create_index("pairs_by_second", "pairs", ["second_id"], unique=False)


def _compared() -> None:
    op.create_table(
        "compared",
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("watermark", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("method"),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "hashes"),
    )
