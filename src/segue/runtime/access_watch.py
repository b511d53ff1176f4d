"""Tells of authorizations of applications that end, or have ended without being renewed: once for each end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC

from segue.core.access import BEFORE_MS, warn_at
from segue.core.iso8601 import to_local
from segue.model.documents import DocumentKind
from segue.model.errors import SegueError
from segue.model.events import Event, EventKind
from segue.ports.documents import DocumentCatalog, DocumentFilter, MarkCatalog
from segue.ports.outside import Clock

log = logging.getLogger(__name__)

_EVERY_S = 60.0


class AccessWatch:
    """Looks at the installs that are enabled. What was told is marked in the store, so no restart tells it again."""

    def __init__(
        self, documents: DocumentCatalog, marks: MarkCatalog, tell: Callable[[Event], None], clock: Clock
    ) -> None:
        self._documents = documents
        self._marks = marks
        self._tell = tell
        self._clock = clock

    async def run(self) -> None:
        """Look every minute; trouble waits for the next one."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.step()
            except SegueError as error:
                log.warning("Looking at authorizations that end: %s", error.detail)

    async def step(self) -> int:
        """Look once; how many ends were told of."""
        now = self._clock.now()
        wanted = DocumentFilter(kind=DocumentKind.INSTALL, enabled=True, expires_by=now + BEFORE_MS)
        told = 0
        for install in await self._documents.documents(wanted):
            at = warn_at(install)
            if install.expires is None or at is None or at > now:
                continue
            name = f"access:{install.id}"
            if await self._marks.mark(name) == install.expires:
                continue
            verb = "ends" if install.expires > now else "ended"
            when = to_local(install.expires, UTC).isoformat(timespec="seconds")
            detail = f"The authorization of {install.application} for {install.user} {verb} at {when}"
            self._tell(Event(kind=EventKind.ACCESS_EXPIRING, at=now, detail=detail))
            await self._marks.put_mark(name, install.expires)
            told += 1
        return told
