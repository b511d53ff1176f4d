"""Spreads: the children of one large transition, stored out of sight in several transactions and then moved into place.

A row of `spread` is one of them, its children are rows of `staged`. Settling the transition marks the spread as
released: from then on its children count as live messages. They get their numbers, and with them their arrival, when
they are moved to `message`, a few hundred in one transaction, so that no transaction is long. None of them waits at a
join, and those that will meet at one are moved together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from segue.adapters.sql.changes import Changes
from segue.adapters.sql.live import Held, decode_headers, encode_headers
from segue.adapters.sql.rows import insert
from segue.core.causes import cause_of
from segue.model.errors import Conflict
from segue.model.events import EventKind
from segue.model.message import Child, Message, Place, Staged

_STAGED = insert("staged", "spread num id queue place due reason reason_code headers body scope")
_COUNT = "SELECT count FROM spread WHERE num = ? AND released = 0"
_BEGIN = "INSERT INTO spread (num, count, released, moved, holder) VALUES (?, 0, 0, 0, ?)"
_LOCK = "UPDATE spread SET moved = moved WHERE num = ? AND released = 1"
_GROW = "UPDATE spread SET count = count + ? WHERE num = ? AND count = ? AND released = 0"
_RELEASE = (
    "UPDATE spread SET released = 1, version = ?, instance = ?, parent = ?, parent_id = ?, at = ?"
    " WHERE num = ? AND count = ? AND released = 0"
)
_SPREAD = (
    "SELECT p.count, p.moved, p.version, p.instance, p.parent, p.parent_id, p.at, i.id FROM spread p"
    " JOIN instance i ON i.num = p.instance WHERE p.num = ? AND p.released = 1"
)
_SOME = (
    "SELECT s.num, s.id, s.queue, s.place, s.due, s.reason, s.reason_code, s.headers, s.body, s.scope, q.node"
    " FROM staged s JOIN queue q ON q.id = s.queue WHERE s.spread = ? AND s.num >= ? ORDER BY s.num LIMIT ?"
)
_FORGET_SOME = "DELETE FROM staged WHERE spread = ? AND num < ?"
_MOVED = "UPDATE spread SET moved = ? WHERE num = ?"
_OF_INSTANCE = "SELECT num FROM spread WHERE instance = ? AND released = 1 ORDER BY num"
_RELEASED = "SELECT num FROM spread WHERE released = 1 ORDER BY num"
_DROPPED = "SELECT num FROM spread WHERE released = 0"
_DROPPED_BY_THE_GONE = "SELECT num FROM spread WHERE released = 0 AND holder NOT IN (SELECT id FROM holder)"
_FORGET = "DELETE FROM spread WHERE num = ?"

PIECE = 200
"""How many children are stored or moved in one transaction."""


def begin(changes: Changes, holder: int) -> Staged:
    """Make a spread without children, of the process with this number."""
    number = changes.next_message()
    changes.cursor.execute(_BEGIN, (number, holder))
    return Staged(spread=number)


def stage(changes: Changes, staged: Staged, parent: Message, children: Sequence[Child]) -> Staged:
    """Add children to a spread. Raises Conflict when it is not as it was seen."""
    cursor = changes.cursor
    if cursor.execute(_GROW, (len(children), staged.spread, staged.count)).rowcount != 1:
        raise Conflict(f"The spread {staged.spread} is gone, or has other children than were put into it")
    queue = changes.versions.queue
    _STAGED.write(
        cursor,
        [
            (
                staged.spread,
                number,
                child.id,
                queue(parent.version, child.node),
                int(child.place) if child.place >= Place.WAITING else 0,
                0 if child.place >= Place.WAITING else child.due,
                child.reason,
                child.reason_code,
                encode_headers(child.headers),
                child.body,
                child.scope or None,
            )
            for number, child in enumerate(children, staged.count)
        ],
    )
    trash = sum(child.place is Place.TRASH for child in children)
    return Staged(spread=staged.spread, count=staged.count + len(children), trash=staged.trash + trash)


def drop(changes: Changes, spread: int, most: int) -> bool:
    """Forget some children of a spread that was not released; whether that was all of it."""
    cursor = changes.cursor
    rows = cursor.execute(
        "SELECT s.num FROM staged s JOIN spread p ON p.num = s.spread WHERE s.spread = ? AND p.released = 0"
        " ORDER BY s.num LIMIT ?",
        (spread, most),
    ).fetchall()
    if rows:
        cursor.execute(_FORGET_SOME, (spread, rows[-1][0] + 1))
    if len(rows) < most:
        cursor.execute("DELETE FROM spread WHERE num = ? AND released = 0", (spread,))
        return True
    return False


def check(changes: Changes, staged: Staged) -> None:
    """Raise Conflict for staged children that are not there, or not all of them."""
    found = changes.cursor.execute(_COUNT, (staged.spread,)).fetchone()
    if found is None or found[0] != staged.count:
        raise Conflict(f"The spread {staged.spread} is gone, or has other children than the transition says")


def release(changes: Changes, staged: Staged, parent: Held, at: int) -> None:
    """Make the children live, as those of `parent`, which leaves. Raises Conflict for a spread that is not whole."""
    values = (parent.version, parent.run, parent.seq, parent.id, at, staged.spread, staged.count)
    if changes.cursor.execute(_RELEASE, values).rowcount != 1:
        raise Conflict(f"The spread {staged.spread} is gone, or has other children than the transition says")


def move(changes: Changes, spread: int, most: int = PIECE) -> bool:
    """Move the next children of a released spread into their places; whether that was the last of them.

    Several processes may move one spread: it is locked first, and looked at then.
    """
    cursor = changes.cursor
    cursor.execute(_LOCK, (spread,))
    found = cursor.execute(_SPREAD, (spread,)).fetchone()
    if found is None:
        return True
    count, moved, version, run, above, parent, at, instance = found
    rows = cursor.execute(_SOME, (spread, moved, most)).fetchall()
    rows += _of_the_same(changes, spread, rows, moved + len(rows))
    for row in rows:
        _arrive(changes, row, (version, run, above, parent, at, instance))
    moved += len(rows)
    cursor.execute(_FORGET_SOME, (spread, moved))
    if moved >= count:
        cursor.execute(_FORGET, (spread,))
        return True
    cursor.execute(_MOVED, (moved, spread))
    return False


def _of_the_same(changes: Changes, spread: int, rows: Sequence[Sequence[Any]], after: int) -> list[Sequence[Any]]:
    """The next rows that are in one scope with the last of these: what belongs together is seen together, or a join
    would think that it has all of it."""
    found: list[Sequence[Any]] = []
    begins = _outermost(rows[-1]) if rows else ""
    while begins:
        more = changes.cursor.execute(_SOME, (spread, after + len(found), PIECE)).fetchall()
        same = list(takewhile(lambda row: _outermost(row) == begins, more))
        found += same
        if len(same) < PIECE:
            break
    return found


def _outermost(row: Sequence[Any]) -> str:
    scope: str = row[-2] or ""
    return scope[: scope.find("/") + 1]


def move_of_instance(changes: Changes, run: int) -> None:
    """Move all that is left of an instance's spreads: it is about to be looked at whole."""
    for (spread,) in changes.cursor.execute(_OF_INSTANCE, (run,)).fetchall():
        while not move(changes, spread):
            pass


def left_over(changes: Changes) -> tuple[list[int], list[int]]:
    """The spreads that were being moved when the process ended, and those that were being staged."""
    cursor = changes.cursor
    moving = [row[0] for row in cursor.execute(_RELEASED, ()).fetchall()]
    return moving, [row[0] for row in cursor.execute(_DROPPED, ()).fetchall()]


def left_by_the_gone(changes: Changes) -> tuple[list[int], list[int]]:
    """As `left_over`, in a store that other processes use: what those that are still there stage is left alone."""
    cursor = changes.cursor
    moving = [row[0] for row in cursor.execute(_RELEASED, ()).fetchall()]
    return moving, [row[0] for row in cursor.execute(_DROPPED_BY_THE_GONE, ()).fetchall()]


def _arrive(changes: Changes, row: Sequence[Any], of: Sequence[Any]) -> None:
    """Give one child its number and its place."""
    _, key, queue, stored, due, reason, code, headers, body, scope, node = row
    version, run, above, parent, at, instance = of
    seq, place = changes.next_message(), Place(stored)
    changes.messages.append((seq, key, queue, run, above, stored, at, due, 0, 0, reason, code, headers, body, scope))
    if place is Place.TRASH:
        changes.failed(seq, cause_of(node, code, reason), at)
        changes.event(EventKind.MESSAGE_IN_TRASH, at, version, instance, node=node, message=key, detail=reason)
    if place >= Place.WAITING:
        return
    changes.report.arrived.append(
        Held(
            id=key,
            version=version,
            node=node,
            instance=instance,
            body=bytes(body),
            headers=decode_headers(headers),
            entered=at,
            seq=seq,
            parent=parent,
            due=due,
            place=Place.DELAYED if due > at else Place.QUEUED,
            reason=reason,
            reason_code=code,
            scope=scope or "",
            queue=queue,
            run=run,
            above=above,
        )
    )
