"""Schema 0004: senders, rules, and notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _sender()
    _notice_rule()
    _notice()
    _notice_indexes()


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _sender() -> None:
    op.create_table(
        "sender",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("created", _number(), nullable=False),
        sa.Column("delivered_at", _number(), nullable=True),
        sa.Column("failed_at", _number(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("failures", _number(), server_default="0", nullable=False),
        sa.Column("until", _number(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _notice_rule() -> None:
    op.create_table(
        "notice_rule",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("created", _number(), nullable=False),
        sa.Column("rule", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("seq", _number(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_at", _number(), nullable=False),
        sa.Column("last_at", _number(), nullable=False),
        sa.Column("due", _number(), nullable=False),
        sa.Column("count", _number(), nullable=False),
        sa.Column("suppressed", _number(), server_default="0", nullable=False),
        sa.Column("attempts", _number(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("delivered_at", _number(), nullable=True),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("key"),
    )


def _notice_indexes() -> None:
    op.create_index("notice_cause", "notice", ["rule", "cause", "seq"], unique=False)
    for name, state, columns in (
        ("notice_due", "pending", ["sender", "due"]),
        ("notice_gathering", "gathering", ["due"]),
    ):
        where = sa.text(f"state = '{state}'")
        op.create_index(name, "notice", columns, unique=False, sqlite_where=where, postgresql_where=where)
