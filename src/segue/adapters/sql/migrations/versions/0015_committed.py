"""Schema 0015: which transaction of each writer was committed last; on PostgreSQL alone.

A writer numbers its transactions, and notes the number in each. `at` is when that was, by the database's clock.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    if op.get_context().dialect.name == "postgresql":
        op.create_table(
            "committed",
            sa.Column("writer", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.Column("at", sa.DateTime(timezone=True), nullable=False),
            sa.PrimaryKeyConstraint("writer"),
            postgresql_with={"fillfactor": 50},
        )
