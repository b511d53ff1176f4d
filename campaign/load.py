"""The load: senders that start instances at a rate, and a log of every answer they got."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from campaign.api import NO_ANSWER, Api, RefusedError
from campaign.waiting import OverdueError
from campaign.worker import Body

AGAIN_AFTER_S = 0.05
ANSWERED_WITHIN_S = 120.0
BUSY = frozenset({429, 503})


class Start(Struct, frozen=True):
    """One answered start: its number, the instants of its first request and of its answer, and what was answered."""

    number: int
    sent: float
    answered: float
    instance: str
    version: int


class Refusal(Struct, frozen=True):
    """One answer that was a refusal, with the instants of its request and of the answer itself."""

    number: int
    sent: float
    answered: float
    status: int
    code: str
    detail: str


class Load:
    """Starts instances of one process, numbered from 0, each under an idempotency key of its own.

    A start that brings no answer, or a refusal, is sent again under its key until it is accepted: so whatever was
    accepted is known here at the end. `rate` is in starts a second over all the time: what a dead server has held up is
    made up for. None sends as fast as the answers come. With one sender the numbers are accepted in their order.
    """

    def __init__(
        self,
        api: Api,
        process: str,
        body: Callable[[int], Body],
        *,
        rate: float | None = None,
        senders: int = 32,
        limit: int | None = None,
    ) -> None:
        self.accepted: dict[int, Start] = {}
        self.refusals: list[Refusal] = []
        self.unanswered = 0
        self.seconds = 0.0
        self._api = api
        self._process = process
        self._body = body
        self._rate = rate
        self._limit = limit
        self._issued = 0
        self._stopping = asyncio.Event()
        self._going = asyncio.Event()
        self._going.set()
        self._under_way = 0
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._senders = [self._loop.create_task(self._send()) for _ in range(senders)]

    async def finish(self, within_s: float = ANSWERED_WITHIN_S) -> None:
        """Begin no more starts; return when each that was begun is accepted. Raises OverdueError, or what a sender met.

        With a limit: return when so many are accepted.
        """
        if self._limit is None:
            self._stopping.set()
        done, late = await asyncio.wait(self._senders, timeout=within_s, return_when=asyncio.FIRST_EXCEPTION)
        for sender in done:
            sender.result()
        if late:
            raise OverdueError(f"{self._issued - len(self.accepted)} starts got no answer within {within_s:g} s")
        self.seconds = self._loop.time() - self._began

    async def hold(self) -> None:
        """Begin no more starts until `go_on`; return when each that was begun is accepted."""
        self._going.clear()
        while self._under_way:
            self.check()
            await asyncio.sleep(0.001)  # answers are on their way

    def go_on(self) -> None:
        """Begin starts again."""
        self._going.set()

    def check(self) -> None:
        """Raises what a sender met that it could not make anything of."""
        for sender in self._senders:
            if sender.done() and not sender.cancelled():
                sender.result()

    async def cancel(self) -> None:
        """End the senders whatever they do."""
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)

    async def _send(self) -> None:
        while not self._stopping.is_set() and (self._limit is None or self._issued < self._limit):
            number = self._issued
            self._issued += 1
            if self._rate is not None:
                await self._turn(number / self._rate)
            await self._going.wait()
            self._under_way += 1
            try:
                await self._start(number)
            finally:
                self._under_way -= 1

    async def _turn(self, after_s: float) -> None:
        """Wait for the instant at which a start is to be sent at this rate; not any longer once all are to end."""
        delay_s = self._began + after_s - self._loop.time()
        if delay_s > 0:
            try:
                await asyncio.wait_for(self._stopping.wait(), delay_s)
            except TimeoutError:
                return

    async def _start(self, number: int) -> None:
        body, key = msgspec.json.encode(self._body(number)), f"{self._process}-{number}"
        first = self._loop.time()
        while True:
            sent = self._loop.time()
            try:
                said = await self._api.start(self._process, body, key)
            except NO_ANSWER:
                self.unanswered += 1
            except RefusedError as refusal:
                if refusal.code != "no-enabled-version" and refusal.status not in BUSY:
                    raise
                now = self._loop.time()
                self.refusals.append(Refusal(number, sent, now, refusal.status, refusal.code, refusal.detail))
            else:
                self.accepted[number] = Start(number, first, self._loop.time(), said["instance"], said["version"])
                return
            await asyncio.sleep(AGAIN_AFTER_S)  # a caller's pause before it tries again
