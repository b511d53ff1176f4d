"""Publishing tickets for what a process has brought into queues, after the commit, in the order of the commits."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence

from segue.adapters.postgres.tickets import PAGE, Row
from segue.model.errors import SegueError

log = logging.getLogger(__name__)

_PAUSE_S = 0.2
_LONGEST_S = 5.0


class Relay:
    """`confirmed`: tickets of all messages of this process up to this number are with the broker. Whoever holds `turn`
    publishes alone, so that tickets of one queue come into it in the order of its rows."""

    def __init__(self, publish: Callable[[Sequence[Row]], Awaitable[None]]) -> None:
        self.turn = asyncio.Lock()
        self.confirmed = 0
        self._publish = publish
        self._waiting: deque[Row] = deque()
        self._under_way: list[Row] = []
        self._news = asyncio.Event()
        self._idle = asyncio.Event()

    @property
    def pending(self) -> int:
        """How many tickets are not confirmed."""
        return len(self._waiting) + len(self._under_way)

    def numbers(self) -> list[int]:
        """The messages whose tickets are not confirmed."""
        return [row[0] for row in (*self._waiting, *self._under_way)]

    def add(self, number: int, id: str, version: int, node: str) -> None:
        """A message is ready since the last commit."""
        self._waiting.append((number, id, version, node))
        self._idle.clear()
        self._news.set()

    def drop(self, numbers: Collection[int]) -> None:
        """Whoever has the turn has published the tickets of these messages."""
        if self._waiting:
            self._waiting = deque(row for row in self._waiting if row[0] not in numbers)

    async def flush(self) -> None:
        """Wait until all is confirmed."""
        if self.pending:
            await self._idle.wait()

    async def run(self) -> None:
        """Publish, until cancelled."""
        while True:
            if not self._waiting:
                self._idle.set()
                self._news.clear()
                await self._news.wait()
            async with self.turn:
                pause = await self._publish_some()
            if pause:
                await asyncio.sleep(pause)

    async def _publish_some(self) -> float:
        """Publish what waits, up to a page; how long to leave it alone then."""
        rows = self._under_way = [self._waiting.popleft() for _ in range(min(PAGE, len(self._waiting)))]
        try:
            if rows:
                await self._publish(rows)
                # Numbers of one process rise with its commits; what was recovered comes another way.
                self.confirmed = max(self.confirmed, *(row[0] for row in rows))
            return 0.0
        except SegueError:
            self._waiting.extendleft(reversed(rows))
            return _PAUSE_S
        except Exception:
            log.exception("Tickets could not be published; that is tried again")
            self._waiting.extendleft(reversed(rows))
            return _LONGEST_S
        finally:
            self._under_way = []
