"""Schema 0014: how far the tickets of a process are with the broker; on PostgreSQL alone.

Of a message that this holder brought into a queue up to the number `confirmed`, the broker has a ticket.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    if op.get_context().dialect.name == "postgresql":
        op.create_table(
            "relay",
            sa.Column("holder", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("confirmed", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("holder"),
            postgresql_with={"fillfactor": 50},
        )
