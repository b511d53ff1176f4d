"""Schema 0008: measures and figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "measure",
        sa.Column("seq", number, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "metric",
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", number, autoincrement=False, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("at", number, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["version.id"]),
        sa.PrimaryKeyConstraint("span", "version", "node", "at"),
        sqlite_with_rowid=False,
    )
    op.create_index("metric_at", "metric", ["span", "at"], unique=False)
