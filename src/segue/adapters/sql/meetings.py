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
from segue.adapters.sql.rows import Cursor, Listed, Rows
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
# The order of a cross join is that of the text: the scopes first, then by the index what is in each.
_CROWDS = Rows(
    "SELECT DISTINCT d.column1, q.node, CASE WHEN m.place = 4 AND m.scope = d.column1 THEN 1 ELSE 0 END"
    " FROM {} d CROSS JOIN message m JOIN queue q ON q.id = m.queue"
    " WHERE m.scope >= d.column1 AND m.scope < d.column2",
    "text text",
)
_WAITING = Listed(
    f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM} WHERE m.place = 4 AND m.scope IN ({{}}) ORDER BY m.seq",  # noqa: S608
    "text",
)
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
    pending = _waited_for(changes, touched) if touched else {}
    while pending:
        changes.write()  # an earlier one may have taken messages of these scopes along
        pending = _meet_apart(changes, settling, pending, touched)


def _waited_for(changes: Changes, touched: Mapping[str, int]) -> dict[str, int]:
    """The scopes in which somebody waits for the others, each with its version."""
    found = _SOMEBODY_WAITS.read(changes.cursor, list(touched))
    waited_for: dict[str, int] = {scope: version for scope, version in found}  # noqa: C416 - rows are sequences
    for scope in touched:
        if scope not in waited_for and last_kind(scope) == PART:
            row = changes.cursor.execute(_VERSION_IN, (scope, beyond(scope))).fetchone()
            if row is not None:
                waited_for[scope] = row[0]
    return waited_for


def _meet_apart(
    changes: Changes, settling: Meets, pending: Mapping[str, int], touched: Mapping[str, int]
) -> dict[str, int]:
    """Look at scopes of which none is in another, all at once; return those that have to be looked at afterwards."""
    now, later = _apart(pending)
    crowds = _crowds(changes.cursor, list(now))
    routes = {scope: changes.versions.routes(version) for scope, version in now.items()}
    nodes = {scope: complete(routes[scope], scope, crowds[scope]) for scope in now}
    waiting = _waiting(changes.cursor, [scope for scope in now if nodes[scope]])
    for number, scope in enumerate(now):
        at = touched[scope]
        ends = abandoned(routes[scope], scope, crowds[scope])
        if ends:
            settling.drop(scope, at)
        for node in nodes[scope]:
            there = waiting[scope, node]
            child = met(routes[scope], scope, node, there, crowds[scope])
            cleared = clears(routes[scope], scope, node)
            settling.meet(there, child, cleared, at)
            ends = ends or bool(cleared)
        if ends:  # it took others along, perhaps all of an instance that one of them called
            return dict(list(now.items())[number + 1 :]) | later
    return later


def _apart(pending: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Part scopes into those of which none is around or in another one before it, and the rest."""
    now: dict[str, int] = {}
    later: dict[str, int] = {}
    within: set[str] = set()
    for scope, version in pending.items():
        around = _around(scope)
        if scope in within or not now.keys().isdisjoint(around):
            later[scope] = version
        else:
            now[scope] = version
            within.update(around)
    return now, later


def _around(scope: str) -> list[str]:
    """The scope, and every scope that it is in."""
    return [scope[: end + 1] for end, letter in enumerate(scope) if letter == "/"]


def _crowds(cursor: Cursor, scopes: Sequence[str]) -> dict[str, list[Crowd]]:
    crowds: dict[str, list[Crowd]] = {scope: [] for scope in scopes}
    for scope, node, joins in _CROWDS.read(cursor, [(scope, beyond(scope)) for scope in scopes]):
        crowds[scope].append(Crowd(node, bool(joins)))
    return crowds


def _waiting(cursor: Cursor, scopes: Sequence[str]) -> dict[tuple[str, str], list[Held]]:
    """The messages that wait at joins of these scopes, by scope and node, in the order of their arrival."""
    waiting: dict[tuple[str, str], list[Held]] = {}
    for row in _WAITING.read(cursor, scopes):
        held = held_of(row, 0)
        waiting.setdefault((held.scope, held.node), []).append(held)
    return waiting


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
