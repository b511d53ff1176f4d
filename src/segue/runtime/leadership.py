"""Leading: work that one process of an installation does for all, and that another takes over when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from math import inf
from time import monotonic
from typing import Any, TypeAlias

from segue.model.errors import SegueError, StoreUnavailable
from segue.ports.cluster import Cluster
from segue.tasks import end

log = logging.getLogger(__name__)

LEASE_MS = 3_000
_RENEW_S = 1.0
_GIVE_UP_S = 2.5


Running: TypeAlias = Coroutine[Any, Any, None]
Work: TypeAlias = Callable[[], Running]


class Lead:
    """Does `work` while this process holds the lease `name`, and asks for the lease while it does not.

    The lease is renewed every second and lasts three, so that another process has it 4 s after the holder's end at the
    latest. A holder that could not renew it stops its work before anybody else can begin it.
    """

    def __init__(self, cluster: Cluster, name: str, holder: str, work: Work) -> None:
        self._cluster = cluster
        self._name = name
        self._holder = holder
        self._work = work
        self._task: asyncio.Task[None] | None = None

    @property
    def leading(self) -> bool:
        """Whether the work is done here."""
        return self._task is not None

    async def run(self) -> None:
        """Lead when it is our turn, until cancelled."""
        renewed = -inf
        try:
            while True:
                asked = monotonic()
                with contextlib.suppress(SegueError, TimeoutError):
                    async with asyncio.timeout(_GIVE_UP_S - _RENEW_S):
                        ours = await self._cluster.lead(self._name, self._holder, LEASE_MS)
                        renewed = asked if ours else -inf
                held = monotonic() - renewed < _GIVE_UP_S
                if held and (self._task is None or self._task.done()):
                    await self._drop()
                    self._task = asyncio.get_running_loop().create_task(self._guarded())
                elif not held:
                    await self._drop()
                left = renewed + _GIVE_UP_S - monotonic()
                await asyncio.sleep(min(_RENEW_S, max(0.0, left)) if held else _RENEW_S)
        finally:
            await self._drop()

    async def resign(self) -> None:
        """Let another process lead at once. To be called after `run` has ended."""
        with contextlib.suppress(SegueError):
            await self._cluster.resign(self._name, self._holder)

    async def _guarded(self) -> None:
        try:
            await self._work()
        except asyncio.CancelledError:
            raise
        except StoreUnavailable as error:
            log.warning("The work of %s waits for the store and is begun again: %s", self._name, error.detail)
        except Exception as error:
            log.exception("The work of %s failed and is begun again: %s", self._name, error)  # noqa: TRY401

    async def _drop(self) -> None:
        await end(self._task)
        self._task = None
