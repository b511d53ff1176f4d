"""Accepting and settling in memory: what each effect of a transition does."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from segue.adapters.memory.state import Done, Live, Run, State, Tick
from segue.core.acts import act_kind
from segue.core.calls import called_back
from segue.core.figures import Handled, handling, together
from segue.core.joins import Crowd, abandoned, clears, complete, met
from segue.core.ledger import END_EVENTS, Tally, instance_state
from segue.core.scopes import call_scope, caller_of, enclosing
from segue.core.versions import choose_asked, choose_version
from segue.model.errors import Conflict, NodeNotFound
from segue.model.events import Event, EventKind
from segue.model.message import (
    Child,
    Consumed,
    Edited,
    Kept,
    Message,
    Outcome,
    Place,
    Record,
    Result,
    Returned,
    SetAside,
    Transition,
)
from segue.model.operations import Act
from segue.model.start import Accepted, Start
from segue.model.versions import InstanceState, Step, Version, VersionState
from segue.ports.metrics import Measures
from segue.ports.views import StoredLog


class _Leave(Struct, frozen=True):
    """When a message leaves; `record` is that of the transition that is about it, None for those it takes along."""

    at: int
    record: Record | None = None


class Settling:
    """One step: what it made happen is in `events` and `woken` (queues that were put into) when it is over."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._changed: dict[str, int] = {}
        self._handled: list[Handled] = []
        self._started: list[tuple[int, int]] = []
        self._ended: list[tuple[int, str, int, int]] = []
        self._touched: dict[tuple[int, str], int] = {}
        self.events: list[Event] = []
        self.woken: dict[tuple[int, str], None] = {}

    # -- accepting ----------------------------------------------------------------------------------------------------

    def accept(self, start: Start) -> Accepted:
        """Make the instance and its message, or answer what the key or the tick has made before."""
        state = self._state
        state.process(start.process)
        known = self._known(start)
        if known is not None:
            return replace(known, repeated=True)
        version, node = self._choose(start)
        if start.instance in state.runs:
            raise Conflict(f"there is an instance {start.instance} already")
        accepted = Accepted(
            instance=start.instance, process=start.process, version=version.number, message=start.message
        )
        state.runs[start.instance] = Run(
            id=start.instance,
            version=version.id,
            state=InstanceState.RUNNING,
            started=start.at,
            finished=None,
            tally=Tally(live=1),
            start_node=start.entry or start.node or "",
            origin=start.origin,
            scope=start.scope,
        )
        self._started.append((version.id, start.at))
        message = Message(
            id=start.message,
            version=version.id,
            node=node,
            instance=start.instance,
            body=start.body,
            headers=dict(start.headers),
            entered=start.at,
            scope=start.scope,
        )
        self._put(message, None, start.at)
        if start.key is not None:
            state.keys[start.process, start.key] = accepted
        if start.tick is not None:
            state.ticks[start.process, start.node or ""] = Tick(tick=start.tick, accepted=accepted)
        return accepted

    def check_starts(self, transition: Transition) -> None:
        """Raise what `accept` would raise for a start of the transition."""
        if isinstance(transition.effect, Consumed) and transition.effect.staged is not None:
            self._state.spread(transition.effect.staged)
        if isinstance(transition.effect, Consumed | SetAside):
            for start in transition.effect.starts:
                self._state.process(start.process)
                self._choose(start)

    def _known(self, start: Start) -> Accepted | None:
        state = self._state
        if start.key is not None and (known := state.keys.get((start.process, start.key))) is not None:
            return known
        if start.tick is None:
            return None
        tick = state.ticks.get((start.process, start.node or ""))
        if tick is None or tick.tick < start.tick:
            return None
        return tick.accepted or Accepted(instance="", process=start.process, version=0, message="")

    def _choose(self, start: Start) -> tuple[Version, str]:
        versions = [held.version for held in self._state.versions_of(start.process)]
        if start.version is None:
            version = choose_version(start.process, versions)
        else:
            version = choose_asked(start.process, versions, start.version)
        held = self._state.versions[version.id]
        if start.entry is not None:
            if all(node.id != start.entry for node in held.content.graph.nodes):
                raise NodeNotFound(f"version {version.number} of {start.process!r} has no node {start.entry!r}")
            return version, start.entry
        node = held.entries.get(start.node or "")
        if node is None:
            what = "no start node" if start.node is None else f"no start node {start.node!r}"
            raise NodeNotFound(f"version {version.number} of {start.process!r} has {what}")
        return version, node

    # -- settling -----------------------------------------------------------------------------------------------------

    def settle(self, transition: Transition) -> bool:
        """Make a transition true; False when its message is not where it was seen."""
        live = self._state.live.get(transition.message.seq)
        effect = transition.effect
        if live is None or not _as_seen(live.message, transition.message):
            return False
        in_queue = live.message.place < Place.WAITING
        if (isinstance(effect, Kept) and not in_queue) or (isinstance(effect, Returned) and in_queue):
            return False
        if (
            isinstance(effect, Returned)
            and self._state.versions[live.message.version].version.state is VersionState.RETIRED
        ):
            return False
        if transition.by is not None and (kind := act_kind(transition)) is not None:
            act = Act(
                at=transition.at, by=transition.by, kind=kind, message=live.message.id, operation=transition.operation
            )
            self._state.acts.append((live.message.instance, act))
        for line in transition.logs:
            self._log(live.message, line.at, line.level, line.text)
        if isinstance(effect, Consumed):
            self._consume(transition, effect, live)
        elif isinstance(effect, Edited):
            live.message.headers, live.message.body = dict(effect.headers), effect.body
        else:
            self._move(transition, effect, live)
            if isinstance(effect, SetAside):
                for start in effect.starts:
                    self.accept(start)
        return True

    def finish(self) -> None:
        """Let go on what has met. Then give every instance that changed the state that its counts mean; one without
        messages has ended, and whoever called it is back in its queue."""
        while self._touched:
            touched, self._touched = self._touched, {}
            for (version, scope), at in touched.items():
                self._meet(version, scope, at)
        for key, at in self._changed.items():
            run = self._state.runs[key]
            run.state = instance_state(run.tally, run.last)
            if not run.tally.live:
                run.finished = at
                self._ended.append((run.version, run.state.value, run.started, at))
                self._event(END_EVENTS[run.state], at, run.version, run.id)
                self._call_back(run, at)
        self._changed.clear()
        if self._handled or self._started or self._ended:
            seq = self._state.number("measure")
            self._state.measures[seq] = Measures(
                seq=seq, handled=together(self._handled), started=self._started, ended=self._ended
            )

    def _measure(self, outcome: str, message: Message, transition: Transition) -> None:
        queue = self._state.queue_number(message.version, message.node)
        self._handled.append(handling(queue, outcome, message, transition))

    def _meet(self, version: int, scope: str, at: int) -> None:
        """Make one message of those of a scope that have met, at each node where they have."""
        inside = [live for live in self._state.of_version(version) if live.message.scope.startswith(scope)]
        routes = self._state.routes(version)
        crowds = [
            Crowd(live.message.node, live.message.place is Place.JOINING and live.message.scope == scope)
            for live in inside
        ]
        if abandoned(routes, scope, crowds):
            for live in inside:
                self._cancel(live, at)
            return
        for node in complete(routes, scope, crowds):
            waiting = [
                live
                for live, crowd in zip(inside, crowds, strict=True)
                if crowd.joins and crowd.node == node and live.message.seq in self._state.live
            ]
            child = met(routes, scope, node, [live.message for live in waiting], crowds)
            for number, live in enumerate(waiting):
                self._done(_Leave(at), Outcome.JOINED, live, 1 if number == 0 else 0)
            self._produce(child, waiting[0].message, at)
            cleared = clears(routes, scope, node)
            if cleared:
                self._clear(cleared, waiting[0].message, {child.id}, at)

    def _call_back(self, run: Run, at: int) -> None:
        """The message that called this instance, if it still waits for its end, is back in its queue."""
        caller = caller_of(run.scope)
        if caller is None or run.result is None:
            return
        for live in list(self._state.live.values()):
            message = live.message
            if message.id != caller or message.place is not Place.CALLING:
                continue
            node = self._state.routes(message.version).nodes[message.node]
            back = called_back(node, message, run.state, run.result)
            self._state.remove(message.seq)
            message.body, message.headers = back.body, dict(back.headers)
            message.reason, message.reason_code = back.reason, back.code
            message.place, message.entered, message.seq = Place.QUEUED, at, 0
            self._put(message, live.above, at)

    def _consume(self, transition: Transition, effect: Consumed, live: Live) -> None:
        message, run = live.message, self._state.runs[live.message.instance]
        born = effect.children
        if effect.staged is not None:
            born = (*born, *self._state.spreads.pop(effect.staged.spread))
        self._leave(transition, effect.outcome, live, len(born))
        run.result = effect.result or Result(message.body, message.headers)
        for child in born:
            self._produce(child, message, transition.at)
        for start in effect.starts:
            self.accept(start)
        children = {child.id for child in born}
        if effect.terminate:
            for other in self._state.of_instance(message.instance):
                if other.message.id not in children:
                    self._cancel(other, transition.at)
            run.last = effect.outcome
        elif effect.clears:
            self._clear(effect.clears, message, children, transition.at)
            run.last = effect.outcome
        if message.place is Place.CALLING:
            self._cancel_called(message, transition.at)

    def _clear(self, scope: str, message: Message, kept: set[str], at: int) -> None:
        """Consume what else is in a scope of the message's instance, as cancelled."""
        for other in self._state.of_instance(message.instance):
            if other.message.scope.startswith(scope) and other.message.id not in kept:
                self._cancel(other, at)

    def _cancel(self, live: Live, at: int) -> None:
        """A message is consumed as cancelled, and with it all of the instance that it called."""
        message = live.message
        self._done(_Leave(at), Outcome.CANCELLED, live, 0)
        if message.place is Place.CALLING:
            self._cancel_called(message, at)

    def _cancel_called(self, message: Message, at: int) -> None:
        called = call_scope(message.id, message.scope)
        for other in list(self._state.live.values()):
            if other.message.scope.startswith(called) and other.message.seq in self._state.live:
                self._cancel(other, at)

    def _produce(self, child: Child, parent: Message, at: int) -> None:
        tally = self._tally(parent, at)
        tally.live += 1
        aside = child.place >= Place.WAITING
        message = Message(
            id=child.id,
            version=parent.version,
            node=child.node,
            instance=parent.instance,
            body=child.body,
            headers=dict(child.headers),
            entered=at,
            parent=parent.id,
            place=child.place if aside else Place.QUEUED,
            due=0 if aside else child.due,
            reason=child.reason,
            reason_code=child.reason_code,
            scope=child.scope,
        )
        self._put(message, parent.seq, at)
        self._touch(message, at)
        if child.place is Place.TRASH:
            tally.trash += 1
            self._tell_trash(message, at)

    def _move(self, transition: Transition, effect: Kept | SetAside | Returned, live: Live) -> None:
        """The message stays in the account, and goes to another place or instant."""
        message = self._state.remove(live.message.seq).message
        before = message.place is Place.TRASH
        if isinstance(effect, Kept):
            self._measure(effect.outcome.value, message, transition)
        elif isinstance(effect, SetAside) and message.place < Place.WAITING:
            self._measure(effect.place.name.lower(), message, transition)
        if isinstance(effect, Kept):
            message.due, message.repeats, message.outages = effect.due, effect.repeats, effect.outages
            message.reason, message.reason_code = effect.reason, effect.reason_code
            if effect.headers is not None:
                message.headers = dict(effect.headers)
        elif isinstance(effect, SetAside):
            message.place, message.due = effect.place, 0
            message.reason, message.reason_code = effect.reason, effect.reason_code
        else:
            message.headers, message.body = dict(effect.headers), effect.body
            message.place, message.entered, message.seq = Place.QUEUED, transition.at, 0
            message.due = message.repeats = message.outages = 0
            message.reason = message.reason_code = None
        self._put(message, live.above, transition.at)
        after = message.place is Place.TRASH
        if before != after:
            self._tally(message, transition.at).trash += after - before
        if isinstance(effect, SetAside) and after:
            self._tell_trash(message, transition.at)

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _put(self, message: Message, above: int | None, at: int) -> None:
        if not message.seq:
            message.seq = self._state.number("message")
        self._state.put(Live(message=message, above=above, since=at))
        if message.place < Place.WAITING:
            self.woken[message.version, message.node] = None

    def _leave(self, transition: Transition, outcome: Outcome, live: Live, produced: int) -> None:
        """The message that a transition is about leaves its queue."""
        self._measure(outcome.value, live.message, transition)
        self._done(_Leave(transition.at, transition.record), outcome, live, produced)

    def _done(self, leave: _Leave, outcome: Outcome, live: Live, produced: int) -> None:
        message, record = live.message, leave.record
        self._state.remove(message.seq)
        step = Step(
            message=message.id,
            parent=message.parent,
            node=message.node,
            outcome=outcome.value,
            produced=produced,
            entered=message.entered,
            taken=record.taken if record else leave.at,
            ended=leave.at,
            worker_us=record.worker_us if record else 0,
            remote_us=record.remote_us if record else 0,
            cpu_us=record.cpu_us if record else 0,
            repeats=message.repeats,
            status=record.status if record else None,
        )
        self._state.done[message.seq] = Done(
            step=step,
            version=message.version,
            instance=message.instance,
            above=live.above,
            headers=message.headers,
            body=message.body,
        )
        tally = self._tally(message, leave.at)
        tally.live -= 1
        tally.trash -= message.place is Place.TRASH
        tally.count(outcome)
        self._state.runs[message.instance].last = outcome
        self._touch(message, leave.at)

    def _touch(self, message: Message, at: int) -> None:
        """Note that messages which wait for this one may have to look again."""
        for scope in enclosing(message.scope):
            self._touched[message.version, scope] = at

    def _tally(self, message: Message, at: int) -> Tally:
        self._changed[message.instance] = at
        return self._state.runs[message.instance].tally

    def _tell_trash(self, message: Message, at: int) -> None:
        self._event(
            EventKind.MESSAGE_IN_TRASH,
            at,
            message.version,
            message.instance,
            node=message.node,
            message=message.id,
            detail=message.reason,
        )

    def _event(
        self,
        kind: EventKind,
        at: int,
        version: int,
        instance: str,
        *,
        node: str | None = None,
        message: str | None = None,
        detail: str | None = None,
    ) -> None:
        owner = self._state.versions[version].version
        event = Event(
            kind=kind,
            at=at,
            seq=self._state.number("event"),
            process=owner.process,
            version=owner.number,
            instance=instance,
            node=node,
            message=message,
            detail=detail,
        )
        self._state.events.append(event)
        self.events.append(event)

    def _log(self, message: Message, at: int, level: str, text: str) -> None:
        owner = self._state.versions[message.version].version
        self._state.logs.append(
            StoredLog(
                seq=self._state.number("log"),
                at=at,
                level=level,
                text=text,
                process=owner.process,
                version=owner.number,
                node=message.node,
                instance=message.instance,
                message=message.id,
            )
        )


def _as_seen(stored: Message, seen: Message) -> bool:
    """Whether the stored message is what a transition saw: the same one, at the same place and stage."""
    return (stored.id, max(stored.place, Place.DELAYED), stored.due, stored.repeats, stored.outages) == (
        seen.id,
        max(seen.place, Place.DELAYED),
        seen.due,
        seen.repeats,
        seen.outages,
    )
