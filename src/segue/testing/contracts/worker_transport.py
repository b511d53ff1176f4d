"""The contract of `WorkerTransport`: T1 to T5, for any adapter that can show a scene."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Protocol

import pytest

from segue.model.workers import Fault, WorkerCall, WorkerReply
from segue.ports.outside import WorkerTransport

PAYLOAD = b'{"headers":{},"body":"hello"}'
PATIENCE_MS = 60_000
SHORT_MS = 50


class Manner(StrEnum):
    """How the worker at an address behaves."""

    ECHO = "echo"
    REFUSES = "refuses connections"
    UNRESOLVED = "has a name that no one knows"
    SILENT = "takes the call and never answers"
    DRIPS = "answers a byte at a time without end"
    CLOSES = "takes the call and closes without a byte"
    CUTS = "closes within its answer"
    GARBAGE = "answers what is no HTTP"
    OVERSIZED = "answers more than the limit"
    FALSE_CERTIFICATE = "shows a certificate that nobody vouches for"
    STALE = "has closed the kept connection when the second call comes"
    STALE_AFTER_A_BYTE = "closes the kept connection after one byte of its second answer"
    GONE_AFTER_ONE = "answers one call, and closes without a byte at all later ones"


FAULTS = {
    Manner.REFUSES: Fault.REFUSED,
    Manner.UNRESOLVED: Fault.UNRESOLVED,
    Manner.SILENT: Fault.TIMEOUT,
    Manner.DRIPS: Fault.TIMEOUT,
    Manner.CLOSES: Fault.CLOSED,
    Manner.CUTS: Fault.CLOSED,
    Manner.GARBAGE: Fault.GARBAGE,
    Manner.OVERSIZED: Fault.TOO_LARGE,
    Manner.FALSE_CERTIFICATE: Fault.TLS,
}
BAD_ADDRESSES = (
    "",
    "worker",
    "ftp://worker/x",
    "http://",
    "http://a b/x",
    "http://[::g]/x",
    "http://w:70000/",
    "http://u:p@w/",
)
BAD_FIELDS = {
    "line break": {"x-a": "1\r\nx-b: 2"},
    "lone line feed": {"x-a": "1\n2"},
    "NUL": {"x-a": "1\x002"},
    "break in the name": {"x-a\r\nx-b": "1"},
    "no name": {"": "1"},
    "second length": {"Content-Length": "0"},
    "second framing": {"transfer-encoding": "chunked"},
    "outside Latin-1": {"x-a": "\u20ac"},
}


class Scene(Protocol):
    """A transport, and workers that behave as asked. `reached` counts the calls that a worker has taken whole."""

    transport: WorkerTransport

    def address(self, manner: Manner) -> str:
        """The address of an action whose worker behaves so. Each address counts for itself."""
        ...

    @property
    def reached(self) -> int: ...

    async def until_reached(self, count: int) -> None:
        """Wait until that many calls were taken whole."""
        ...

    async def until_dropped(self) -> None:
        """Wait until a worker has noticed that a call it was working on is gone, its connection closed."""
        ...


class WorkerTransportContract:
    """Inherit and give a fixture `scene`."""

    @staticmethod
    async def ask(scene: Scene, manner: Manner, *, timeout_ms: int = PATIENCE_MS) -> WorkerReply:
        """Make one call."""
        return await scene.transport.call(call_to(scene.address(manner), timeout_ms=timeout_ms))

    async def test_an_answer_comes_back_whole(self, scene: Scene) -> None:
        reply = await self.ask(scene, Manner.ECHO)
        assert (reply.fault, reply.status, reply.body) == (None, 200, PAYLOAD)
        assert all(name == name.lower() for name in reply.headers)

    @pytest.mark.parametrize("manner", list(FAULTS), ids=lambda manner: manner.name)
    async def test_T1_what_the_other_side_does_is_a_fault_and_never_raised(self, scene: Scene, manner: Manner) -> None:
        waits = FAULTS[manner] is Fault.TIMEOUT
        reply = await self.ask(scene, manner, timeout_ms=SHORT_MS if waits else PATIENCE_MS)
        assert reply.fault is FAULTS[manner]
        assert reply.detail
        assert reply.body == b""
        assert (await self.ask(scene, Manner.ECHO)).fault is None

    @pytest.mark.parametrize("address", BAD_ADDRESSES)
    async def test_T1_a_bad_address_is_a_fault(self, scene: Scene, address: str) -> None:
        reply = await scene.transport.call(call_to(address))
        assert reply.fault is Fault.UNSENDABLE
        assert reply.detail
        assert "u:p" not in reply.detail

    @pytest.mark.parametrize("field", list(BAD_FIELDS))
    async def test_T1_a_header_that_would_change_the_request_is_a_fault_and_not_sent(
        self, scene: Scene, field: str
    ) -> None:
        reply = await scene.transport.call(call_to(scene.address(Manner.ECHO), headers=BAD_FIELDS[field]))
        assert reply.fault is Fault.UNSENDABLE
        assert reply.detail
        assert scene.reached == 0

    async def test_T2_the_time_of_a_call_ends_it_while_others_go_on(self, scene: Scene) -> None:
        silent = asyncio.create_task(self.ask(scene, Manner.SILENT))
        await scene.until_reached(1)
        late = await self.ask(scene, Manner.SILENT, timeout_ms=SHORT_MS)
        assert late.fault is Fault.TIMEOUT
        assert not silent.done()
        silent.cancel()
        await asyncio.wait([silent])

    async def test_T2_no_time_at_all_is_a_timeout(self, scene: Scene) -> None:
        assert (await self.ask(scene, Manner.SILENT, timeout_ms=0)).fault is Fault.TIMEOUT

    async def test_T3_a_kept_connection_that_was_closed_is_no_fault(self, scene: Scene) -> None:
        first = await self.ask(scene, Manner.STALE)
        second = await self.ask(scene, Manner.STALE)
        assert (first.fault, second.fault, second.body) == (None, None, PAYLOAD)

    async def test_T3_the_call_is_not_made_again_once_a_byte_of_an_answer_came(self, scene: Scene) -> None:
        assert (await self.ask(scene, Manner.STALE_AFTER_A_BYTE)).fault is None
        assert (await self.ask(scene, Manner.STALE_AFTER_A_BYTE)).fault is Fault.CLOSED
        assert scene.reached == 2

    async def test_T3_the_call_is_not_made_again_when_its_connection_was_fresh(self, scene: Scene) -> None:
        assert (await self.ask(scene, Manner.CLOSES)).fault is Fault.CLOSED
        assert scene.reached == 1

    async def test_T3_the_call_is_made_again_only_once(self, scene: Scene) -> None:
        assert (await self.ask(scene, Manner.GONE_AFTER_ONE)).fault is None
        assert (await self.ask(scene, Manner.GONE_AFTER_ONE)).fault is Fault.CLOSED
        assert scene.reached == 3

    async def test_T4_nothing_is_kept_of_an_answer_that_is_too_large(self, scene: Scene) -> None:
        reply = await self.ask(scene, Manner.OVERSIZED)
        assert (reply.fault, reply.body, reply.headers) == (Fault.TOO_LARGE, b"", {})

    async def test_T5_a_cancelled_call_closes_its_connection(self, scene: Scene) -> None:
        call = asyncio.create_task(self.ask(scene, Manner.SILENT))
        await scene.until_reached(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await scene.until_dropped()
        assert (await self.ask(scene, Manner.ECHO)).fault is None

    async def test_close_ends_calls_under_way_and_later_ones(self, scene: Scene) -> None:
        call = asyncio.create_task(self.ask(scene, Manner.SILENT))
        await scene.until_reached(1)
        await scene.transport.close()
        assert (await call).fault is Fault.CLOSED
        assert (await self.ask(scene, Manner.ECHO)).fault is Fault.CLOSED
        await scene.transport.close()


def call_to(url: str, *, headers: dict[str, str] | None = None, timeout_ms: int = PATIENCE_MS) -> WorkerCall:
    """Return a call with the suite's payload."""
    return WorkerCall(url=url, headers=headers or {}, payload=PAYLOAD, timeout_ms=timeout_ms)
