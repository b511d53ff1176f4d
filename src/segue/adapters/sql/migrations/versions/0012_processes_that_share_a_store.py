"""Schema 0012: processes that share a store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _lease()
    _limit_declared()
    _member()
    _limit_slot()
    _limit_slot_indexes()
    _process()


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _limit_declared() -> None:
    op.create_table(
        "limit_declared",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("calls", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("per_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "version", "calls", "per_ms"),
        sqlite_with_rowid=False,
    )


def _member() -> None:
    op.create_table(
        "member",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _limit_slot() -> None:
    op.add_column(
        "limit_slot", sa.Column("member", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
    )


def _limit_slot_indexes() -> None:
    op.create_index("limit_slot_ended", "limit_slot", ["key", "ended"], unique=False)


def _process() -> None:
    op.add_column("process", sa.Column("deployer", sa.Text(), nullable=True))
