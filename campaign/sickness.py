"""The ways in which a worker fails: outages, which are not the message's fault, and failures, which are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

from msgspec import Struct

from campaign.plan import Plan
from campaign.waiting import until_async
from campaign.worker import Mode
from campaign.world import WorkerProcess, World

Suffered = Callable[[World, WorkerProcess], AbstractAsyncContextManager[None]]
HALF = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4000\r\n\r\n{"headers": {"resu'
NONSENSE = b"220 mail.example ESMTP ready\r\n"


class Outage(Struct, frozen=True):
    """No usable answer: the messages wait, and the queues have to say the reason."""

    name: str
    reason: str
    suffered: Suffered


class Failure(Struct, frozen=True):
    """An answer that says the message fails: it goes to the trash under this code, with this in the reason."""

    name: str
    code: str
    reason: str
    suffered: Suffered


@contextlib.asynccontextmanager
async def _dead(_: World, worker: WorkerProcess) -> AsyncIterator[None]:
    worker.kill()
    try:
        yield
    finally:
        await worker.start()


@contextlib.asynccontextmanager
async def _dead_and_server_killed(here: World, worker: WorkerProcess) -> AsyncIterator[None]:
    async with _dead(here, worker):
        here.server.kill()
        await here.server.start()
        yield


@contextlib.asynccontextmanager
async def _frozen(_: World, worker: WorkerProcess) -> AsyncIterator[None]:
    worker.freeze()
    try:
        yield
    finally:
        worker.thaw()


def _behaving(mode: Mode) -> Suffered:
    @contextlib.asynccontextmanager
    async def suffered(_: World, worker: WorkerProcess) -> AsyncIterator[None]:
        await worker.behave(mode)
        yield
        await worker.behave(Mode())

    return suffered


def _replaced(answer: bytes | None) -> Suffered:
    """Something else listens in the worker's place: it says `answer` and closes; None: it says nothing at all."""

    @contextlib.asynccontextmanager
    async def suffered(here: World, worker: WorkerProcess) -> AsyncIterator[None]:
        gone = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                if answer is None:
                    await gone.wait()
                else:
                    writer.write(answer)
                    await writer.drain()
            writer.close()

        async def listening() -> asyncio.Server | None:
            with contextlib.suppress(OSError):
                return await asyncio.start_server(serve, "127.0.0.1", worker.port)
            return None

        async with _dead(here, worker):
            server = await until_async(listening, 10, "the worker's port to be free")
            try:
                yield
            finally:
                gone.set()
                server.close()
                await server.wait_closed()

    return suffered


OUTAGES = (
    Outage("killed", "refused the connection", _dead),
    Outage("frozen", "did not answer in time", _frozen),
    Outage("slow", "did not answer in time", _behaving(Mode(pause_s=2.0))),
    Outage("garbage", "no envelope", _behaving(Mode(status=200, content="<html>It works!</html>"))),
    Outage("empty", "no envelope", _behaving(Mode(status=200))),
    Outage("too much", "answered more than is allowed", _behaving(Mode(status=200, huge=True))),
    Outage("unavailable", "HTTP status 503", _behaving(Mode(status=503, content="try later"))),
    Outage("closing", "closed the connection without an answer", _replaced(b"")),
    Outage("no HTTP", "no HTTP", _replaced(NONSENSE)),
    Outage("half an answer", "closed the connection", _replaced(HALF)),
    Outage("silent", "did not answer in time", _replaced(None)),
    Outage("killed, and the server, too", "refused the connection", _dead_and_server_killed),
)
FAILURES = (
    Failure("500", "status", "HTTP status 500", _behaving(Mode(status=500, content="{}"))),
    Failure("500 in HTML", "status", "HTTP status 500", _behaving(Mode(status=500, content="<h1>Internal Error</h1>"))),
    Failure("404", "status", "HTTP status 404", _behaving(Mode(status=404, content="nothing here"))),
    Failure("302", "status", "HTTP status 302", _behaving(Mode(status=302))),
    Failure(
        "no result code",
        "no-result-code",
        "without a result-code",
        _behaving(Mode(status=200, content='{"headers": {}, "body": "{}"}')),
    ),
)


def cases(plan: Plan) -> Iterator[Outage | Failure]:
    """As many cases as there are to be faults, at random, every kind once before any comes again."""
    random = plan.random()
    kinds: list[Outage | Failure] = []
    for _ in range(plan.faults):
        if not kinds:
            kinds = [case for case in (*OUTAGES, *FAILURES) if not plan.cases or case.name in plan.cases]
            random.shuffle(kinds)
        yield kinds.pop()
