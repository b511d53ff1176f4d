"""The tables of what people do to many messages, of large transitions, and of limits that people give."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from segue.adapters.sql.columns import Number, metadata, number

# What people did to messages that waited for them; written in the transaction that did it.
act = Table(
    "act",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    number("at", None),
    Column("by", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("instance", Number, ForeignKey("instance.num"), nullable=False),
    Column("operation", Text),
)
Index("act_message", act.c.message)
Index("act_instance", act.c.instance)
Index(
    "act_operation",
    act.c.operation,
    sqlite_where=act.c.operation.is_not(None),
    postgresql_where=act.c.operation.is_not(None),
)

# Something done to many messages in the background. `wanted` and `change` are JSON; `after` is the number of the last
# message that was looked at, `upto` the highest one when it began.
operation = Table(
    "operation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("by", Text, nullable=False),
    number("created", None),
    Column("finished", Number),
    Column("wanted", LargeBinary, nullable=False),
    Column("change", LargeBinary),
    Column("version", Integer),
    number("total"),
    number("done"),
    number("gone"),
    number("failed"),
    number("after"),
    number("upto"),
    Column("error", Text),
)

# The children of one large transition (`adapters/sql/spreads.py`). Before it is released nobody sees them; what says
# whose children they are is null until then. `moved` of them are in `message` already.
spread = Table(
    "spread",
    metadata,
    Column("num", Number, primary_key=True, autoincrement=False),
    number("count", None),
    Column("released", Integer, nullable=False),
    number("moved", None),
    number("holder"),
    Column("version", Number),
    Column("instance", Number),
    Column("parent", Number),
    Column("parent_id", Text),
    Column("at", Number),
)

staged = Table(
    "staged",
    metadata,
    Column("spread", Number, primary_key=True, autoincrement=False),
    Column("num", Number, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("queue", Number, ForeignKey("queue.id"), nullable=False),
    Column("place", Integer, nullable=False),
    number("due"),
    Column("reason", Text),
    Column("reason_code", Text),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("scope", Text),
)

# Rules for a key that a person gave; `rules` is JSON.
limit_given = Table(
    "limit_given",
    metadata,
    Column("key", Text, primary_key=True),
    Column("rules", LargeBinary, nullable=False),
    Column("by", Text, nullable=False),
    number("at", None),
    Column("note", Text, nullable=False),
)
