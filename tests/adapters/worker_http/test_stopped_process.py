"""A worker in a process of its own that is stopped in its tracks, continued, and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from segue.adapters.worker_http import HttpWorkers
from segue.model.workers import Fault
from segue.testing.contracts.worker_transport import PAYLOAD, call_to


@pytest.fixture
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "segue.testing.nasty",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return f"http://127.0.0.1:{int(await process.stdout.readline())}/echo"


def stop(process: asyncio.subprocess.Process) -> None:
    """Stop the process, and return when it is."""
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


async def test_a_stopped_worker_is_a_timeout_and_a_continued_one_answers(
    workers: HttpWorkers, process: asyncio.subprocess.Process
) -> None:
    url = await address(process)
    assert (await workers.call(call_to(url))).body == PAYLOAD
    stop(process)
    over_a_kept_connection = await workers.call(call_to(url, timeout_ms=50))
    over_a_fresh_connection = await workers.call(call_to(url, timeout_ms=50))
    assert (over_a_kept_connection.fault, over_a_fresh_connection.fault) == (Fault.TIMEOUT, Fault.TIMEOUT)
    os.kill(process.pid, signal.SIGCONT)
    assert (await workers.call(call_to(url))).body == PAYLOAD


async def test_a_killed_worker_is_closed_then_refused(
    workers: HttpWorkers, process: asyncio.subprocess.Process
) -> None:
    url = await address(process)
    assert (await workers.call(call_to(url))).body == PAYLOAD
    stop(process)
    call = asyncio.create_task(workers.call(call_to(url)))
    await asyncio.sleep(0)
    process.kill()
    await process.wait()
    # The kept connection broke before a byte came, so the call was made again, to a listener that was about to go.
    assert (await call).fault in {Fault.REFUSED, Fault.CLOSED}
    assert (await workers.call(call_to(url))).fault is Fault.REFUSED
