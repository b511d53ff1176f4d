"""Following: a process learns what the others of its installation made true, by reading on in the stored events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from segue.model.errors import SegueError
from segue.model.events import Event, EventKind
from segue.ports.store import Store

log = logging.getLogger(__name__)

_PAGE = 1_000
_SCAN = 10_000


class Following:
    """Reads every event after `begin` once, in order, and tells `heard`; of these `kinds` alone, if any are named.

    It looks every `poll_s`, and at once after a hint; so a hint that is lost costs time and nothing else. After it has
    looked it rests for `rest_s`: each look is work for the database, and there are hints all the time.
    """

    def __init__(
        self,
        store: Store,
        heard: Callable[[Sequence[Event]], None],
        poll_s: float,
        *,
        kinds: Sequence[EventKind] = (),
        rest_s: float = 0.0,
    ) -> None:
        self._store = store
        self._heard = heard
        self._poll_s = poll_s
        self._kinds = kinds
        self._rest_s = rest_s
        self._news = asyncio.Event()
        self._position = 0

    def hint(self) -> None:
        """There may be events."""
        self._news.set()

    async def begin(self) -> None:
        """Follow from here on; to be called before what the events tell of is read."""
        self._position = await self._store.last_event()

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
            if self._rest_s:
                await asyncio.sleep(self._rest_s)

    async def _read_on(self) -> bool:
        """Read a page; whether there may be more."""
        if self._kinds:
            return await self._scan_on()
        events = await self._store.events(self._position, _PAGE)
        if not events:
            return False
        self._position = events[-1].seq
        self._heard(events)
        return len(events) == _PAGE

    async def _scan_on(self) -> bool:
        """Look at a page for what is wanted; whether there may be more."""
        began = self._position
        scan = await self._store.scan_events(began, self._kinds, _SCAN)
        self._position = scan.seen
        if scan.events:
            self._heard(scan.events)
        return scan.seen - began >= _SCAN
