"""Accepting: how a start request becomes an instance with its first message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from segue.core.headers import DEFAULTS, LIMITER_KEY, USER, begun_by_hand, clean_headers
from segue.model.events import Event, EventKind
from segue.model.ids import make_id
from segue.model.start import Accepted, Headers, Start
from segue.model.versions import InstanceState
from segue.ports.messages import MessageStore
from segue.ports.outside import Chance, Clock
from segue.ports.views import Views
from segue.runtime.worker_limits import WorkerLimits

_STATES = {
    EventKind.INSTANCE_FINISHED: InstanceState.FINISHED,
    EventKind.INSTANCE_FAILED: InstanceState.FAILED,
    EventKind.INSTANCE_CANCELLED: InstanceState.CANCELLED,
    EventKind.MESSAGE_IN_TRASH: InstanceState.FAILED,
}


class StartRequest(Struct, frozen=True, kw_only=True):
    """What a caller asks for; see `Start` for the fields. Ids and the instant are the acceptor's business.

    `by_hand`: a person wants this run, so that it stops at every user task.
    """

    process: str
    body: bytes
    headers: Headers
    node: str | None = None
    version: int | None = None
    key: str | None = None
    tick: int | None = None
    by_hand: bool = False


class Acceptor:
    """The one door for new instances. When `start` answers, the message is on disk (P1)."""

    def __init__(
        self, store: MessageStore, views: Views, clock: Clock, chance: Chance, limits: WorkerLimits | None = None
    ) -> None:
        self._store = store
        self._limits = limits
        self._views = views
        self._clock = clock
        self._chance = chance
        self._watched: dict[str, list[asyncio.Future[InstanceState]]] = {}

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The loop that everything here runs in. Asking for the running one costs a call of the system each time."""
        return asyncio.get_running_loop()

    async def start(self, request: StartRequest) -> Accepted:
        """Make an instance. Raises what `MessageStore.accept` raises."""
        if self._limits is not None and not self._limits.none_for(request.process, request.version):
            request = await self._limited(self._limits, request)
        return await self._store.accept(self._complete(request))

    async def start_and_wait(self, request: StartRequest, timeout_s: float) -> tuple[Accepted, InstanceState]:
        """Make an instance and wait until it has ended or needs a person; RUNNING when the time is over first."""
        if self._limits is not None and not self._limits.none_for(request.process, request.version):
            request = await self._limited(self._limits, request)
        start = self._complete(request)
        result = self._watch(start.instance)
        try:
            accepted = await self._store.accept(start)
            if accepted.repeated:
                return accepted, await self.wait(accepted.instance, timeout_s)
            return accepted, await self._within(result, timeout_s)
        finally:
            self._unwatch(start.instance, result)

    async def wait(self, instance: str, timeout_s: float) -> InstanceState:
        """Wait until the instance has ended or needs a person; RUNNING when the time is over first."""
        result = self._watch(instance)
        try:
            found = await self._views.instance(instance)
            if found is not None and found.state is not InstanceState.RUNNING:
                return found.state
            return await self._within(result, timeout_s)
        finally:
            self._unwatch(instance, result)

    def note(self, events: Sequence[Event]) -> None:
        """Wake those who wait for what these events tell."""
        if not self._watched:
            return
        for event in events:
            state = _STATES.get(event.kind)
            if state is None or event.instance is None:
                continue
            for result in self._watched.get(event.instance, ()):
                if not result.done():
                    result.set_result(state)

    def let_go(self) -> None:
        """Wake everybody who waits; they learn that their instance still runs."""
        for results in self._watched.values():
            for result in results:
                if not result.done():
                    result.set_result(InstanceState.RUNNING)

    @staticmethod
    async def _limited(limits: WorkerLimits, request: StartRequest) -> StartRequest:
        """The request with the limits that workers have for its user."""
        if LIMITER_KEY in request.headers:
            return request
        key = await limits.key(request.process, request.version, request.headers.get(USER, DEFAULTS[USER]))
        return replace(request, headers=request.headers | {LIMITER_KEY: key}) if key else request

    def _complete(self, request: StartRequest) -> Start:
        now = self._clock.now()
        entropy = self._chance.entropy(20)
        return Start(
            process=request.process,
            instance=make_id(now, entropy[:10]),
            message=make_id(now, entropy[10:]),
            at=now,
            body=request.body,
            headers=(begun_by_hand if request.by_hand else clean_headers)(request.headers),
            node=request.node,
            version=request.version,
            key=request.key,
            tick=request.tick,
        )

    def _watch(self, instance: str) -> asyncio.Future[InstanceState]:
        result: asyncio.Future[InstanceState] = self._loop.create_future()
        self._watched.setdefault(instance, []).append(result)
        return result

    async def _within(self, result: asyncio.Future[InstanceState], timeout_s: float) -> InstanceState:
        # An alarm that gives the answer: `asyncio.timeout` would cost several times as much for each that waits.
        alarm = self._loop.call_later(timeout_s, _give_up, result)
        try:
            return await result
        finally:
            alarm.cancel()

    def _unwatch(self, instance: str, result: asyncio.Future[InstanceState]) -> None:
        watching = self._watched[instance]
        watching.remove(result)
        if not watching:
            del self._watched[instance]


def _give_up(result: asyncio.Future[InstanceState]) -> None:
    if not result.done():
        result.set_result(InstanceState.RUNNING)
