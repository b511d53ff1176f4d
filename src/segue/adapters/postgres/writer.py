"""The writer of a process: makes everything that waits durable, with as few commits as it takes.

What comes while a lane is idle is committed at once; what comes while all are busy shares the next commit. With two
lanes the database executes the statements of one group while those of the next are made.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack

from segue.adapters.postgres.changes import Keeper
from segue.adapters.postgres.connect import Link
from segue.adapters.postgres.lane import Lane, Shared, SharedReport
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.sql.live import Held
from segue.adapters.sql.operations import Operation, Report
from segue.adapters.sql.pace import Pace
from segue.adapters.sql.work import needs_alone, weight
from segue.model.errors import BacklogFull, StoreUnavailable

log = logging.getLogger(__name__)


class Writer:
    """Hands what waits to lanes, each with one of `links`. `sparing`: processors are short beside other processes. For
    the others see `Shared`."""

    def __init__(
        self,
        links: Sequence[Link],
        settings: PostgresSettings,
        *,
        keeper: Keeper,
        let_go: Callable[[Iterable[Held]], None],
        holder: Callable[[], int],
        evicted: Callable[[], None],
        doubt: Callable[[], None],
        sparing: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._sparing = sparing
        self._pace = Pace()
        self._shared = Shared(settings, keeper, let_go, holder, evicted, doubt, self._pace, {})
        self._lanes = [Lane(link, self._shared, self._deliver) for link in links]
        self._turns = [asyncio.Lock() for _ in links]
        self._idle: list[asyncio.Event] = []
        self._queue: deque[Operation] = deque()
        self._busy = 0
        self._closed = False
        self._listener: Callable[[SharedReport], None] = _ignore
        self._tasks: list[asyncio.Task[None]] = []

    # -- for the others -----------------------------------------------------------------------------------------------

    @property
    def live(self) -> dict[int, int]:
        """The live messages of each version, as far as is known here."""
        return self._shared.live

    @live.setter
    def live(self, counted: dict[int, int]) -> None:
        self._shared.live = counted

    @property
    def waiting(self) -> int:
        """How many operations are not answered yet."""
        return len(self._queue) + self._busy

    def on_report(self, listener: Callable[[SharedReport], None]) -> None:
        """Call `listener` with what each transaction made true, before its callers go on."""
        self._listener = listener

    def start(self) -> None:
        """Begin to work."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(number)) for number in range(len(self._lanes))]

    def submit(self, operation: Operation) -> None:
        """Have an operation done; its future gets the answer."""
        if self._closed:
            operation.error = StoreUnavailable("the store is closed")
            asyncio.get_running_loop().call_soon(self._deliver, SharedReport([operation]))
            return
        self._queue.append(operation)
        # Who was woken takes all that waits by then.
        if len(self._queue) == 1:
            self._wake()

    def check_intake(self) -> None:
        """Raise BacklogFull while nothing new can be taken in."""
        if self.waiting >= self._settings.max_waiting:
            detail = f"{self.waiting} writes wait for the database, the most allowed"
            raise BacklogFull(detail, retry_after=self._pace.seconds_for(self.waiting))

    async def finish(self) -> None:
        """Do what was submitted, and take nothing more."""
        self._closed = True
        for news in self._idle:
            news.set()
        for task in self._tasks:
            await task
        for lane in self._lanes:
            await lane.close()

    # -- groups -------------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Have a lane look for work; the next one to end its own does so anyway. Where processors are short beside
        other processes one lane is enough: they keep the database busy meanwhile, and its groups are twice the size."""
        if self._idle and (not self._sparing() or len(self._idle) == len(self._lanes)):
            self._idle.pop().set()

    async def _run(self, number: int) -> None:
        """Work until told to end. Whatever happens, every operation is answered."""
        lane = self._lanes[number]
        news = asyncio.Event()
        while self._queue or not self._closed:
            if not self._queue:
                news.clear()
                self._idle.append(news)
                await news.wait()
                continue
            group = self._gather()
            self._busy += len(group)
            try:
                async with AsyncExitStack() as turns:
                    for turn in self._turns if any(map(needs_alone, group)) else [self._turns[number]]:
                        await turns.enter_async_context(turn)
                    await lane.commit(group)
            except asyncio.CancelledError:
                lane.fail(group, StoreUnavailable("the store is closed"))
                raise
            finally:
                self._busy -= len(group)

    def _gather(self) -> list[Operation]:
        """Take all that waits, up to a bound; what is left is for another lane."""
        queue = self._queue
        group = [queue.popleft()]
        count = weight(group[0])
        while queue and count < self._settings.batch:
            operation = queue.popleft()
            group.append(operation)
            count += weight(operation)
        if queue:
            self._wake()
        return group

    def _deliver(self, report: SharedReport) -> None:
        try:
            self._listener(report)
        except Exception:
            log.exception("Following up on a commit failed; its callers are answered all the same")
            for operation in report.operations:
                operation.answer()


def _ignore(report: Report) -> None:
    """Do nothing; stands in until somebody listens."""
