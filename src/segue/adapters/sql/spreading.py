"""Large transitions, as the event loop sees them: staging children, and moving them into place once settled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from segue.adapters.sql import spreads
from segue.adapters.sql.changes import Changes
from segue.adapters.sql.operations import CallOperation, Operation
from segue.model.errors import StoreUnavailable
from segue.model.message import Child, Message, Staged
from segue.tasks import end

log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_S = 0.5


class Spreads:
    """The spreads of one store. What is being moved goes on by itself, whoever waits for it.

    `submit` has an operation done; `holder` is the number of this process among those that share the store.
    """

    def __init__(self, submit: Callable[[Operation], None], holder: Callable[[], int]) -> None:
        self._submit = submit
        self._holder = holder
        self._moving: dict[int, asyncio.Task[None]] = {}

    async def begin(self) -> Staged:
        """See `MessageStore.begin_spread`."""
        return await self._do(lambda changes: spreads.begin(changes, self._holder()))

    async def stage(self, staged: Staged, parent: Message, children: Sequence[Child]) -> Staged:
        """See `MessageStore.stage`."""
        return await self._do(lambda changes: spreads.stage(changes, staged, parent, children), len(children))

    async def drop(self, staged: Staged) -> None:
        """See `MessageStore.drop_spread`."""
        while not await self._do(lambda changes: spreads.drop(changes, staged.spread, spreads.PIECE), spreads.PIECE):
            pass

    async def move(self, staged: Staged) -> None:
        """Bring the children of a settled transition into their places; returns when all are there."""
        moving = self._moving.get(staged.spread)
        if moving is None:
            moving = self._moving[staged.spread] = asyncio.get_running_loop().create_task(self._move(staged.spread))
            moving.add_done_callback(lambda _: self._moving.pop(staged.spread, None))
        await asyncio.shield(moving)

    async def take_over(self) -> None:
        """Go on with what processes that are gone have left: move what is settled, and forget what never will be."""
        moving, dropped = await self._do(spreads.left_by_the_gone)
        for spread in dropped:
            await self.drop(Staged(spread=spread))
        for spread in moving:
            await self.move(Staged(spread=spread))

    async def close(self) -> None:
        """Leave what is being moved to the next one who opens the store."""
        await end(*self._moving.values())

    async def _move(self, spread: int) -> None:
        while True:
            try:
                if await self._do(lambda changes: spreads.move(changes, spread), spreads.PIECE):
                    return
            except StoreUnavailable as error:
                log.warning("Messages of a large transition wait on their way into their queues: %s", error.detail)
                await asyncio.sleep(_RETRY_S)

    async def _do(self, work: Callable[[Changes], T], weight: int = 1) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._submit(CallOperation(lambda _, changes: work(changes), future, versions=False, weight=weight))
        return await future
