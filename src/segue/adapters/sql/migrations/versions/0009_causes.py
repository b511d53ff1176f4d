"""Schema 0009: causes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from segue.core.causes import cause_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _operation()
    _act()
    _act_indexes()
    _message()
    _message_indexes()
    _fill()


def _operation() -> None:
    op.create_table(
        "operation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("finished", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wanted", sa.LargeBinary(), nullable=False),
        sa.Column("change", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("done", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("gone", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("upto", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def _act() -> None:
    op.create_table(
        "act",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("instance", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance"],
            ["instance.num"],
        ),
        sa.PrimaryKeyConstraint("seq"),
    )


def _act_indexes() -> None:
    op.create_index("act_instance", "act", ["instance"], unique=False)
    op.create_index("act_message", "act", ["message"], unique=False)
    op.create_index(
        "act_operation",
        "act",
        ["operation"],
        unique=False,
        sqlite_where=sa.text("operation IS NOT NULL"),
        postgresql_where=sa.text("operation IS NOT NULL"),
    )


def _message() -> None:
    op.add_column("message", sa.Column("cause", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("aside_at", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))


def _message_indexes() -> None:
    op.create_index(
        "message_cause",
        "message",
        ["cause"],
        unique=False,
        sqlite_where=sa.text("cause IS NOT NULL"),
        postgresql_where=sa.text("cause IS NOT NULL"),
    )


def _fill() -> None:
    """Give the messages that are in trash the fingerprint of their failure; when they came there is not known."""
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT m.seq, q.node, m.reason_code, m.reason FROM message m JOIN queue q ON q.id = m.queue"
            " WHERE m.place = 3"
        )
    ).fetchall()
    for seq, node, code, reason in found:
        connection.execute(
            sa.text("UPDATE message SET cause = :cause WHERE seq = :seq"),
            {"cause": cause_of(node, code, reason), "seq": seq},
        )
