"""Settling, in the writer: what each effect of a transition does to the rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace

from segue.adapters.sql import meetings
from segue.adapters.sql.accept import Accepting
from segue.adapters.sql.changes import Changes, OutOfDateError
from segue.adapters.sql.live import LIVE_COLUMNS, LIVE_FROM, Held, encode_headers, held_of
from segue.adapters.sql.rows import Listed
from segue.adapters.sql.spreads import check, move_of_instance, release
from segue.core.acts import act_kind
from segue.core.causes import cause_of
from segue.core.figures import handling
from segue.core.ledger import Tally
from segue.core.scopes import CALL, beyond, call_scope, enclosing
from segue.model.events import EventKind
from segue.model.message import (
    Child,
    Consumed,
    Edited,
    Kept,
    Message,
    Outcome,
    Place,
    Result,
    Returned,
    SetAside,
    Transition,
)

# Bound once: before Python 3.12, every look at an enumeration's member costs a call.
_QUEUED, _DELAYED, _WAITING, _TRASH, _OK = Place.QUEUED, Place.DELAYED, Place.WAITING, Place.TRASH, Outcome.OK

_READ = Listed(
    "SELECT seq, id, queue, instance, parent, place, entered, due, repeats, outages FROM message WHERE seq IN ({})"
)
_RETURN = (
    "UPDATE message SET seq = ?, place = 0, entered = ?, due = 0, repeats = 0, outages = 0, reason = NULL,"
    " reason_code = NULL, cause = NULL, aside_at = NULL, headers = ?, body = ? WHERE seq = ? AND place >= 2"
)
_EDIT = "UPDATE message SET headers = ?, body = ? WHERE seq = ?"
_LIVE = f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM}"  # noqa: S608
_REST = f"{_LIVE} WHERE m.instance = ? AND m.seq <> ?"
_INSIDE = f"{_LIVE} WHERE m.scope >= ? AND m.scope < ? AND m.instance = ? AND m.seq <> ?"
_ALL_INSIDE = f"{_LIVE} WHERE m.scope >= ? AND m.scope < ?"


class Settling:
    """Settles transitions of one transaction. A message that left or moved in it is stale for the later ones."""

    def __init__(self, changes: Changes, accepting: Accepting) -> None:
        self._changes = changes
        self._accepting = accepting
        self._moved: set[int] = set()
        self._ended: set[int] = set()
        self._touched: dict[str, tuple[int, int]] = {}

    def settle(self, transitions: Sequence[Transition], taken: Sequence[bool]) -> list[bool]:
        """Make each true, all of it or nothing. Raises what `accept` raises when one starts an instance that cannot be
        accepted, and Conflict when one names staged children that are not there; nothing of the list is done then."""
        unsure = []
        for transition, sure in zip(transitions, taken, strict=True):
            if isinstance(transition.effect, Consumed | SetAside):
                for start in transition.effect.starts:
                    self._changes.versions.choose(start)
            if isinstance(transition.effect, Consumed) and transition.effect.staged is not None:
                check(self._changes, transition.effect.staged)
            if not sure:
                unsure.append(transition.message.seq)
        found = {row[0]: row for row in _READ.read(self._changes.cursor, unsure)} if unsure else _NONE_FOUND
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
            if held.place >= _WAITING:
                return False
            self._changes.handled.append(handling(held.queue, str(effect.outcome), held, transition))
            self._keep(effect, held)
        elif isinstance(effect, SetAside):
            self._set_aside(transition, effect, held)
        elif isinstance(effect, Returned):
            if held.place < _WAITING or self._changes.versions.is_retired(held.version):
                return False
            self._return(transition, effect, held)
        else:
            self._edit(effect, held)
        self._moved.add(held.seq)
        if transition.by is not None and (kind := act_kind(transition)) is not None:
            self._changes.act(held, transition.at, transition.by, kind, transition.operation)
        for line in transition.logs:
            self._changes.log(held, line.at, line.level, line.text)
        return True

    # -- effects ------------------------------------------------------------------------------------------------------

    def _consume(self, transition: Transition, effect: Consumed, held: Held) -> None:
        changes = self._changes
        outcome, children, was_in_trash = effect.outcome, effect.children, held.place is _TRASH
        produced, in_trash = len(children), 0
        if effect.staged is not None:
            release(changes, effect.staged, held, transition.at)
            produced += effect.staged.count
            in_trash = effect.staged.trash
        changes.leave(held)
        self._step(transition, outcome, produced, held)
        for child in children:
            self._produce(child, held, transition.at)
            if child.place is _TRASH:
                in_trash += 1
        # One that goes on as one changes no count, which is what most do.
        if produced != 1 or in_trash or was_in_trash or outcome is not _OK:
            tally = changes.change(held, transition.at, outcome)
            tally.live += produced - 1
            tally.trash += in_trash - was_in_trash
            tally.count(outcome)
            changes.count_live(held.version, produced - 1)
        if held.scope:
            self._touch(held.scope, transition.at, held.run)
            if held.scope.startswith(CALL):
                changes.note_result(held, effect.result or Result(held.body, held.headers))
        for start in effect.starts:
            self._accepting.accept(start, limited=False)
        if effect.terminate:
            self._end(transition, held)
        elif effect.clears:
            self._clear(effect.clears, held, transition, {child.id for child in children})
        if held.place is Place.CALLING:
            self._cancel_called(held, transition.at, transition.by)

    def _produce(self, child: Child, parent: Held, at: int) -> None:
        changes = self._changes
        seq, place, node, headers, due = changes.next_message(), child.place, child.node, child.headers, child.due
        aside = place >= _WAITING
        if child.scope:
            self._touch(child.scope, at, parent.run)
        queue = parent.queue if node == parent.node else changes.versions.queue(parent.version, node)
        due = 0 if aside else due
        stored, code, scope = int(place) if aside else 0, child.reason_code, child.scope
        row = (seq, child.id, queue, parent.run, parent.seq, stored, at, due, 0, 0, child.reason, code)
        changes.messages.append((*row, encode_headers(headers), child.body, scope or None))
        if aside:
            if place is _TRASH:
                changes.failed(seq, cause_of(node, child.reason_code, child.reason), at)
                self._tell_trash(child.id, child.reason, node, parent, at)
            return
        changes.report.arrived.append(
            Held(
                id=child.id,
                version=parent.version,
                node=node,
                instance=parent.instance,
                body=child.body,
                headers=headers,
                entered=at,
                seq=seq,
                parent=parent.id,
                due=due,
                place=_DELAYED if due > at else _QUEUED,
                reason=child.reason,
                reason_code=code,
                scope=scope,
                queue=queue,
                run=parent.run,
                above=parent.seq,
            )
        )

    def _tell_trash(self, message: str, reason: str | None, node: str, held: Held, at: int) -> None:
        self._changes.event(
            EventKind.MESSAGE_IN_TRASH, at, held.version, held.instance, node=node, message=message, detail=reason
        )

    def _keep(self, effect: Kept, held: Held) -> None:
        self._changes.keep(held, effect, None if effect.headers is None else encode_headers(effect.headers))
        self._changes.report.arrived.append(
            replace(
                held,
                due=effect.due,
                repeats=effect.repeats,
                outages=effect.outages,
                reason=effect.reason,
                reason_code=effect.reason_code,
                headers=held.headers if effect.headers is None else effect.headers,
                place=_DELAYED,
            )
        )

    def _set_aside(self, transition: Transition, effect: SetAside, held: Held) -> None:
        changes = self._changes
        changes.set_aside(held, effect)
        if held.place < _WAITING:
            changes.handled.append(handling(held.queue, effect.place.name.lower(), held, transition))
        before, after = held.place is _TRASH, effect.place is _TRASH
        if before != after:
            changes.change(held, transition.at).trash += after - before
        if after:
            changes.failed(held.seq, cause_of(held.node, effect.reason_code, effect.reason), transition.at)
            self._tell_trash(held.id, effect.reason, held.node, held, transition.at)
        for start in effect.starts:
            self._accepting.accept(start, limited=False)

    def _return(self, transition: Transition, effect: Returned, held: Held) -> None:
        changes = self._changes
        seq = changes.next_message()
        values = (seq, transition.at, encode_headers(effect.headers), effect.body, held.seq)
        self._one(changes.cursor.execute(_RETURN, values).rowcount)
        if held.place is _TRASH:
            changes.change(held, transition.at).trash -= 1
        changes.report.arrived.append(
            replace(
                held,
                seq=seq,
                place=_QUEUED,
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
        if held.place < _WAITING:
            self._changes.report.edited.append(replace(held, headers=effect.headers, body=effect.body))

    # -- what goes along ----------------------------------------------------------------------------------------------

    def _end(self, transition: Transition, held: Held) -> None:
        """Consume all other live messages of the instance, those made earlier in this transaction included."""
        children = {child.id for child in transition.effect.children} if isinstance(transition.effect, Consumed) else ()
        self._changes.lock_instance(held.run)
        self._changes.write()
        move_of_instance(self._changes, held.run)
        self._changes.write()
        rows = self._changes.cursor.execute(_REST, (held.run, held.seq)).fetchall()
        self._cancel(rows, children, transition.at, transition.by, _outcome(transition))
        self._ended.add(held.run)

    def _clear(self, scope: str, held: Held, transition: Transition, kept: Collection[str]) -> None:
        """Consume what else is in a scope of the message's instance."""
        self._changes.lock_instance(held.run)
        self._changes.write()
        move_of_instance(self._changes, held.run)
        self._changes.write()
        bounds = (scope, beyond(scope), held.run, held.seq)
        rows = self._changes.cursor.execute(_INSIDE, bounds).fetchall()
        self._cancel(rows, kept, transition.at, transition.by, _outcome(transition))

    def _cancel(
        self,
        rows: Sequence[Sequence[Any]],
        kept: Collection[str],
        at: int,
        by: str | None,
        last: Outcome | None,
    ) -> None:
        """Consume the messages of these rows as cancelled, and with each one all of the instance that it called.

        `last` is what their instance's end is told by, if it ends with this.
        """
        changes = self._changes
        gone = set()
        calls = []
        for row in rows:
            other = held_of(row, at)
            if other.id in kept:
                continue
            changes.leave(other)
            self._step_along(other, Outcome.CANCELLED, 0, at, by)
            changes.count_live(other.version, -1)
            tally = Tally(live=-1, trash=-(other.place is _TRASH), cancelled=1)
            changes.change(other, at, last or Outcome.CANCELLED).add(tally)
            changes.report.departed.append((other.version, other.node, other.seq))
            self._moved.add(other.seq)
            gone.add(other.seq)
            if other.scope:
                self._touch(other.scope, at, other.run)
            if other.place is Place.CALLING:
                calls.append(other)
        changes.report.arrived = [arrival for arrival in changes.report.arrived if arrival.seq not in gone]
        for other in calls:
            self._cancel_called(other, at, by)

    def _cancel_called(self, held: Held, at: int, by: str | None) -> None:
        """Consume all live messages of the instance that a message called."""
        self._changes.write()
        scope = call_scope(held.id, held.scope)
        rows = self._changes.cursor.execute(_ALL_INSIDE, (scope, beyond(scope))).fetchall()
        self._cancel(rows, (), at, by, None)

    # -- what meets, and what comes back ------------------------------------------------------------------------------

    def finish(self) -> None:
        """Let go on what has met, and what has called an instance that ended. Once, when all else is written."""
        changes = self._changes
        while self._touched or changes.ended_calls:
            touched, self._touched = self._touched, {}
            for run in sorted({run for _, run in touched.values()}):
                changes.lock_instance(run)
            ended, changes.ended_calls = changes.ended_calls, []
            meetings.meet(changes, self, {scope: at for scope, (at, _) in touched.items()})
            for call in ended:
                meetings.call_back(changes, call)
            changes.write()

    def meet(self, waiting: Sequence[Held], child: Child, clears: str, at: int) -> None:
        """The messages that wait at a join become one; what is left in the scope `clears` ends with it."""
        changes, first = self._changes, waiting[0]
        for number, held in enumerate(waiting):
            changes.leave(held)
            self._step_along(held, Outcome.JOINED, 1 if number == 0 else 0, at, None)
        self._produce(child, first, at)
        changes.change(first, at, Outcome.JOINED).live += 1 - len(waiting)
        changes.count_live(first.version, 1 - len(waiting))
        if clears:
            changes.write()
            rows = changes.cursor.execute(_INSIDE, (clears, beyond(clears), first.run, first.seq)).fetchall()
            self._cancel(rows, {child.id}, at, None, Outcome.JOINED)

    def drop(self, scope: str, at: int) -> None:
        """All that is in a scope ends."""
        rows = self._changes.cursor.execute(_ALL_INSIDE, (scope, beyond(scope))).fetchall()
        self._cancel(rows, (), at, None, None)

    def _touch(self, scope: str, at: int, run: int) -> None:
        """Note that whoever waits for what is in these scopes of an instance may have to look again."""
        for around in enclosing(scope):
            self._touched[around] = (at, run)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _step(self, transition: Transition, outcome: Outcome, produced: int, held: Held) -> None:
        record, said = transition.record, str(outcome)
        self._changes.handled.append(handling(held.queue, said, held, transition))
        self._changes.steps.append(
            (
                held.seq,
                held.id,
                held.queue,
                held.run,
                held.above,
                said,
                produced,
                held.entered,
                record.taken,
                transition.at,
                record.worker_us,
                record.remote_us,
                record.cpu_us,
                held.repeats,
                record.status,
                transition.by,
                *self._kept(held),
            )
        )

    def _step_along(self, held: Held, outcome: Outcome, produced: int, at: int, by: str | None) -> None:
        common = (held.seq, held.id, held.queue, held.run, held.above, str(outcome), produced, held.entered)
        self._changes.steps.append((*common, at, at, 0, 0, 0, held.repeats, None, by, *self._kept(held)))

    def _kept(self, held: Held) -> tuple[str | None, bytes | None]:
        """What stays of the message for people to see, if it is small enough."""
        if len(held.body) > self._changes.history_bytes:
            return None, None
        return encode_headers(held.headers), held.body

    @staticmethod
    def _one(changed: int) -> None:
        if changed != 1:
            raise OutOfDateError


_NONE_FOUND: dict[int, tuple[Any, ...]] = {}


def _outcome(transition: Transition) -> Outcome | None:
    return transition.effect.outcome if isinstance(transition.effect, Consumed) else None


def _same(message: Message, row: Sequence[Any] | None) -> Held | None:
    """Return the message with the numbers of its row, or None when the row is not what the transition saw."""
    if row is None:
        return None
    seq, key, queue, run, above, place, entered, due, repeats, outages = row
    seen = message.place if message.place >= _WAITING else _QUEUED
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
        scope=message.scope,
        queue=queue,
        run=run,
        above=above,
    )
