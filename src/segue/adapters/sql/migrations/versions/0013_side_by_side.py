"""Schema 0013: processes of two releases side by side; on PostgreSQL alone.

`holder.revision` is the schema that the code of a process knows; NULL in rows of code from before this step.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    if op.get_context().dialect.name == "postgresql":
        op.add_column("holder", sa.Column("revision", sa.Text(), nullable=True))
