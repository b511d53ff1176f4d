"""The herald: stores events that no settle caused, so that they are told even if the server dies right after."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from segue.model.errors import StoreUnavailable
from segue.model.events import Event, EventKind
from segue.model.versions import Version
from segue.ports.notices import EventIntake
from segue.tasks import end

log = logging.getLogger(__name__)

_BOUND = 10_000
_BITE = 200
_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class Herald:
    """Takes events at once and stores them in the background, in order. Who listens to the store hears of them then.

    While the store cannot write they wait, up to a bound; the oldest go first beyond it, and are counted.
    """

    def __init__(self, intake: EventIntake) -> None:
        self._intake = intake
        self._waiting: deque[Event] = deque()
        self._task: asyncio.Task[None] | None = None
        self.lost = 0

    def tell(self, event: Event) -> None:
        """Have an event stored and told."""
        if len(self._waiting) >= _BOUND:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def tell_restart(self, version: Version, at: int, why: str) -> None:
        """Tell that a version's control service was started again, and why."""
        process, number = version.process, version.number
        self.tell(Event(kind=EventKind.SERVICE_RESTARTED, at=at, process=process, version=number, detail=why))

    async def stop(self, grace_s: float) -> None:
        """Store what waits, within the grace."""
        task = self._task
        if task is not None:
            await asyncio.wait({task}, timeout=grace_s)
            await end(task)

    async def _run(self) -> None:
        tries = 0
        try:
            while self._waiting:
                bite = [self._waiting[index] for index in range(min(_BITE, len(self._waiting)))]
                try:
                    await self._intake.note_events(bite)
                except StoreUnavailable:
                    await asyncio.sleep(_RETRY_S[min(tries, len(_RETRY_S) - 1)])
                    tries += 1
                    continue
                tries = 0
                for event in bite:
                    # One may have gone beyond the bound meanwhile.
                    if self._waiting and self._waiting[0] is event:
                        self._waiting.popleft()
        except Exception:
            log.exception("Events could not be stored and are lost")
            self.lost += len(self._waiting)
            self._waiting.clear()
        finally:
            self._task = None
