"""Meetings, at the end of a transaction: what has met at a join goes on, and who called an ended instance is woken.

Both depend on what other transitions did, so they are looked at when all of a transaction is written. A transaction
that touched no scope asks nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from segue.adapters.sql.changes import Changes, Ended
from segue.adapters.sql.live import LIVE_COLUMNS, LIVE_FROM, Held, encode_headers, held_of
from segue.adapters.sql.rows import Listed
from segue.core.calls import called_back
from segue.core.joins import Crowd, abandoned, clears, complete, met
from segue.core.scopes import PART, beyond, caller_of, last_kind
from segue.model.message import Child, Place

_SOMEBODY_WAITS = Listed(
    "SELECT DISTINCT m.scope, q.version FROM message m JOIN queue q ON q.id = m.queue"
    " WHERE m.place = 4 AND m.scope IN ({})",
    "text",
)
_VERSION_IN = (
    "SELECT q.version FROM message m JOIN queue q ON q.id = m.queue WHERE m.scope >= ? AND m.scope < ? LIMIT 1"
)
_CROWDS = (
    "SELECT DISTINCT q.node, CASE WHEN m.place = 4 AND m.scope = ? THEN 1 ELSE 0 END"
    " FROM message m JOIN queue q ON q.id = m.queue WHERE m.scope >= ? AND m.scope < ?"
)
_WAITING = f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM} WHERE m.scope = ? AND m.place = 4 AND q.node = ? ORDER BY m.seq"  # noqa: S608
_CALLER = f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM} WHERE m.id = ? AND m.place >= 2 AND m.place = 5"  # noqa: S608
_WAKE = (
    "UPDATE message SET seq = ?, place = 0, entered = ?, due = 0, reason = ?, reason_code = ?, headers = ?, body = ?"
    " WHERE seq = ? AND place = 5"
)


class Meets(Protocol):
    """Makes one message of several, and none of what is in a scope."""

    def meet(self, waiting: Sequence[Held], child: Child, clears: str, at: int) -> None: ...

    def drop(self, scope: str, at: int) -> None: ...


def meet(changes: Changes, settling: Meets, touched: Mapping[str, int]) -> None:
    """Let go on what has met in the scopes that were touched, each at the instant given with it."""
    if not touched:
        return
    found = _SOMEBODY_WAITS.read(changes.cursor, list(touched))
    waited_for: dict[str, int] = {scope: version for scope, version in found}  # noqa: C416 - rows are sequences
    for scope in touched:
        if scope not in waited_for and last_kind(scope) == PART:
            row = changes.cursor.execute(_VERSION_IN, (scope, beyond(scope))).fetchone()
            if row is not None:
                waited_for[scope] = row[0]
    for scope, version in waited_for.items():
        changes.write()  # an earlier one may have taken messages of this scope along
        routes, at = changes.versions.routes(version), touched[scope]
        rows = changes.cursor.execute(_CROWDS, (scope, scope, beyond(scope))).fetchall()
        crowds = [Crowd(node, bool(joins)) for node, joins in rows]
        if abandoned(routes, scope, crowds):
            settling.drop(scope, at)
        for node in complete(routes, scope, crowds):
            there = changes.cursor.execute(_WAITING, (scope, node)).fetchall()
            waiting = [held_of(row, at) for row in there]
            child = met(routes, scope, node, waiting, crowds)
            settling.meet(waiting, child, clears(routes, scope, node), at)


def call_back(changes: Changes, ended: Ended) -> None:
    """Put the message that called an instance back into its queue, if it still waits for its end."""
    row = changes.cursor.execute(_CALLER, (caller_of(ended.scope),)).fetchone()
    if row is None:
        return
    held = held_of(row, ended.at)
    node = changes.versions.routes(held.version).nodes[held.node]
    back = called_back(node, held, ended.state, ended.result)
    seq = changes.next_message()
    values = (seq, ended.at, back.reason, back.code, encode_headers(back.headers), back.body, held.seq)
    if changes.cursor.execute(_WAKE, values).rowcount != 1:
        return  # another process was faster: the message was cancelled meanwhile
    woken = replace(
        held,
        seq=seq,
        place=Place.QUEUED,
        entered=ended.at,
        due=0,
        reason=back.reason,
        reason_code=back.code,
        headers=back.headers,
        body=back.body,
    )
    changes.report.arrived.append(woken)
