"""Starts the process `system-events` for ends and failed messages, as Orchesty does: once for each, also after a crash.

It reads the stored events in their order and notes how far it has come. What it starts bears a key, so that what it
reads a second time starts nothing. While there is no such process, or none of its versions is enabled, it reads
nothing; once one is, it tells of what happens from then on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from segue.core.system_events import NODE, PROCESS, Facts, Told, concerns, told_of_end, told_of_trash
from segue.model.errors import NodeNotFound, NoEnabledVersion, NotFound, ProcessNotFound, SegueError
from segue.model.events import Event, EventKind
from segue.model.message import Message, Place
from segue.model.versions import InstanceState, VersionState
from segue.ports.outside import Clock
from segue.ports.store import Store
from segue.runtime.accept import Acceptor, StartRequest

log = logging.getLogger(__name__)

MARK = "system-events"
_PAGE = 200
# Instances of which a message is in trash are looked at this often (ms), so many at a time.
_LOOK_MS = 1_000
_LOOKED_AT = 100
_RETRY_S = 2.0
_USER = "orchesty"


class SystemEvents:
    """`run` goes on until it is cancelled; `step` handles one page of events; `note` wakes it."""

    def __init__(self, store: Store, acceptor: Acceptor, clock: Clock) -> None:
        self._store = store
        self._acceptor = acceptor
        self._clock = clock
        self._at: int | None = None
        self._enabled = 0
        self._open: dict[str, Event] = {}
        self._looked = 0
        self._known: dict[tuple[str, int], tuple[int, str]] = {}
        self._news = asyncio.Event()

    def note(self, events: Sequence[Event]) -> None:
        """Something happened. Costs next to nothing while nobody is to be told."""
        for event in events:
            if event.process == PROCESS:
                self._news.set()
                if event.kind is EventKind.VERSION_ENABLED:
                    self._enabled = event.seq
        if self._at is not None:
            self._news.set()

    async def run(self) -> None:
        """Tell of events as they come."""
        while True:
            self._news.clear()
            try:
                while await self.step():
                    pass
            except SegueError as error:
                log.warning("Telling %s of events: %s", PROCESS, error.detail)
                await asyncio.sleep(_RETRY_S)
                continue
            # Instances that ended but for what is in trash are found by looking.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_MS / 1000 if self._open else None):
                    await self._news.wait()

    async def step(self) -> bool:
        """Handle a page of events; whether there may be more. Raises SegueError when it cannot now."""
        began = await self._begin()
        if began is None:
            return False
        events = await self._store.events(began, _PAGE)
        for event in events:
            if concerns(event):
                await self._handle(event)
            self._at = event.seq
        await self._settle_open()
        if events:
            # A restart reads again from the oldest instance that is not at its end.
            oldest = min((event.seq for event in self._open.values()), default=events[-1].seq + 1)
            await self._store.put_mark(MARK, min(oldest - 1, events[-1].seq))
        return len(events) == _PAGE

    async def _begin(self) -> int | None:
        """After which event to read; None while nobody listens."""
        try:
            versions = (await self._store.process(PROCESS)).versions
        except ProcessNotFound:
            versions = ()
        if all(version.state is not VersionState.ENABLED for version in versions):
            self._at = None
            self._open.clear()
            if await self._store.mark(MARK):
                await self._store.put_mark(MARK, 0)
            return None
        if self._at is None:
            # 0 and none mean that nobody listened so far.
            self._at = await self._store.mark(MARK) or self._enabled or await self._enabled_at()
        return self._at

    async def _enabled_at(self) -> int:
        """The event that enabled the process last; what happened before was nobody's to be told of."""
        found = after = 0
        while events := await self._store.events(after, 1_000):
            after = events[-1].seq
            for event in events:
                if event.kind is EventKind.VERSION_ENABLED and event.process == PROCESS:
                    found = event.seq
        return found or after

    async def _handle(self, event: Event) -> None:
        if event.instance is None:
            return
        if event.kind is EventKind.MESSAGE_IN_TRASH:
            message = await self._message(event)
            await self._start(told_of_trash(event, await self._facts(event, message), message))
            self._open.setdefault(event.instance, event)
            return
        self._open.pop(event.instance, None)
        await self._start(told_of_end(event, await self._facts(event, None), 0))

    async def _settle_open(self) -> None:
        """Tell of the end of instances of which nothing is left but what is in trash."""
        now = self._clock.now()
        if now < self._looked + _LOOK_MS:
            return
        self._looked = now
        for instance, event in list(self._open.items())[:_LOOKED_AT]:
            found = await self._store.instance(instance)
            del self._open[instance]
            if found is not None and found.state is InstanceState.RUNNING:
                self._open[instance] = event  # behind the others
                continue
            if found is not None and found.state is InstanceState.FAILED and found.trash:
                message = await self._message(event)
                facts = await self._facts(event, message)
                await self._start(told_of_end(event, facts, found.trash, failed=True))

    async def _start(self, told: Told) -> None:
        request = StartRequest(process=PROCESS, node=NODE, body=told.body, headers={}, key=told.key)
        try:
            await self._acceptor.start(request)
        except NodeNotFound:
            log.warning("The process %s has no start node %s, so it is told of nothing", PROCESS, NODE)
        except (ProcessNotFound, NoEnabledVersion):
            return  # disabled meanwhile

    async def _message(self, event: Event) -> Message | None:
        if event.message is None:
            return None
        placed = await self._store.placed_message(event.message, Place.TRASH)
        return placed.message if placed is not None else None

    async def _facts(self, event: Event, message: Message | None) -> Facts:
        version_id, applications = await self._version(event.process or "", event.version or 0)
        user = _USER if message is None else message.headers.get("user", _USER)
        return Facts(version_id=version_id, applications=applications, user=user)

    async def _version(self, process: str, number: int) -> tuple[int, str]:
        """The version's number in the store, and the applications that it uses."""
        known = self._known.get((process, number))
        if known is not None:
            return known
        try:
            versions = (await self._store.process(process)).versions
            [version] = [version for version in versions if version.number == number]
            graph = (await self._store.content(version.id)).graph
        except (NotFound, ValueError):
            return 0, ""
        keys = {node.action.application for node in graph.nodes if node.action and node.action.application}
        found = self._known[process, number] = (version.id, ";".join(sorted(keys)))
        return found
