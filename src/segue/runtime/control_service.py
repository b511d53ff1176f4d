"""A control service: takes the messages of one published version, calls the workers, settles what follows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from msgspec import Struct

from segue.core.data_errors import is_data_error
from segue.core.decide import call_headers, decide, decide_not_callable, large_batch
from segue.core.envelope import encode_request
from segue.core.headers import service_headers
from segue.core.limit_rules import Falls, decide_waiting
from segue.core.routing import Routes
from segue.model.errors import SegueError, StoreUnavailable
from segue.model.events import Event, EventKind
from segue.model.graph import Action, Node, NodeKind, ProcessGraph
from segue.model.message import (
    Consumed,
    Kept,
    LogLine,
    Message,
    Outcome,
    Record,
    SetAside,
    Transition,
)
from segue.model.services import LaneState
from segue.model.versions import Version
from segue.model.workers import Fault, WorkerCall, WorkerReply
from segue.ports.messages import MessageStore
from segue.ports.outside import Chance, Clock, WorkerTransport
from segue.runtime.directory import ActionAddresses
from segue.runtime.fair_limits import FairLimits
from segue.runtime.herald import Herald
from segue.runtime.lane import Lane
from segue.runtime.load import Load
from segue.runtime.log_lines import LogLines
from segue.runtime.meter import Meter
from segue.runtime.spreading import PIECE, drop, spread
from segue.runtime.tracer import Tracer
from segue.tasks import end

LARGE_ANSWER = 64 * 1024
"""Bytes of a batch's answer from which on it is handled some children at a time."""

_TELL_AGAIN_MS = 600_000
_LOOK_AGAIN_MS = 500
_STORE_RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a control service works with; shared by all of them.

    A batch's answer of `large_answer` bytes or more is decided and stored some children at a time, about `piece`.
    `alone`: no other process puts messages into the queues, so that nothing comes unheard.
    """

    store: MessageStore
    transport: WorkerTransport
    directory: ActionAddresses
    limits: FairLimits
    clock: Clock
    chance: Chance
    herald: Herald
    lines: LogLines
    meter: Meter
    tracer: Tracer | None = None
    large_answer: int = LARGE_ANSWER
    piece: int = PIECE
    alone: bool = True


class ControlService:
    """Runs one version. It shares no state with the services of other versions (P8).

    `on_crash` is called, once, with the error that stopped it; whoever supervises it starts another.
    """

    def __init__(
        self,
        version: Version,
        graph: ProcessGraph,
        around: Surroundings,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self.version = version
        self.load = Load()
        self._routes = Routes(graph)
        self._around = around
        self._on_crash = on_crash
        self._lanes = {node.id: Lane(node) for node in graph.nodes}
        self._lifts = {lane.node.id: partial(self._lift, lane) for lane in self._lanes.values()}
        workers = {node.action.worker for node in graph.nodes if node.action is not None}
        self._extra = {worker: service_headers(version.process, worker) for worker in workers}
        self._taken: dict[int, Message] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0
        self._stopping = False
        self._loop = asyncio.get_running_loop()

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin with what is in the queues now."""
        await self._look()

    async def stop(self, grace_s: float) -> None:
        """Take nothing more; finish what is in flight within the grace, give back the rest."""
        self._stopping = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        while late := set(self._tasks):  # also what those that ended have begun
            await end(*late)
        for message in self._taken.values():  # its task was cancelled before it began
            self._around.store.release(message)
        self._taken.clear()

    def wake(self, node: str) -> None:
        """Something may be ready before `node`."""
        lane = self._lanes.get(node)
        if lane is None or self._stopping:
            return
        lane.hinted = True
        if not lane.pumping and lane.room(self._around.clock.now()) > 0:
            lane.pumping = True
            self._spawn(self._pump(lane))

    def look_again(self) -> None:
        """Look into the queues: another process may have put something there, or may be gone that was to wake us."""
        if not self._stopping:
            self._spawn(self._look_quietly())

    def lanes(self) -> list[LaneState]:
        """What people see of the nodes of this version."""
        now = self._around.clock.now()
        return [lane.state(now) for lane in self._lanes.values()]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._stopping:
            self._stopping = True
            self._on_crash(error)

    # -- taking -------------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Wake every node that has something ready, and set the alarm for what falls due next."""
        now = self._around.clock.now()
        try:
            ready = await self._around.store.nodes_ready(self.version.id, now)
        except StoreUnavailable:
            self._wake_at(now + _LOOK_AGAIN_MS)
            return
        for node in ready:
            self.wake(node)
        await self._plan(now)

    async def _look_quietly(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # there will be another look
            await self._look()

    async def _plan(self, now: int) -> None:
        """Set the alarm for what falls due next after `now`."""
        try:
            due = await self._around.store.next_due(self.version.id, now)
        except StoreUnavailable:
            due = now + _LOOK_AGAIN_MS
        held = [lane.held_until for lane in self._lanes.values() if lane.held_until > now]
        soonest = min(held if due is None else [due, *held], default=None)
        if soonest is not None:
            self._wake_at(soonest)

    async def _pump(self, lane: Lane) -> None:
        """Fill the lane: a task for each message there is room for."""
        try:
            while (room := self._room(lane, now := self._around.clock.now())) > 0:
                lane.hinted = False
                messages = await self._take(lane, room, now)
                if self._stopping:  # `stop` gives them back
                    return
                for message in messages:
                    lane.in_flight += 1
                    self._spawn(self._slot(lane, message))
                if not messages and lane.node.kind is NodeKind.TIMER:
                    await self._plan(now)  # a person's decision may have sent one here that is not due yet
                if len(messages) < room and not lane.hinted:
                    return
        finally:
            lane.pumping = False

    def _room(self, lane: Lane, now: int) -> int:
        return 0 if self._stopping else lane.room(now)

    async def _slot(self, lane: Lane, message: Message) -> None:
        """Handle a message, and then the next ones, as long as the lane has room for this slot."""
        try:
            while True:
                await self.load.measured(self._handle(lane, message))
                now = self._around.clock.now()
                if self._stopping or not lane.may_go_on(now):
                    return
                more = await self._take(lane, 1, now)
                if not more:
                    return
                message = more[0]
        finally:
            lane.in_flight -= 1
            if lane.hinted:  # a hint came while there was no room
                self.wake(lane.node.id)

    async def _take(self, lane: Lane, limit: int, now: int) -> list[Message]:
        store = self._around.store
        try:
            messages = await store.take(self.version.id, lane.node.id, limit, now, lane.ordered)
        except StoreUnavailable:  # what is in flight goes on, and is settled once that can be done
            self._wake_at(now + _LOOK_AGAIN_MS)
            return []
        for message in messages:
            self._taken[message.seq] = message
        return messages

    # -- handling -----------------------------------------------------------------------------------------------------

    async def _handle(self, lane: Lane, message: Message) -> None:
        """Call the worker if the node has an action, decide, and make it true. The message is never dropped:
        it is settled, or it is back in its queue."""
        settled = False
        try:
            holder = ""
            falls = None if lane.node.action is None else self._around.limits.falls_under(lane.node, message)
            if falls is not None:
                holder = f"{message.id}/{self._around.chance.entropy(4).hex()}"
                if (until := await self._until_granted(lane, holder, falls)) is not None:
                    settled = await self._wait_for_limit(lane, message, falls, until)
                    return
            transition = await self._transition(lane, message, holder)
            if self._around.tracer is not None:
                transition = self._around.tracer.handled(self.version, lane.node, transition)
            transition = self._around.lines.of(self.version.process, transition)
            self._note(lane, transition)
            transition, true = await self._settle(transition)
            settled = True
            self._around.meter.poke()
            if not true:
                await drop(self._around.store, transition)
            elif isinstance(transition.effect, SetAside):
                self._note_aside(lane, transition, transition.effect)
            self._wake_for(transition)
        finally:
            if self._taken.get(message.seq) is message:  # one that stays may have been taken again already
                del self._taken[message.seq]
            if not settled:
                self._around.store.release(message)

    async def _until_granted(self, lane: Lane, holder: str, falls: Falls) -> int | None:
        """None when the limits allow a call now; else the instant at which they may."""
        lift = self._lifts[lane.node.id]
        return await self._around.limits.acquire(self.version.process, holder, falls, lift)

    async def _wait_for_limit(self, lane: Lane, message: Message, falls: Falls, until: int) -> bool:
        """Let the lane wait; or, when others of it may fall under other keys, this message alone, which is settled."""
        if not falls.personal or lane.ordered:
            reason = f"the limit of {', '.join(falls.keys)} is reached"
            now = self._around.clock.now()
            if now >= lane.told_until:  # one event for a stretch of waiting, not one for each wait
                self._tell(EventKind.LIMIT_REACHED, lane, reason)
            lane.told_until = now + _TELL_AGAIN_MS
            self._around.meter.limited(self.version.id, lane.node.id, now, until - now)
            lane.hold(until, reason)
            self._wake_at(until)
            return False
        due = self._around.limits.turn_of(falls, until)
        transition = decide_waiting(message, falls, due, self._around.clock.now())
        await self._settle(transition)
        self._wake_for(transition)
        return True

    def _lift(self, lane: Lane) -> None:
        """A slot of a limit may be free."""
        lane.lift()
        self.wake(lane.node.id)

    async def _transition(self, lane: Lane, message: Message, holder: str) -> Transition:
        clock = self._around.clock
        taken = clock.now()
        reply: WorkerReply | None = None
        try:
            if lane.node.action is not None:
                try:
                    reply = await self._call(lane.node, lane.node.action, message)
                finally:
                    if holder:
                        self._around.limits.ended(holder)
            if reply is not None and len(reply.body) >= self._around.large_answer:
                large = large_batch(self._routes, message, reply, clock.now(), taken)
                if large is not None:
                    return await spread(self._around.store, message, large, lambda: self._stopping, self._around.piece)
            chance = self._around.chance.fraction()
            return decide(self._routes, message, reply, clock.now(), taken, chance, lane.outages)
        except StoreUnavailable:  # it is stopping: the message goes back to its queue
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours with this one message must not stop the others
            return _internal_error(message, taken, clock.now(), error)

    async def _call(self, node: Node, action: Action, message: Message) -> WorkerReply:
        url = self._around.directory.url(action)
        worker = self._around.directory.worker(action.worker)
        if url is None or worker is None:
            detail = f"no worker is registered under the name {action.worker!r}"
            return WorkerReply(fault=Fault.UNKNOWN_WORKER, detail=detail)
        headers = call_headers(self._routes, message, self._extra[action.worker])
        fields = worker.headers
        if self._around.tracer is not None:
            trace = self._around.tracer.outgoing(message)
            fields, headers = {**fields, **trace}, {**headers, **trace}
        call = WorkerCall(
            url=url,
            headers=fields,
            payload=encode_request(headers, message.body),
            timeout_ms=node.timeout_ms,
        )
        return await self._around.transport.call(call)

    def _note(self, lane: Lane, transition: Transition) -> None:
        """Hold the lane after an outage, open it after an answer."""
        effect = transition.effect
        if isinstance(effect, Kept) and effect.outcome is Outcome.OUTAGE:
            if lane.note_outage(transition.at, effect.due, effect.reason):
                self._tell(EventKind.WORKER_DOWN, lane, effect.reason)
        elif lane.note_answer():
            self._tell(EventKind.WORKER_UP, lane, None)
            self._loop.call_soon(self.wake, lane.node.id)

    def _note_aside(self, lane: Lane, transition: Transition, effect: SetAside) -> None:
        if is_data_error(effect, transition.record.status):
            self._tell(EventKind.DATA_ERROR, lane, effect.reason, transition.message)

    def _wake_for(self, transition: Transition) -> None:
        """Set the alarm for what will fall due. Only when it is stored: an earlier look must not miss it."""
        effect = transition.effect
        if isinstance(effect, Kept):
            self._wake_at(effect.due)
        elif isinstance(effect, Consumed):
            for child in effect.children:
                if child.due:
                    self._wake_at(child.due)

    def _tell(self, kind: EventKind, lane: Lane, detail: str | None, about: Message | None = None) -> None:
        event = Event(
            kind=kind,
            at=self._around.clock.now(),
            process=self.version.process,
            version=self.version.number,
            node=lane.node.id,
            instance=None if about is None else about.instance,
            message=None if about is None else about.id,
            detail=detail,
        )
        self._around.herald.tell(event)

    async def _settle(self, transition: Transition) -> tuple[Transition, bool]:
        """Settle, and return what was settled, and whether it was not stale: a call that cannot be made is a failure
        instead. While the store cannot write keep what the worker answered and try again, so that it is not called
        twice for the store's sake."""
        tries = 0
        while True:
            try:
                [true] = await self._around.store.settle([transition])
                return transition, true
            except StoreUnavailable:
                if self._stopping:
                    raise
                await asyncio.sleep(_STORE_RETRY_S[min(tries, len(_STORE_RETRY_S) - 1)])
                tries += 1
            except SegueError as error:
                effect = transition.effect
                if not (isinstance(effect, SetAside) and effect.starts):
                    raise
                transition = decide_not_callable(self._routes, transition, error)

    # -- what falls due -----------------------------------------------------------------------------------------------

    def _wake_at(self, due: int) -> None:
        """Look again at `due`, unless an earlier look is planned."""
        if self._stopping or (self._alarm is not None and self._alarm_at <= due):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        delay_s = max(0, due - self._around.clock.now()) / 1000
        self._alarm_at = due
        self._alarm = self._loop.call_later(delay_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if not self._stopping:
            self._spawn(self._look())


def _internal_error(message: Message, taken: int, now: int, error: Exception) -> Transition:
    reason = f"Segue failed to handle this message: {type(error).__name__}: {error}"
    return Transition(
        message=message,
        effect=SetAside(reason=reason, reason_code="internal-error"),
        record=Record(taken=taken),
        at=now,
        logs=(LogLine(level="error", text=reason, at=now),),
    )
