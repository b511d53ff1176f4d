"""Tells of queues that have grown too long or whose oldest message has waited too long, and of their return."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from msgspec import Struct

from segue.model.errors import SegueError
from segue.model.events import Event, EventKind
from segue.model.ledger import QueueState
from segue.ports.outside import Clock
from segue.ports.views import Views

log = logging.getLogger(__name__)

_EVERY_S = 10.0
# A queue is back only well below the bound, so that one that stays around it is not told of again and again.
_BACK = 0.8

_Key = tuple[str, int, str]


class QueueBounds(Struct, frozen=True, kw_only=True):
    """From how many ready messages on a queue is too long, and from which age of the oldest one it is too old; 0 for
    never."""

    messages: int
    oldest_s: int


class QueueWatch:
    """Looks at all queues. What was told is kept in memory: a queue that still is too long after a restart is told of
    again."""

    def __init__(self, views: Views, tell: Callable[[Event], None], clock: Clock, bounds: QueueBounds) -> None:
        self._views = views
        self._tell = tell
        self._clock = clock
        self._bounds = {
            EventKind.QUEUE_TOO_LONG: bounds.messages,
            EventKind.QUEUE_TOO_OLD: bounds.oldest_s * 1000,
        }
        self._told: dict[_Key, set[EventKind]] = {}

    async def run(self) -> None:
        """Look again and again; trouble of the store waits for the next look."""
        while any(self._bounds.values()):
            await asyncio.sleep(_EVERY_S)
            try:
                await self.step()
            except SegueError as error:
                log.warning("Looking at queues: %s", error.detail)

    async def step(self) -> None:
        """Look once."""
        now = self._clock.now()
        queues = {(q.process, q.version, q.node): q for q in await self._views.queues(None, now)}
        for key, queue in queues.items():
            self._look(key, queue, now)
        for key in [key for key in self._told if key not in queues]:
            self._back(key, "it is empty", now)

    def _look(self, key: _Key, queue: QueueState, now: int) -> None:
        sizes = {EventKind.QUEUE_TOO_LONG: queue.depth, EventKind.QUEUE_TOO_OLD: queue.oldest_ms}
        told = self._told.get(key, set())
        for kind, size in sizes.items():
            bound = self._bounds[kind]
            if bound and size >= bound and kind not in told:
                told.add(kind)
                self._told[key] = told
                self._say(kind, key, _text(queue), now)
        if told and all(sizes[kind] < _BACK * self._bounds[kind] for kind in told):
            self._back(key, _text(queue), now)

    def _back(self, key: _Key, text: str, now: int) -> None:
        del self._told[key]
        self._say(EventKind.QUEUE_BACK, key, text, now)

    def _say(self, kind: EventKind, key: _Key, text: str, now: int) -> None:
        process, version, node = key
        self._tell(Event(kind=kind, at=now, process=process, version=version, node=node, detail=text))


def _text(queue: QueueState) -> str:
    held: Sequence[str] = [] if queue.held is None else [queue.held]
    return "; ".join([f"{queue.depth} messages wait, the oldest for {queue.oldest_ms / 1000:.0f} s", *held])
