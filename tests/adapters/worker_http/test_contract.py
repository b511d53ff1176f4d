"""The contract of the port, on HTTP and on the workers in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from segue.adapters.worker_http import HttpWorkers
from segue.model.workers import Fault, WorkerCall, WorkerReply
from segue.ports.outside import WorkerTransport
from segue.testing.contracts.worker_transport import Manner, Scene, WorkerTransportContract
from segue.testing.nasty import NastyServer
from segue.testing.worker import FakeWorkers, Trouble
from tests.adapters.worker_http.certificates import Authority

LIMIT = 1_000_000
# Longer than any name may be (RFC 1035 section 2.3.4), so no resolver is asked.
NO_NAME = ".".join(["nowhere" * 8] * 5)

PATHS = {
    Manner.ECHO: "echo",
    Manner.SILENT: "silent",
    Manner.DRIPS: "drip",
    Manner.CLOSES: "close-at-once",
    Manner.CUTS: "half-body",
    Manner.GARBAGE: "not-http",
    Manner.OVERSIZED: "endless-body",
    Manner.STALE: "stale",
    Manner.STALE_AFTER_A_BYTE: "stale-after-a-byte",
    Manner.GONE_AFTER_ONE: "never-again",
}


class HttpScene:
    """Real sockets on both sides."""

    def __init__(self, transport: WorkerTransport, plain: NastyServer, secure: NastyServer, refused: int) -> None:
        self.transport = transport
        self._plain = plain
        self._secure = secure
        self._refused = refused

    def address(self, manner: Manner) -> str:
        if manner is Manner.REFUSES:
            return f"http://127.0.0.1:{self._refused}/x"
        if manner is Manner.UNRESOLVED:
            return f"http://{NO_NAME}/x"
        if manner is Manner.FALSE_CERTIFICATE:
            return self._secure.url()
        return self._plain.url(PATHS[manner])

    @property
    def reached(self) -> int:
        return len(self._plain.asked)

    async def until_reached(self, count: int) -> None:
        await self._plain.saw(count)

    async def until_dropped(self) -> None:
        await self._plain.until(lambda: bool(self._plain.ended))


class FakeScene:
    """Functions and planned trouble."""

    def __init__(self) -> None:
        self.transport: FakeWorkers = FakeWorkers(answer_limit=LIMIT)
        for manner in Manner:
            self._serve(manner, f"http://{manner.name.lower().replace('_', '-')}")

    def _serve(self, manner: Manner, url: str) -> None:
        async def dripping(call: WorkerCall) -> WorkerReply:
            await asyncio.Event().wait()
            raise AssertionError

        self.transport.serve(url, "/x", lambda call: WorkerReply(status=200, body=call.payload))
        match manner:
            case Manner.DRIPS:
                self.transport.serve(url, "/x", dripping)
            case Manner.OVERSIZED:
                self.transport.serve(url, "/x", lambda call: WorkerReply(status=200, body=bytes(LIMIT + 1)))
            case Manner.REFUSES:
                self.transport.fail(url, Fault.REFUSED)
            case Manner.UNRESOLVED:
                self.transport.fail(url, Fault.UNRESOLVED)
            case Manner.FALSE_CERTIFICATE:
                self.transport.fail(url, Fault.TLS)
            case Manner.SILENT:
                self.transport.fail(url, Fault.TIMEOUT)
            case Manner.CUTS:
                self.transport.fail(url, Fault.CLOSED)
            case Manner.CLOSES:
                self.transport.fail(url, Trouble(fault=Fault.CLOSED, answered=False))
            case Manner.GARBAGE:
                self.transport.fail(url, Trouble(fault=Fault.GARBAGE, handled=True))
            case _:
                pass

    def address(self, manner: Manner) -> str:
        url = f"http://{manner.name.lower().replace('_', '-')}"
        if self.transport.calls:  # the trouble of these begins with the second call
            match manner:
                case Manner.STALE:
                    self.transport.fail(url, Trouble(fault=Fault.CLOSED, answered=False), times=1)
                case Manner.STALE_AFTER_A_BYTE:
                    self.transport.fail(url, Trouble(fault=Fault.CLOSED), times=1)
                case Manner.GONE_AFTER_ONE:
                    self.transport.fail(url, Trouble(fault=Fault.CLOSED, answered=False))
                case _:
                    pass
        return f"{url}/x"

    @property
    def reached(self) -> int:
        return len(self.transport.calls)

    async def until_reached(self, count: int) -> None:
        await self.transport.reached(count)

    async def until_dropped(self) -> None:
        await self.transport.gave_up(1)


class TestHttp(WorkerTransportContract):
    @pytest.fixture
    async def scene(
        self, make_workers: Callable[..., HttpWorkers], server: NastyServer, authority: Authority
    ) -> AsyncIterator[Scene]:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))  # held and not listening: nobody else can take it
            async with NastyServer(tls=authority.server("127.0.0.1")) as secure:
                yield HttpScene(make_workers(answer_limit=LIMIT), server, secure, closed.getsockname()[1])


class TestFake(WorkerTransportContract):
    @pytest.fixture
    async def scene(self) -> Scene:
        return FakeScene()
