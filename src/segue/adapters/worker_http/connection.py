"""One connection to a worker: one exchange after another, each a request and its answer."""

from __future__ import annotations

import asyncio
import ssl
from time import perf_counter
from typing import Final, cast

from segue.adapters.worker_http.answer import AnswerReader
from segue.adapters.worker_http.settings import HttpSettings
from segue.model.workers import Fault, WorkerReply

_NEVER: Final = float("inf")
# uvloop's clock counts whole milliseconds, so an alarm may ring that much too early.
_TICK: Final = 0.001
# Below this, one copy of the payload costs less than a second write.
_JOINED: Final = 64 * 1024


class Connection(asyncio.Protocol):
    """Carries exchanges, one at a time. Whatever happens to it, the exchange under way ends with a reply.

    It is a member of `register` while the socket is open; `ended` is done after that. `born` is the loop's time of its
    beginning, `rested` that of the end of its last exchange.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: HttpSettings, register: set[Connection]) -> None:
        self.born = self.rested = loop.time()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._register = register
        self._transport: asyncio.Transport | None = None  # None: not yet, or no longer
        self._ending = Fault.CLOSED, "the worker closed the connection before it was asked"
        self._answer = AnswerReader(settings)
        self._waiter: asyncio.Future[WorkerReply] | None = None
        self._started = perf_counter()
        self._deadline = _NEVER
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = _NEVER

    @property
    def usable(self) -> bool:
        """Whether an exchange may begin: connected, and none under way."""
        return self._waiter is None and self._transport is not None and not self._transport.is_closing()

    @property
    def answered(self) -> bool:
        """Whether a byte of the present or last exchange's answer came."""
        return self._answer.started

    async def exchange(self, head: bytes, payload: bytes, deadline: float) -> WorkerReply:
        """Send a request and return its answer or the fault that came instead, not later than `deadline` (loop time).

        After a fault, and after an answer that leaves the connection unfit for another, it is closed. A cancelled
        exchange leaves it unusable; the caller aborts it.
        """
        self._answer.begin()
        self._started = perf_counter()
        transport = self._transport
        if transport is None or transport.is_closing():  # writing to a closing one raises on uvloop
            return self._fault(*self._ending)
        waiter: asyncio.Future[WorkerReply] = self._loop.create_future()
        self._waiter = waiter
        self._deadline = deadline
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        if len(payload) < _JOINED:
            transport.write(head + payload)
        else:
            transport.write(head)
            transport.write(payload)
        return await waiter

    def abort(self, why: str = "given up by Segue") -> None:
        """Close at once and send no more; an exchange under way ends with CLOSED. A closed one stays as it is."""
        self._end(Fault.CLOSED, why)

    def drop(self) -> None:
        """Close at once and leave the register: for one whose end the loop tells, or will not tell.

        uvloop does not when the making of the connection is cancelled after it was made.
        """
        self.abort()
        self._register.discard(self)
        if not self.ended.done():
            self.ended.set_result(None)

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._register.add(self)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        if self._waiter is None:
            # An answer to the next request could not be told from this.
            self._end(Fault.GARBAGE, "the worker spoke before it was asked")
            return
        answer = self._answer
        answer.feed(data)
        if answer.trouble is not None:
            self._end(*answer.trouble)
        elif answer.complete:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and exc is None and self._answer.until_close:
            self._finish()
        elif isinstance(exc, ssl.SSLError):
            self._end(Fault.TLS, f"TLS failed: {exc}")
        elif exc is not None:
            self._end(Fault.CLOSED, f"the connection broke {self._answer.progress()}: {exc}")
        else:
            self._end(Fault.CLOSED, f"the worker closed the connection {self._answer.progress()}")
        self.drop()

    # The rest is ours.

    def _finish(self) -> None:
        answer = self._answer
        reply = WorkerReply(status=answer.status, headers=answer.headers, body=answer.body, elapsed_us=self._elapsed())
        self.rested = self._loop.time()
        self._resolve(reply)
        transport = self._transport
        # With bytes of the request still unsent, the worker could not tell them from the next one's.
        if transport is not None and (not answer.keep or transport.get_write_buffer_size()):
            self._end(Fault.CLOSED, "closed after its last answer")

    def _end(self, fault: Fault, detail: str) -> None:
        transport, self._transport = self._transport, None
        if transport is None:
            return
        transport.abort()
        self._ending = fault, detail
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiter is not None:
            self._resolve(self._fault(fault, detail))

    def _resolve(self, reply: WorkerReply) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        # The alarm of a finished exchange is left as it is: usually it rings once for thousands of exchanges.
        self._alarm = None
        self._alarm_at = _NEVER
        if self._waiter is None:
            return
        if self._deadline - self._loop.time() > _TICK:
            self._set_alarm(self._deadline)
        else:
            self._end(Fault.TIMEOUT, f"the time was over {self._answer.progress()}")

    def _fault(self, fault: Fault, detail: str) -> WorkerReply:
        return WorkerReply(elapsed_us=self._elapsed(), fault=fault, detail=detail)

    def _elapsed(self) -> int:
        return round((perf_counter() - self._started) * 1_000_000)
