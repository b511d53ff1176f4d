"""Following: a process learns what the others of its installation made true, by reading on in the stored events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from segue.model.errors import SegueError
from segue.model.events import Event
from segue.ports.cluster import Cluster
from segue.ports.views import Views

log = logging.getLogger(__name__)

_PAGE = 1_000


class Following:
    """Reads every event after `begin` once, in order, and tells `heard`.

    It looks every `poll_s`, and at once after a hint; so a hint that is lost costs time and nothing else.
    """

    def __init__(
        self,
        views: Views,
        cluster: Cluster,
        heard: Callable[[Sequence[Event]], None],
        poll_s: float,
    ) -> None:
        self._views = views
        self._cluster = cluster
        self._heard = heard
        self._poll_s = poll_s
        self._news = asyncio.Event()
        self._position = 0

    def hint(self) -> None:
        """There may be events."""
        self._news.set()

    async def begin(self) -> None:
        """Follow from here on; to be called before what the events tell of is read."""
        self._position = await self._cluster.last_event()

    async def run(self) -> None:
        """Follow, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._news.wait()
            self._news.clear()
            try:
                while await self._read_on():
                    pass
            except SegueError as error:
                log.warning("Following what happens: %s", error.detail)

    async def _read_on(self) -> bool:
        """Read a page; whether there may be more."""
        events = await self._views.events(self._position, _PAGE)
        if not events:
            return False
        self._position = events[-1].seq
        self._heard(events)
        return len(events) == _PAGE
