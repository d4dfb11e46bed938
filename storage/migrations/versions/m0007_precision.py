"""The precision in which a space's vectors were computed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the precision; what earlier versions computed on a CPU was fp32."""
    precision = sa.Column("precision", sa.Text(), server_default="fp32", nullable=False)
    op.add_column("spaces", precision)
