"""Each test runs on asyncio's loop and on uvloop; servers and clients end with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from segue.adapters.worker_http import HttpSettings, HttpWorkers
from segue.testing.nasty import NastyServer
from tests.adapters.worker_http.certificates import Authority

LONGEST_S = 90


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
async def patience() -> AsyncIterator[None]:
    """End a test that hangs: no signal reaches Python while uvloop waits, so pytest-timeout cannot."""
    loop = asyncio.get_running_loop()
    alarm = loop.call_later(LONGEST_S, lambda: [task.cancel("the test hangs") for task in asyncio.all_tasks(loop)])
    yield
    alarm.cancel()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def server() -> AsyncIterator[NastyServer]:
    async with NastyServer() as nasty:
        yield nasty


@pytest.fixture
async def make_workers() -> AsyncIterator[Callable[..., HttpWorkers]]:
    made: list[HttpWorkers] = []

    def make(**settings: object) -> HttpWorkers:
        made.append(HttpWorkers(HttpSettings(**settings)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for workers in made:
        await workers.close()


@pytest.fixture
async def workers(make_workers: Callable[..., HttpWorkers]) -> HttpWorkers:
    return make_workers()
