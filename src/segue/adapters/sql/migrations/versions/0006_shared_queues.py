"""Schema 0006: queues that several processes share; on PostgreSQL alone.

`message.holder` is the process that holds a message, 0 for nobody; `holder` has a row for each process that lives.
Numbers come from sequences, which all processes draw from. Foreign keys of the hot tables are dropped: each row of them
would lock and look up rows of others, and the audit proves more than they do.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBERS = {
    "message_number": "greatest((SELECT max(seq) FROM message), (SELECT max(seq) FROM step))",
    "instance_number": "(SELECT max(num) FROM instance)",
    "event_number": "(SELECT max(seq) FROM event)",
    "log_number": "(SELECT max(seq) FROM log)",
    "queue_number": "(SELECT max(id) FROM queue)",
    "holder_number": "0",
    "catalog_revision": "0",
}

_FOREIGN_KEYS = (
    ("message", "queue"),
    ("message", "instance"),
    ("step", "queue"),
    ("step", "instance"),
    ("log", "queue"),
    ("log", "instance"),
    ("instance", "version"),
    ("event", "version"),
    ("idempotency", "instance"),
    ("idempotency", "process"),
)

_STATEMENTS = (
    "CREATE TABLE holder (id bigint PRIMARY KEY, beat bigint NOT NULL, about text NOT NULL) WITH (fillfactor = 50)",
    "CREATE TABLE queue_lease (queue bigint PRIMARY KEY, holder bigint NOT NULL)",
    "ALTER TABLE message ADD COLUMN holder bigint NOT NULL DEFAULT 0",
    # One index for what is ready (due = 0) by arrival, what is delayed by its due time, and for counting.
    "DROP INDEX message_queue",
    "DROP INDEX message_due",
    "CREATE INDEX message_queue ON message (queue, due, seq) WHERE place = 0",
    # Ids are bytes, whatever language the database sorts in.
    'ALTER TABLE message ALTER COLUMN id TYPE text COLLATE "C"',
    'ALTER TABLE instance ALTER COLUMN id TYPE text COLLATE "C"',
    'ALTER TABLE process ALTER COLUMN name TYPE text COLLATE "C"',
    'ALTER TABLE idempotency ALTER COLUMN key TYPE text COLLATE "C"',
    # A message lives briefly: to compress it costs more than it saves.
    "ALTER TABLE message ALTER COLUMN body SET STORAGE EXTERNAL",
    # Rows come and go all the time: vacuum often, little at a time, without resting.
    "ALTER TABLE message SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01)",
    "ALTER TABLE message SET (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)",
    "ALTER TABLE message SET (autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 5000)",
    "ALTER TABLE instance SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)",
    "ALTER TABLE instance SET (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 1)",
    "ALTER TABLE queue_lease SET (autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0)",
    "ALTER TABLE holder SET (autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0)",
)


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for sequence, highest in _NUMBERS.items():
        op.execute(f"CREATE SEQUENCE {sequence}")
        op.execute(f"SELECT setval('{sequence}', greatest(1, {highest}))")
    for table, column in _FOREIGN_KEYS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_fkey")
    for statement in _STATEMENTS:
        op.execute(statement)
