"""Schema 0007: scopes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _message()
    _message_indexes()


def _message() -> None:
    op.add_column(
        "message", sa.Column("scope", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True)
    )


def _message_indexes() -> None:
    op.create_index(
        "message_held",
        "message",
        ["queue"],
        unique=False,
        sqlite_where=sa.text("place >= 4"),
        postgresql_where=sa.text("place >= 4"),
    )
    op.create_index(
        "message_listening",
        "message",
        ["reason", "seq"],
        unique=False,
        sqlite_where=sa.text("place = 6"),
        postgresql_where=sa.text("place = 6"),
    )
    op.create_index(
        "message_scope",
        "message",
        ["scope", "place", "queue"],
        unique=False,
        sqlite_where=sa.text("scope IS NOT NULL"),
        postgresql_where=sa.text("scope IS NOT NULL"),
    )
