"""Workers in this process: the port `WorkerTransport` without a network, for tests and for the simulation.

The worker's actions are functions, chosen by the worker's address and the action's path. Every fault of the port can be
had, once, some times, or by a rule. Nothing here is random, reads a clock or takes time unless it is told to wait.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from segue.adapters.worker_http.request import Target, UnsendableError
from segue.model.workers import Fault, WorkerCall, WorkerReply

Handler = Callable[[WorkerCall], WorkerReply | Awaitable[WorkerReply]]
Wait = Callable[[int], Awaitable[None]]

_MIB = 1024 * 1024
# No byte reaches the worker before these happen.
_UNREACHED = frozenset({Fault.REFUSED, Fault.UNRESOLVED, Fault.TLS, Fault.UNSENDABLE, Fault.UNKNOWN_WORKER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What goes wrong with a call.

    `handled`: the worker's function ran before; its answer is lost. It cannot be with a fault that happens before a
    byte reaches the worker. `answered`: a byte of an answer had come, so that a call over a kept connection is not made
    again (T3); it matters for CLOSED alone. It happens `after_ms` into the call.
    """

    fault: Fault
    handled: bool = False
    answered: bool = True
    after_ms: int = 0

    def __post_init__(self) -> None:
        if self.handled and self.fault in _UNREACHED:
            raise ValueError(f"{self.fault} happens before the worker has the call, so it cannot have handled it")


Rule = Callable[[WorkerCall], Trouble | None]


@dataclass(slots=True)
class _Plan:
    trouble: Trouble
    times: int | None


class FakeWorkers:
    """A `WorkerTransport` over functions. T1 to T5 hold.

    `calls` are the attempts that reached a worker, in order; one that T3 makes again is there twice. `abandoned` are
    the calls that were cancelled. `rule`, if set, is asked for trouble before each attempt that no plan covers.
    `wait` passes the given number of ms; a simulation gives its own clock's. `elapsed_us` tells only what was waited
    because of a trouble, so it is the same in every run.
    """

    def __init__(self, *, rule: Rule | None = None, wait: Wait | None = None, answer_limit: int = 64 * _MIB) -> None:
        self.rule = rule
        self.calls: list[WorkerCall] = []
        self.abandoned: list[WorkerCall] = []
        self._wait = wait or _sleep
        self._answer_limit = answer_limit
        self._handlers: dict[str, Handler] = {}
        self._plans: dict[str, list[_Plan]] = {}
        self._kept: set[str] = set()
        self._closed = asyncio.Event()
        self._changed = asyncio.Event()

    def serve(self, url: str, path: str, handler: Handler) -> None:
        """Let the worker at `url` answer calls of `path` with this function from now on."""
        self._handlers[url.rstrip("/") + path] = handler

    def fail(self, url: str, trouble: Trouble | Fault, *, times: int | None = None) -> None:
        """Plan trouble for the next `times` attempts (None: all) at what begins with `url`, after earlier plans."""
        plan = Trouble(fault=trouble) if isinstance(trouble, Fault) else trouble
        self._plans.setdefault(url, []).append(_Plan(plan, times))

    def heal(self, url: str) -> None:
        """Drop all that was planned for exactly this `url`."""
        self._plans.pop(url, None)

    async def reached(self, count: int) -> None:
        """Wait until that many attempts have reached a worker."""
        while len(self.calls) < count:
            await self._change()

    async def gave_up(self, count: int) -> None:
        """Wait until that many calls were cancelled."""
        while len(self.abandoned) < count:
            await self._change()

    async def call(self, call: WorkerCall) -> WorkerReply:
        """Answer as the worker's function does, or with the fault that was planned; a function's error is raised."""
        try:
            target = Target(call.url)
            target.head(call.headers, len(call.payload))
        except UnsendableError as error:
            return WorkerReply(fault=Fault.UNSENDABLE, detail=str(error))
        origin = str(target.origin)
        reused = origin in self._kept
        self._kept.discard(origin)
        try:
            reply, answered = await self._attempt(call)
            if reply.fault is Fault.CLOSED and reused and not answered:
                reply, _ = await self._attempt(call)
        except asyncio.CancelledError:
            self.abandoned.append(call)
            self._changed.set()
            raise
        if reply.fault is None:
            self._kept.add(origin)
        return reply

    async def close(self) -> None:
        """Let calls under way and later ones end with CLOSED."""
        self._closed.set()

    async def _attempt(self, call: WorkerCall) -> tuple[WorkerReply, bool]:
        """Make one attempt; the second value says whether a byte of an answer came."""
        if self._closed.is_set():
            return _fault(Fault.CLOSED, "the transport is closed"), False
        trouble = self._trouble(call)
        if trouble is None or trouble.fault not in _UNREACHED:
            self.calls.append(call)
            self._changed.set()
        reply = WorkerReply()
        if trouble is None or trouble.handled:
            reply = await self._handle(call)
        if trouble is None:
            if len(reply.body) > self._answer_limit:
                reply = _fault(Fault.TOO_LARGE, f"the answer is larger than {self._answer_limit} bytes")
            return reply, reply.fault is None
        waited = call.timeout_ms if trouble.fault is Fault.TIMEOUT else trouble.after_ms
        if waited:
            cut_off = await self._within(call, self._waited(waited))
            if cut_off.fault is not None:
                return cut_off, False
        return _fault(trouble.fault, f"planned for {call.url}", waited), trouble.answered

    async def _handle(self, call: WorkerCall) -> WorkerReply:
        handler = self._handlers.get(call.url)
        if handler is None:
            return WorkerReply(status=404, headers={"content-type": "text/html"}, body=b"<h1>Not found</h1>")
        reply = handler(call)
        return reply if isinstance(reply, WorkerReply) else await self._within(call, reply)

    async def _within(self, call: WorkerCall, work: Awaitable[WorkerReply]) -> WorkerReply:
        """Return what the work brings, or a fault when the call's time is over or the transport is closed first."""
        done = asyncio.ensure_future(work)
        late = asyncio.ensure_future(self._waited(call.timeout_ms))
        closed = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({done, late, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (done, late, closed):
                task.cancel()
        if done.done():
            return done.result()
        if late.done():
            return _fault(Fault.TIMEOUT, f"the time was over at {call.url}", call.timeout_ms)
        return _fault(Fault.CLOSED, "the transport is closed")

    async def _waited(self, ms: int) -> WorkerReply:
        await self._wait(ms)
        return WorkerReply()

    def _trouble(self, call: WorkerCall) -> Trouble | None:
        for url, plans in self._plans.items():
            if not call.url.startswith(url):
                continue
            while plans:
                plan = plans[0]
                if plan.times is None:
                    return plan.trouble
                if plan.times > 0:
                    plan.times -= 1
                    return plan.trouble
                plans.pop(0)
        return self.rule(call) if self.rule is not None else None

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def envelope(
    body: str = "{}",
    *,
    code: str | None = "0",
    headers: dict[str, str] | None = None,
    message: str = "",
    status: int = 200,
) -> WorkerReply:
    """Return the answer of a worker that speaks the envelope; without `code` it says no result code."""
    fields = dict(headers or {})
    if code is not None:
        fields |= {"result-code": code, "result-message": message}
    content = json.dumps({"headers": fields, "body": body}).encode()
    return WorkerReply(status=status, headers={"content-type": "application/json"}, body=content)


def opened(call: WorkerCall) -> tuple[dict[str, str], str]:
    """Return headers and body of the envelope in a call."""
    content = json.loads(call.payload)
    return content["headers"], content["body"]


def echo(call: WorkerCall) -> WorkerReply:
    """Answer as an action that changes nothing: the headers and the body that came."""
    headers, body = opened(call)
    return envelope(body, headers=headers)


async def _sleep(ms: int) -> None:
    await asyncio.sleep(ms / 1000)  # not synchronisation: a slow worker, or the time that a call may take


def _fault(fault: Fault, detail: str, waited_ms: int = 0) -> WorkerReply:
    return WorkerReply(fault=fault, detail=detail, elapsed_us=waited_ms * 1000)
