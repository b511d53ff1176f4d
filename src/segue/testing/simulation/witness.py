"""Hears every call of a port, and keeps account, calls and trace by it.

`before` comes when a call reaches its port, `after` when it was done there: for the store that is the commit. Nothing
else runs between a commit and its `after`, so the account learns of commits in their order.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from segue.model.errors import NoEnabledVersion
from segue.model.events import Event, EventKind
from segue.model.message import Child, Message, Place, Staged, Transition
from segue.model.operations import Operation
from segue.model.start import Accepted, Start
from segue.model.versions import Instance, Version, VersionContent, VersionState
from segue.model.workers import Worker, WorkerCall, WorkerReply
from segue.ports.catalog import NewVersion, ScheduleState
from segue.ports.views import PlacedFilter
from segue.testing.simulation.account import Account, KnownVersion
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.bulk import Bulk
from segue.testing.simulation.calls import Calls, Seen
from segue.testing.simulation.decisions import Decisions
from segue.testing.simulation.dice import WorldClock, happens
from segue.testing.simulation.drawing import Drawing
from segue.testing.simulation.inspection import Inspector
from segue.testing.simulation.queues import Queues
from segue.testing.simulation.trace import Trace, short

Hook = Callable[..., None]


class Witness:
    """Sorts what it hears to those who check it. `drawings` are the drawings of drafts by (process, note)."""

    def __init__(
        self,
        *,
        account: Account,
        inspector: Inspector,
        breaches: Breaches,
        clock: WorldClock,
        trace: Trace,
        chance: Random,
    ) -> None:
        self.account = account
        self.calls = Calls(account, breaches)
        self.decisions = Decisions(account, self.calls, breaches)
        self.bulk = Bulk(account, breaches)
        self.queues = Queues(account, breaches, inspector)
        self.drawings: dict[tuple[str, str], Drawing] = {}
        self.progress_ms = 0
        self.audits = 1 / 16
        self._inspector = inspector
        self._breaches = breaches
        self._clock = clock
        self._trace = trace
        self._chance = chance
        self._contents: dict[int, VersionContent] = {}
        self._before: dict[str, Hook] = {"store.settle": self._settling, "transport.call": self._calling}
        self._after: dict[str, Hook] = {
            "store.accept": self._accepted,
            "store.settle": self._settled,
            "store.take": self._taken,
            "store.stage": self._staged,
            "store.put_operation": self._operation_begun,
            "store.placed_count": self._counted,
            "store.drop_spread": self._dropped,
            "store.release": self._released,
            "store.put_draft": self._drafted,
            "store.set_state": self._changed_state,
            "store.retire": self._retired,
            "store.skip_ticks": self._skipped,
            "store.content": self._read,
            "store.prune": self._pruned,
            "store.put_worker": self._worker_put,
            "store.delete_worker": self._worker_gone,
            "store.instance": self._shown,
            "store.note_events": self._events_noted,
            "transport.call": self._answered,
        }
        self._under_way: dict[int, Seen] = {}

    def before(self, life: int, port: str, method: str, args: tuple[Any, ...]) -> None:
        """A call has reached its port."""
        self._hear(self._before, f"{port}.{method}", life, *args)

    def after(self, port: str, method: str, args: tuple[Any, ...], result: Any) -> None:
        """A call was done."""
        self._hear(self._after, f"{port}.{method}", result, *args)

    def _hear(self, hooks: dict[str, Hook], name: str, *args: Any) -> None:
        """Call the hook of a method, if it has one. What fails in it is ours, and must not reach the engine."""
        hook = hooks.get(name)
        if hook is None or self._breaches.first is not None:
            return
        try:
            hook(*args)
        except Exception:  # noqa: BLE001 - shown as a breach of the checker itself
            self._breaches.note("checker", traceback.format_exc())

    def refused(self, port: str, method: str, args: tuple[Any, ...], error: BaseException) -> None:
        """A call raised an error by itself."""
        self._trace.add(f"{method} refused", None, type(error).__name__, str(error))
        if method == "accept" and isinstance(error, NoEnabledVersion):
            start: Start = args[0]
            highest = self.account.highest(start.process)
            text = f"refused for want of an enabled version, but {highest and highest.number} is enabled"
            self._breaches.unless(highest is None, "P4", text)
        if port == "transport" and method == "call":
            self._answered(None, *args)

    def crashed(self) -> None:
        """The server died."""
        self.account.crash()
        self.calls.crash(self._clock.now())
        self._under_way.clear()

    def look(self, *, whole: bool | None = None) -> None:
        """Compare the store with the account, after a commit."""
        if whole is None:
            whole = happens(self._chance, self.audits)
        self._inspector.committed(self._clock.now(), whole=whole)

    # -- the store ----------------------------------------------------------------------------------------------------

    def _accepted(self, accepted: Accepted, start: Start) -> None:
        what = "accepted again" if accepted.repeated else "accepted"
        self._trace.add(what, accepted.instance, accepted.process, accepted.version, start.key, start.tick, start.body)
        self.account.accept(start, accepted)
        self._committed()

    def _settling(self, life: int, transitions: Sequence[Transition]) -> None:
        for transition in map(self.account.whole, transitions):
            self.bulk.settling(transition)
            self.decisions.made(life, transition)

    def _settled(self, results: Sequence[bool], transitions: Sequence[Transition]) -> None:
        transitions = [self.account.whole(transition) for transition in transitions]
        for transition, done in zip(transitions, results, strict=True):
            message, effect = transition.message, transition.effect
            what = type(effect).__name__.lower() if done else "stale"
            children = " ".join(f"{child.node}:{short(child.id)}" for child in getattr(effect, "children", ()))
            outcome = getattr(effect, "outcome", getattr(effect, "reason_code", ""))
            self._trace.add(what, message.instance, short(message.id), message.node, str(outcome), children)
            if done:
                self.calls.settled(message.id)
                self.bulk.settled(transition)
        self.account.settle(transitions, results)
        self._committed()

    def _staged(self, now: Staged, _before: Staged, parent: Message, children: Sequence[Child]) -> None:
        self._trace.add("staged", parent.instance, short(parent.id), len(children), now.count)
        self.account.stage(now, children)

    def _dropped(self, _nothing: None, staged: Staged) -> None:
        self._trace.add("dropped", None, staged.count)
        self.account.staged.pop(staged.spread, None)

    def _counted(self, found: tuple[int, int], wanted: PlacedFilter) -> None:
        self.bulk.counted(wanted, found[0])

    def _operation_begun(self, _nothing: None, operation: Operation) -> None:
        self._trace.add("operation", None, operation.kind.value, operation.total)
        self.bulk.begun(operation)

    def _taken(  # noqa: PLR0917 - as the port has it
        self, messages: Sequence[Message], version: int, node: str, limit: int, now: int, ordered: bool
    ) -> None:
        self.queues.taken(messages, version, node, limit, now, ordered)
        for message in messages:
            self._trace.add("taken", message.instance, short(message.id), node)

    def _released(self, _nothing: None, message: Message) -> None:
        self._trace.add("released", message.instance, short(message.id), message.node)
        self.queues.released(message)

    def _drafted(self, version: Version, draft: NewVersion) -> None:
        drawing = self.drawings[draft.process, draft.note]
        known = KnownVersion(version.id, version.process, version.number, version.state, drawing, draft.entries)
        self.account.put(known)
        self._contents[version.id] = draft.content
        self._trace.add("draft", None, version.process, version.number)

    def _changed_state(self, version: Version, process: str, number: int, state: VersionState, at: int) -> None:
        self._trace.add("version", None, process, number, state.value)
        self.account.change_state(process, number, state, at)
        self._breaches.unless(version.state is state, "P4", f"{process} {number} is {version.state} instead of {state}")
        self._committed()

    def _retired(self, version: Version, process: str, number: int, discard: bool, at: int) -> None:
        self._trace.add("retired", None, process, number, discard)
        self.account.change_state(process, number, VersionState.RETIRED, at)
        live = sum(
            known.version == version.id and known.place is not Place.TRASH for known in self.account.live.values()
        )
        self._breaches.unless(live == 0, "C5", f"{process} {number} was retired while {live} messages lived in it")
        self._committed()

    def _skipped(self, _nothing: None, state: ScheduleState) -> None:
        self._trace.add("tick decided", None, state.process, state.node, state.tick)
        self.account.skip(state.process, state.node, state.tick)

    def _pruned(self, count: int, before: int, limit: int) -> None:
        self._trace.add("pruned", None, count, before)
        self._inspector.pruned(count, before, limit)
        self._committed()

    def _events_noted(self, _nothing: None, events: Sequence[Event]) -> None:
        """What no settle caused is stored too, once."""
        self.account.told += [(event.kind, event.instance, event.message) for event in events]
        self._committed()

    def _worker_put(self, _nothing: None, worker: Worker) -> None:
        self._trace.add("worker", None, worker.name, worker.url)
        self.calls.urls.setdefault(worker.name, set()).add(worker.url)
        self.account.told.append((EventKind.WORKERS_CHANGED, None, None))

    def _worker_gone(self, _nothing: None, name: str) -> None:
        self._trace.add("worker gone", None, name)
        self.calls.missing.add(name)
        self.account.told.append((EventKind.WORKERS_CHANGED, None, None))

    def _read(self, content: VersionContent, version: int) -> None:
        """What a published version means never changes (P5)."""
        put = self._contents.get(version)
        same = put is not None and put.graph == content.graph
        self._breaches.unless(same, "P5", f"the graph of version {version} is not the one that was published")

    def _shown(self, found: Instance | None, id: str) -> None:
        run = self.account.runs.get(id)
        if run is not None and found is not None:
            self._inspector.shown(run, found)

    def _committed(self) -> None:
        self.progress_ms = self._clock.now()
        self.look()

    # -- the workers --------------------------------------------------------------------------------------------------

    def _calling(self, life: int, call: WorkerCall) -> None:
        seen = self.calls.begin(life, call, self._clock.now())
        if seen is not None:
            self._under_way[id(call)] = seen
            self._trace.add("call", self._whose(seen), short(seen.message), seen.node, call.url)

    def _answered(self, reply: WorkerReply | None, call: WorkerCall) -> None:
        seen = self._under_way.pop(id(call), None)
        if seen is None:
            return
        self.calls.end(seen, reply, self._clock.now())
        if reply is None:
            said = "given up"
        else:
            said = str(reply.fault) if reply.fault is not None else f"{reply.status} {reply.body!r}"
        self._trace.add("answer", self._whose(seen), short(seen.message), seen.node, said)
        self.progress_ms = self._clock.now()

    def _whose(self, seen: Seen) -> str | None:
        """The instance of the message that was called with."""
        gone = self.account.gone.get(seen.message)
        known = self.account.live.get(seen.message) or (gone and gone.known)
        return known.instance if known else None
