"""Settling, in the writer: what each effect of a transition does to the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from segue.adapters.sql.live import LIVE_COLUMNS, LIVE_FROM, Held, encode_headers, held_of
from segue.adapters.sqlite.accept import Accepting
from segue.adapters.sqlite.changes import Changes, OutOfDateError
from segue.adapters.sqlite.rows import Listed
from segue.core.ledger import Tally
from segue.model.events import EventKind
from segue.model.message import (
    Child,
    Consumed,
    Edited,
    Kept,
    Message,
    Outcome,
    Place,
    Returned,
    SetAside,
    Transition,
)

_READ = Listed(
    "SELECT seq, id, queue, instance, parent, place, entered, due, repeats, outages FROM message WHERE seq IN ({})"
)
_KEEP = "UPDATE message SET due = ?, repeats = ?, outages = ?, reason = ?, reason_code = ? WHERE seq = ? AND place = 0"
_KEEP_HEADERS = (
    "UPDATE message SET due = ?, repeats = ?, outages = ?, reason = ?, reason_code = ?, headers = ?"
    " WHERE seq = ? AND place = 0"
)
_SET_ASIDE = "UPDATE message SET place = ?, due = 0, reason = ?, reason_code = ? WHERE seq = ? AND place = ?"
_RETURN = (
    "UPDATE message SET seq = ?, place = 0, entered = ?, due = 0, repeats = 0, outages = 0, reason = NULL,"
    " reason_code = NULL, headers = ?, body = ? WHERE seq = ? AND place >= 2"
)
_EDIT = "UPDATE message SET headers = ?, body = ? WHERE seq = ?"
_REST = f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM} WHERE m.instance = ? AND m.seq <> ?"  # noqa: S608


class Settling:
    """Settles transitions of one transaction. A message that left or moved in it is stale for the later ones."""

    def __init__(self, changes: Changes, accepting: Accepting) -> None:
        self._changes = changes
        self._accepting = accepting
        self._moved: set[int] = set()
        self._ended: set[int] = set()

    def settle(self, transitions: Sequence[Transition], taken: Sequence[bool]) -> list[bool]:
        """Make each true, all of it or nothing. Raises what `accept` raises when one starts an instance that cannot be
        accepted; nothing of the list is done then."""
        for transition in transitions:
            if isinstance(transition.effect, Consumed):
                for start in transition.effect.starts:
                    self._changes.versions.choose(start)
        unsure = [t.message.seq for t, sure in zip(transitions, taken, strict=True) if not sure]
        found = {row[0]: row for row in _READ.read(self._changes.cursor, unsure)} if unsure else {}
        results = []
        for transition, sure in zip(transitions, taken, strict=True):
            message = transition.message
            held = message if sure and isinstance(message, Held) else _same(message, found.get(message.seq))
            results.append(held is not None and self._settle(transition, held))
            if held is not None and held is not message and not isinstance(transition.effect, Edited):
                self._changes.report.departed.append((held.version, held.node, held.seq))
        return results

    def _settle(self, transition: Transition, held: Held) -> bool:
        if held.seq in self._moved or held.run in self._ended:
            return False
        effect = transition.effect
        if isinstance(effect, Consumed):
            self._consume(transition, effect, held)
        elif isinstance(effect, Kept):
            if held.place >= Place.WAITING:
                return False
            self._keep(effect, held)
        elif isinstance(effect, SetAside):
            self._set_aside(transition, effect, held)
        elif isinstance(effect, Returned):
            if held.place < Place.WAITING:
                return False
            self._return(transition, effect, held)
        else:
            self._edit(effect, held)
        self._moved.add(held.seq)
        for line in transition.logs:
            self._changes.log(held, line.at, line.level, line.text)
        return True

    # -- effects ------------------------------------------------------------------------------------------------------

    def _consume(self, transition: Transition, effect: Consumed, held: Held) -> None:
        changes = self._changes
        produced = len(effect.children)
        self._leave(held)
        self._step(transition, effect.outcome, produced, held)
        changes.count_live(held.version, produced - 1)
        in_trash = 0
        for child in effect.children:
            self._produce(child, held, transition.at)
            in_trash += child.place is Place.TRASH
        tally = Tally(live=produced - 1, trash=in_trash - (held.place is Place.TRASH))
        tally.count(effect.outcome)
        if tally != _NO_CHANGE:
            changes.change(held, transition.at, effect.outcome).add(tally)
        for start in effect.starts:
            self._accepting.accept(start, limited=False)
        if effect.terminate:
            self._end(transition, held)

    def _produce(self, child: Child, parent: Held, at: int) -> None:
        changes = self._changes
        seq = changes.next_message()
        queue = parent.queue if child.node == parent.node else changes.versions.queue(parent.version, child.node)
        aside = child.place >= Place.WAITING
        changes.messages.append(
            (
                seq,
                child.id,
                queue,
                parent.run,
                parent.seq,
                child.place.value if aside else 0,
                at,
                0 if aside else child.due,
                0,
                0,
                child.reason,
                child.reason_code,
                encode_headers(child.headers),
                child.body,
            )
        )
        if child.place is Place.TRASH:
            changes.event(
                EventKind.MESSAGE_IN_TRASH,
                at,
                parent.version,
                parent.instance,
                node=child.node,
                message=child.id,
                detail=child.reason,
            )
        elif not aside:
            changes.report.arrived.append(
                Held(
                    id=child.id,
                    version=parent.version,
                    node=child.node,
                    instance=parent.instance,
                    body=child.body,
                    headers=child.headers,
                    entered=at,
                    seq=seq,
                    parent=parent.id,
                    due=child.due,
                    place=Place.DELAYED if child.due > at else Place.QUEUED,
                    reason=child.reason,
                    reason_code=child.reason_code,
                    queue=queue,
                    run=parent.run,
                    above=parent.seq,
                )
            )

    def _keep(self, effect: Kept, held: Held) -> None:
        values = (effect.due, effect.repeats, effect.outages, effect.reason, effect.reason_code)
        cursor = self._changes.cursor
        if effect.headers is None:
            cursor.execute(_KEEP, (*values, held.seq))
        else:
            cursor.execute(_KEEP_HEADERS, (*values, encode_headers(effect.headers), held.seq))
        self._one(cursor.rowcount)
        self._changes.report.arrived.append(
            replace(
                held,
                due=effect.due,
                repeats=effect.repeats,
                outages=effect.outages,
                reason=effect.reason,
                reason_code=effect.reason_code,
                headers=held.headers if effect.headers is None else effect.headers,
                place=Place.DELAYED,
            )
        )

    def _set_aside(self, transition: Transition, effect: SetAside, held: Held) -> None:
        changes = self._changes
        stored = held.place.value if held.place >= Place.WAITING else 0
        values = (effect.place.value, effect.reason, effect.reason_code, held.seq, stored)
        self._one(changes.cursor.execute(_SET_ASIDE, values).rowcount)
        before, after = held.place is Place.TRASH, effect.place is Place.TRASH
        if before != after:
            changes.change(held, transition.at).trash += after - before
        if after:
            changes.event(
                EventKind.MESSAGE_IN_TRASH,
                transition.at,
                held.version,
                held.instance,
                node=held.node,
                message=held.id,
                detail=effect.reason,
            )

    def _return(self, transition: Transition, effect: Returned, held: Held) -> None:
        changes = self._changes
        seq = changes.next_message()
        values = (seq, transition.at, encode_headers(effect.headers), effect.body, held.seq)
        self._one(changes.cursor.execute(_RETURN, values).rowcount)
        if held.place is Place.TRASH:
            changes.change(held, transition.at).trash -= 1
        changes.report.arrived.append(
            replace(
                held,
                seq=seq,
                place=Place.QUEUED,
                entered=transition.at,
                due=0,
                repeats=0,
                outages=0,
                reason=None,
                reason_code=None,
                headers=effect.headers,
                body=effect.body,
            )
        )

    def _edit(self, effect: Edited, held: Held) -> None:
        values = (encode_headers(effect.headers), effect.body, held.seq)
        self._one(self._changes.cursor.execute(_EDIT, values).rowcount)
        if held.place < Place.WAITING:
            self._changes.report.edited.append(replace(held, headers=effect.headers, body=effect.body))

    def _end(self, transition: Transition, held: Held) -> None:
        """Consume all other live messages of the instance, those made earlier in this transaction included."""
        changes = self._changes
        children = {child.id for child in transition.effect.children} if isinstance(transition.effect, Consumed) else ()
        changes.write()
        gone = set()
        for row in changes.cursor.execute(_REST, (held.run, held.seq)).fetchall():
            other = held_of(row, transition.at)
            if other.id in children:
                continue
            self._leave(other)
            self._step(transition, Outcome.CANCELLED, 0, other)
            changes.count_live(held.version, -1)
            tally = Tally(live=-1, trash=-(other.place is Place.TRASH), cancelled=1)
            changes.change(held, transition.at, _outcome(transition)).add(tally)
            changes.report.departed.append((other.version, other.node, other.seq))
            gone.add(other.seq)
        changes.report.arrived = [arrival for arrival in changes.report.arrived if arrival.seq not in gone]
        self._ended.add(held.run)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _leave(self, held: Held) -> None:
        leaving = self._changes.leave_aside if held.place >= Place.WAITING else self._changes.leave_queue
        leaving.append(held.seq)

    def _step(self, transition: Transition, outcome: Outcome, produced: int, held: Held) -> None:
        record = transition.record
        own = held.seq == transition.message.seq
        self._changes.steps.append(
            (
                held.seq,
                held.id,
                held.queue,
                held.run,
                held.above,
                outcome.value,
                produced,
                held.entered,
                record.taken if own else transition.at,
                transition.at,
                record.worker_us if own else 0,
                record.remote_us if own else 0,
                record.cpu_us if own else 0,
                held.repeats,
                record.status if own else None,
                transition.by,
            )
        )

    @staticmethod
    def _one(changed: int) -> None:
        if changed != 1:
            raise OutOfDateError


_NO_CHANGE = Tally()


def _outcome(transition: Transition) -> Outcome | None:
    return transition.effect.outcome if isinstance(transition.effect, Consumed) else None


def _same(message: Message, row: Sequence[Any] | None) -> Held | None:
    """Return the message with the numbers of its row, or None when the row is not what the transition saw."""
    if row is None:
        return None
    seq, key, queue, run, above, place, entered, due, repeats, outages = row
    seen = message.place if message.place >= Place.WAITING else Place.QUEUED
    if (key, place, due, repeats, outages) != (message.id, seen, message.due, message.repeats, message.outages):
        return None
    return Held(
        id=key,
        version=message.version,
        node=message.node,
        instance=message.instance,
        body=message.body,
        headers=message.headers,
        entered=entered,
        seq=seq,
        parent=message.parent,
        place=message.place,
        due=due,
        repeats=repeats,
        outages=outages,
        reason=message.reason,
        reason_code=message.reason_code,
        queue=queue,
        run=run,
        above=above,
    )
