"""CPU time is that of the action's own steps; calls to other services are noted."""

import asyncio
import time
import types
from collections.abc import Generator

import pytest

from segue_sdk import Message
from segue_sdk.measure import MAX_REMOTE_CALLS, Timed


def burn(milliseconds: float) -> None:
    until = time.thread_time_ns() + int(milliseconds * 1e6)
    while time.thread_time_ns() < until:
        pass


async def test_a_call_is_charged_for_its_own_steps_only() -> None:
    handed_over = asyncio.Event()
    may_go_on = asyncio.Event()

    async def quiet() -> str:
        handed_over.set()
        await may_go_on.wait()
        return "done"

    async def busy() -> None:
        await handed_over.wait()
        burn(200)
        may_go_on.set()

    timed_quiet, timed_busy = Timed(quiet()), Timed(busy())

    async def wait_for(timed: Timed[str] | Timed[None]) -> object:
        return await timed

    results = await asyncio.gather(wait_for(timed_quiet), wait_for(timed_busy))
    assert results == ["done", None]
    assert timed_busy.cpu_ns >= 200_000_000
    assert timed_quiet.cpu_ns * 4 < timed_busy.cpu_ns


async def test_exceptions_pass_both_ways() -> None:
    async def inner() -> str:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise LookupError("cleaned up") from None
        return "never"

    async def outer() -> str:
        return await Timed(inner())

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(LookupError, match="cleaned up"):
        await task


async def test_a_call_may_go_on_after_an_exception_from_outside() -> None:
    begun = asyncio.Event()
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def inner() -> str:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await answer
        return "never"

    async def outer() -> str:
        return await Timed(inner())

    task = asyncio.create_task(outer())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    answer.set_result("saved")
    assert await task == "saved"


def test_an_abandoned_call_is_closed() -> None:
    closed = []

    @types.coroutine
    def pause() -> Generator[None, None, None]:
        yield

    async def inner() -> None:
        try:
            await pause()
        finally:
            closed.append(True)

    async def outer() -> None:
        await Timed(inner())

    coroutine = outer()
    coroutine.send(None)
    coroutine.close()
    assert closed == [True]


def test_remote_calls_are_noted() -> None:
    message = Message()
    message.measure_remote("api.example.com", 12.34567, 200)
    with message.remote("other.example.com") as call:
        call.status = 503
    with pytest.raises(OSError, match="refused"), message.remote("down.example.com"):
        raise OSError("refused")
    noted = message.remote_calls
    assert [(one.host, one.status) for one in noted] == [
        ("api.example.com", 200),
        ("other.example.com", 503),
        ("down.example.com", 0),
    ]
    assert noted[0].ms == 12.346
    assert all(one.ms >= 0 for one in noted)


@pytest.mark.parametrize(
    "address",
    ["https://user:secret@api.example.com:8443/v1?key=secret", "//api.example.com/x", "api.example.com/v1?key=secret"],
)
def test_of_an_address_only_the_host_is_kept(address: str) -> None:
    message = Message()
    message.measure_remote(address, 1, 200)
    assert message.remote_calls[0].host == "api.example.com"


def test_the_number_of_remote_calls_is_bounded() -> None:
    message = Message()
    for _ in range(MAX_REMOTE_CALLS + 5):
        message.measure_remote("api.example.com", 1, 200)
    assert len(message.remote_calls) == MAX_REMOTE_CALLS
