"""The tables of the store.

Instants are milliseconds since the epoch. A message row is a live message; when it leaves its queue, a step row takes
its place under the same number. `seq` numbers messages in the order of their arrival, over all queues.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

import segue.adapters.sql.tables_aside  # noqa: F401 - so that `metadata` knows them, too
from segue.adapters.sql.columns import Number, metadata, number

__all__ = ["metadata"]

process = Table(
    "process",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("folder", Text, nullable=False),
    number("created", None),
    Column("deployer", Text),
)

version = Table(
    "version",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("process", Number, ForeignKey("process.id"), nullable=False),
    number("number", None),
    Column("state", Text, nullable=False),
    number("created", None),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("semantic_hash", Text, nullable=False),
    Column("entries", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("graph", LargeBinary, nullable=False),
    Column("findings", LargeBinary, nullable=False),
    Column("source", LargeBinary, nullable=False),
    UniqueConstraint("process", "number"),
)

# A queue has a number so that the rows of the data path carry 2 bytes instead of a version and a node id.
queue = Table(
    "queue",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("version", Number, ForeignKey("version.id"), nullable=False),
    Column("node", Text, nullable=False),
    UniqueConstraint("version", "node"),
)

instance = Table(
    "instance",
    metadata,
    Column("num", Number, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("version", Number, ForeignKey("version.id"), nullable=False),
    Column("state", Text, nullable=False),
    number("started", None),
    Column("finished", Number),
    number("live", None),
    number("trash"),
    number("failed"),
    number("cancelled"),
    number("discarded"),
    Column("start_node", Text, nullable=False),
    Column("origin", Text),
)
Index("instance_version", instance.c.version)
not_finished = instance.c.state != literal_column("'finished'")
Index("instance_open", instance.c.state, instance.c.num, sqlite_where=not_finished, postgresql_where=not_finished)

message = Table(
    "message",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("queue", Number, ForeignKey("queue.id"), nullable=False),
    Column("instance", Number, ForeignKey("instance.num"), nullable=False),
    Column("parent", Number),
    Column("place", Integer, nullable=False),
    number("entered", None),
    number("due"),
    number("repeats"),
    number("outages"),
    Column("reason", Text),
    Column("reason_code", Text),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # Compared by its bytes: what is in a scope is a range of texts. NULL is the scope "".
    Column("scope", Text().with_variant(Text(collation="C"), "postgresql")),
    Column("cause", Text),
    Column("aside_at", Number),
)
# `cause` and `aside_at` are those of a message in trash: the fingerprint of its failure, and when it came there.
# `place` is 0 for queued and delayed alike: which of the two a message is depends on the instant one asks. The
# conditions are literals, because a database uses a partial index only for what it can see at planning time.
in_queue = message.c.place == literal_column("0")
aside = message.c.place >= literal_column("2")
held = message.c.place >= literal_column("4")
listening = message.c.place == literal_column("6")
_due_later = in_queue & (message.c.due > literal_column("0"))


def _partial(name: str, where: ColumnElement[bool], *columns: Column[Any]) -> None:
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


_partial("message_queue", in_queue, message.c.queue, message.c.seq)
_partial("message_due", _due_later, message.c.queue, message.c.due, message.c.seq)
Index("message_instance", message.c.instance)
_partial("message_aside", aside, message.c.place, message.c.seq)
_partial("message_aside_queue", aside, message.c.queue)
_partial("message_aside_id", aside, message.c.id)
_partial("message_held", held, message.c.queue)
_partial("message_listening", listening, message.c.reason, message.c.seq)
_partial("message_scope", message.c.scope.is_not(None), message.c.scope, message.c.place, message.c.queue)
_partial("message_cause", message.c.cause.is_not(None), message.c.cause)

# Append only. `parent` is the number of the step whose transition produced the message.
step = Table(
    "step",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("queue", Number, ForeignKey("queue.id"), nullable=False),
    Column("instance", Number, ForeignKey("instance.num"), nullable=False),
    Column("parent", Number),
    Column("outcome", Text, nullable=False),
    number("produced", None),
    number("entered", None),
    number("taken", None),
    number("ended", None),
    number("worker_us"),
    number("remote_us"),
    number("cpu_us"),
    number("repeats"),
    Column("status", Integer),
    Column("by", Text),
    Column("headers", Text),
    Column("body", LargeBinary),
)
Index("step_instance", step.c.instance)

event = Table(
    "event",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    number("at", None),
    Column("version", Number, ForeignKey("version.id")),
    Column("instance", Text),
    Column("node", Text),
    Column("message", Text),
    Column("detail", Text),
)

log = Table(
    "log",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    number("at", None),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("queue", Number, ForeignKey("queue.id"), nullable=False),
    Column("instance", Number, ForeignKey("instance.num"), nullable=False),
    Column("message", Text, nullable=False),
)
Index("log_instance", log.c.instance)
Index("log_queue", log.c.queue)

log_sink = Table(
    "log_sink",
    metadata,
    Column("name", Text, primary_key=True),
    Column("levels", Text, nullable=False),
    number("seq"),
    number("sent"),
    number("refused"),
    number("dropped"),
)

log_level = Table(
    "log_level",
    metadata,
    Column("process", Number, ForeignKey("process.id"), primary_key=True, autoincrement=False),
    Column("level", Text, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("process", Number, ForeignKey("process.id"), primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("instance", Number, ForeignKey("instance.num"), nullable=False),
    Column("message", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("idempotency_instance", idempotency.c.instance)

# The tick of a schedule that was decided last, and what it started; nothing when it was skipped.
schedule_state = Table(
    "schedule_state",
    metadata,
    Column("process", Number, ForeignKey("process.id"), primary_key=True, autoincrement=False),
    Column("node", Text, primary_key=True),
    number("tick", None),
    Column("instance", Text),
    Column("version", Integer),
    Column("message", Text),
    sqlite_with_rowid=False,
)

# A call that counts under a limit: `holder` names it, `ended` is null while it runs.
limit_slot = Table(
    "limit_slot",
    metadata,
    Column("key", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    number("granted", None),
    Column("ended", Number),
    Column("member", Number),
    sqlite_with_rowid=False,
)
Index("limit_slot_ended", limit_slot.c.key, limit_slot.c.ended)

# The rules of limits that versions have; `version` 0 is for rules of none.
limit_declared = Table(
    "limit_declared",
    metadata,
    Column("key", Text, primary_key=True),
    Column("version", Number, primary_key=True, autoincrement=False),
    Column("calls", Number, primary_key=True, autoincrement=False),
    Column("per_ms", Number, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# The processes that share the store: what each said of itself last, and when, by the clock of the store.
member = Table(
    "member",
    metadata,
    Column("id", Text, primary_key=True),
    number("seen", None),
    Column("about", Text, nullable=False),
)

# Who leads in something that one process does for all, and until when.
lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    number("until", None),
)

worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    number("created", None),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    number("created", None),
    Column("last_used", Number),
)

# People who sign in; `password` is a hash with its parameters.
user = Table(
    "user",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    number("created", None),
)

# Who is signed in, by the digest of the cookie.
session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("user", Text, nullable=False),
    number("created", None),
    number("used", None),
    number("expires", None),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
)

# Installs of applications and webhooks; what they say is sealed, what they are found by stands beside.
document = Table(
    "document",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("enabled", Integer, nullable=False),
    Column("process", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("expires", Number),
    number("created", None),
    number("updated", None),
    Column("deleted", Number),
    Column("fields", LargeBinary, nullable=False),
    Column("own", LargeBinary, nullable=False),
)
Index("document_user", document.c.kind, document.c.user, document.c.application)
Index("document_process", document.c.kind, document.c.process, document.c.node)

# What came in at webhooks, the newest of each; ids sort by time.
delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("webhook", Text, nullable=False),
    number("at", None),
    Column("method", Text, nullable=False),
    Column("sender", Text, nullable=False),
    number("size", None),
    Column("status", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("instance", Text),
)
Index("delivery_webhook", delivery.c.webhook, delivery.c.id)

# Authorizations that a person began and has not come back from.
pending_authorization = Table(
    "pending_authorization",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    number("expires", None),
    Column("content", LargeBinary, nullable=False),
)

# How far a reader of stored events has come.
mark = Table(
    "mark",
    metadata,
    Column("name", Text, primary_key=True),
    number("seq", None),
)

# Who may become a user; `digest` is that of the secret in the link.
invitation = Table(
    "invitation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    number("created", None),
    number("expires", None),
    Column("by", Text, nullable=False),
)

# Who did what. Append only: no statement of ours changes or removes a row.
activity = Table(
    "activity",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    number("at", None),
    Column("by", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("address", Text, nullable=False),
)
Index("activity_by", activity.c.by, activity.c.seq)

# What pruned history had added up to, so that the ledger stays true without its rows.
carried = Table(
    "carried",
    metadata,
    Column("version", Number, ForeignKey("version.id"), primary_key=True, autoincrement=False),
    number("accepted", None),
    number("produced", None),
    number("consumed", None),
)

# Ways out for notices; `settings` is encrypted. The rest is how the last tries went.
sender = Table(
    "sender",
    metadata,
    Column("name", Text, primary_key=True),
    Column("settings", LargeBinary, nullable=False),
    number("created", None),
    Column("delivered_at", Number),
    Column("failed_at", Number),
    Column("error", Text),
    number("failures"),
    number("until"),
)

# Who is told of what; `rule` is the rule as JSON.
notice_rule = Table(
    "notice_rule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sender", Text, nullable=False),
    number("created", None),
    Column("rule", LargeBinary, nullable=False),
)

# Outbox and delivery log in one. `told` is what is told, as JSON.
notice = Table(
    "notice",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    Column("rule", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("state", Text, nullable=False),
    number("first_at", None),
    number("last_at", None),
    number("due", None),
    number("count", None),
    number("suppressed"),
    number("attempts"),
    Column("error", Text),
    Column("delivered_at", Number),
    Column("told", LargeBinary, nullable=False),
)
Index("notice_cause", notice.c.rule, notice.c.cause, notice.c.seq)
_partial("notice_due", notice.c.state == literal_column("'pending'"), notice.c.sender, notice.c.due)
_partial("notice_gathering", notice.c.state == literal_column("'gathering'"), notice.c.due)

# What a commit measured, until it is added to the figures.
measure = Table(
    "measure",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

# Figures of a node, or with "" of all instances of a version, in the `span` seconds that begin at `at`.
metric = Table(
    "metric",
    metadata,
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("version", Number, ForeignKey("version.id"), primary_key=True, autoincrement=False),
    Column("node", Text, primary_key=True),
    Column("at", Number, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
Index("metric_at", metric.c.span, metric.c.at)

# Facts about the store itself, by name: the schema's revision, numbers that must never be given twice.
fact = Table(
    "fact",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)
