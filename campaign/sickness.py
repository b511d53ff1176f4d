"""The ways in which a worker fails: outages, which are not the message's fault, and failures, which are.

And strains: what is out of the ordinary, and yet no reason to fail.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager

from msgspec import Struct

from campaign.load import Load
from campaign.plan import Plan
from campaign.waiting import until_async
from campaign.worker import LOADED, Mode
from campaign.world import WorkerProcess, World

SICK = "sick"
PATIENT = "patient"
"""The processes that suffer, and their workers. The patient one waits for a minute, as is usual, where the other one
waits for a second; and its worker closes connections that are idle for five seconds, as those on Node do."""

KEPT_BY_PATIENT_S = 5
LADEN_CALLS = 3
WITHIN_S = 300.0

Suffered = Callable[[World, WorkerProcess], AbstractAsyncContextManager[None]]
HALF = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4000\r\n\r\n{"headers": {"resu'
NONSENSE = b"220 mail.example ESMTP ready\r\n"


class Outage(Struct, frozen=True):
    """No usable answer: the messages wait, and the queues have to say the reason."""

    name: str
    reason: str
    suffered: Suffered
    whose: str = SICK


class Strain(Struct, frozen=True):
    """Something that the patient process has to get through without a message failing, or even waiting."""

    name: str
    played: Callable[[World, WorkerProcess, Load], Awaitable[None]]


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


async def _idle(here: World, _: WorkerProcess, load: Load) -> None:
    """Let connections be idle for about as long as the worker keeps them, then use many of them at once."""
    for step in range(6):
        await load.hold()
        await here.settled(PATIENT)
        await asyncio.sleep(KEPT_BY_PATIENT_S - 0.2 + 0.05 * step)  # idle: what this is about
        load.go_on()
        await asyncio.sleep(0.5)  # a load that is made up for


async def _laden(_: World, worker: WorkerProcess, __: Load) -> None:
    """Some answers hold 30 MB; the two actions behind get all of it."""
    before = (await worker.counts()).get(LOADED, 0)
    await worker.behave(Mode(laden=LADEN_CALLS))

    async def seen() -> bool:
        return (await worker.counts()).get(LOADED, 0) >= before + 2 * LADEN_CALLS

    await until_async(seen, WITHIN_S, "the large messages to pass")
    await worker.behave(Mode())


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
    Outage("slow by 70 s", "did not answer in time", _behaving(Mode(pause_s=70.0)), PATIENT),
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
STRAINS = (Strain("closing idle connections", _idle), Strain("30 MB", _laden))
CASES: tuple[Outage | Failure | Strain, ...] = (*OUTAGES, *FAILURES, *STRAINS)


def cases(plan: Plan) -> Iterator[Outage | Failure | Strain]:
    """As many cases as there are to be faults, at random, every kind once before any comes again."""
    random = plan.random()
    kinds: list[Outage | Failure | Strain] = []
    for _ in range(plan.faults):
        if not kinds:
            kinds = [case for case in CASES if not plan.cases or case.name in plan.cases]
            random.shuffle(kinds)
        yield kinds.pop()
