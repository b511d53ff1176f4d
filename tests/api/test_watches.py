"""Events that nobody settles: data that cannot be handled, services behind workers, queues that grow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from segue.model.events import Event, EventKind
from segue.model.ledger import QueueState
from segue.model.workers import WorkerCall, WorkerReply
from segue.runtime.events import Subscription
from segue.runtime.queue_watch import QueueBounds, QueueWatch
from segue.runtime.service_watch import FAILURES, ServiceWatch
from segue.testing.contracts.store_world import ManualClock
from tests.files import chain
from tests.site import Site, refuse
from tests.site import site as make_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with make_site(None) as made:
        yield made


async def next_of(events: Subscription, *kinds: EventKind) -> Event:
    async with asyncio.timeout(30):
        while (event := await events.next()).kind not in kinds:
            pass
    return event


def answered(status: int) -> WorkerReply:
    return WorkerReply(status=status, body=b"no such field", elapsed_us=1)


@pytest.mark.parametrize("status", [400, 422])
async def test_a_worker_that_can_do_nothing_with_the_data_is_told_as_a_data_error(site: Site, status: int) -> None:
    site.serve("bad", lambda _: answered(status))
    site.serve("away", lambda _: answered(404))
    site.serve("refuse", refuse)
    events = site.engine.bus.subscribe()
    for name in ("refuse", "away", "bad"):
        await site.deploy(name, chain(name))
        accepted = await site.start(name, wait=30)
    told = await next_of(events, EventKind.DATA_ERROR)
    assert (told.process, told.version, told.node, told.instance) == ("bad", 1, "t1", accepted["instance"])
    assert told.message is not None
    assert str(status) in (told.detail or "")


async def test_a_rule_for_data_errors_gathers_them(site: Site) -> None:
    settings = {"kind": "url", "url": "http://127.0.0.1:9/hook"}
    await site.post("/api/v1/senders", {"name": "hook", "settings": settings})
    rule = {"name": "tell", "events": ["data-error"], "sender": "hook"}
    assert (await site.post("/api/v1/notice-rules", rule))["group_s"] == 60


def calling(status: int) -> WorkerReply:
    metrics = {"cpu_us": 1, "remote": [{"host": "crm.example", "ms": 1, "status": status}]}
    body = {"headers": {"result-code": "0"}, "body": "{}", "metrics": metrics}
    return WorkerReply(status=200, body=json.dumps(body).encode(), elapsed_us=1)


async def test_a_service_behind_a_worker_is_told_when_it_is_away_and_back(site: Site) -> None:
    statuses = iter([200, 503, 0, 503, 500, 502, 503, 404])

    def answer(_: WorkerCall) -> WorkerReply:
        return calling(next(statuses))

    site.serve("crm", answer)
    await site.deploy("orders", chain("crm"))
    events = site.engine.bus.subscribe()
    kinds = (EventKind.SERVICE_UNAVAILABLE, EventKind.SERVICE_BACK)
    for _ in range(7):
        await site.start("orders", wait=30)
        await site.engine.roll_figures()
    away = await next_of(events, *kinds)
    assert (away.kind, away.process, away.version, away.node) == (kinds[0], "orders", 1, "t1")
    assert away.detail == "crm.example: 5 calls in a row failed, the last answer had status 502"
    await site.start("orders", wait=30)
    await site.engine.roll_figures()
    back = await next_of(events, *kinds)
    assert (back.kind, back.detail) == (kinds[1], "crm.example answers again")


def test_a_good_call_between_bad_ones_says_that_the_service_is_there() -> None:
    told: list[Event] = []
    watch = ServiceWatch(told.append, lambda version: ("orders", version), ManualClock())
    for _ in range(3):
        watch.called(1, "t1", "crm", {503: FAILURES - 1})
        watch.called(1, "t1", "crm", {503: 20, 200: 1})
    watch.called(1, "t1", "crm", {0: FAILURES - 1})
    watch.called(1, "t1", "other", {0: 1})
    watch.called(2, "t1", "crm", {0: 1})
    assert told == []
    watch.called(1, "t2", "crm", {0: 1})
    watch.called(1, "t1", "crm", {0: 50})
    assert [(event.kind, event.node) for event in told] == [(EventKind.SERVICE_UNAVAILABLE, "t2")]
    assert told[0].detail == f"crm: {FAILURES} calls in a row failed, there was no answer"


def queue(depth: int, oldest_s: int = 0, node: str = "t1") -> QueueState:
    return QueueState(
        process="orders",
        version=1,
        version_id=1,
        node=node,
        depth=depth,
        in_flight=3,
        delayed=0,
        oldest_ms=oldest_s * 1000,
    )


class Queues:
    """A view of queues that are as a test says."""

    def __init__(self) -> None:
        self.now: list[QueueState] = []

    async def queues(self, _process: str | None, _now: int) -> list[QueueState]:
        return self.now


async def test_a_queue_that_is_too_long_or_too_old_is_told_once_and_when_it_is_back() -> None:
    told: list[Event] = []
    views = Queues()
    bounds = QueueBounds(messages=100, oldest_s=60)
    watch = QueueWatch(views, told.append, ManualClock(), bounds)  # type: ignore[arg-type]

    async def look(*queues: QueueState) -> list[tuple[str, str | None]]:
        views.now, before = list(queues), len(told)
        await watch.step()
        return [(event.kind.value, event.node) for event in told[before:]]

    assert await look(queue(99, 59)) == []
    assert await look(queue(100, 5), queue(1, 60, "t2")) == [("queue-too-long", "t1"), ("queue-too-old", "t2")]
    assert told[0].detail == "100 messages wait, the oldest for 5 s"
    assert await look(queue(500, 5), queue(1, 90, "t2")) == []
    assert await look(queue(90, 61)) == [("queue-too-old", "t1"), ("queue-back", "t2")]
    assert await look(queue(70, 61)) == []
    assert await look(queue(79, 47)) == [("queue-back", "t1")]
    assert await look(queue(100)) == [("queue-too-long", "t1")]
    assert await look() == [("queue-back", "t1")]
    assert await look() == []


async def test_bounds_of_zero_are_none() -> None:
    told: list[Event] = []
    views = Queues()
    views.now = [queue(1_000_000, 1_000_000)]
    watch = QueueWatch(views, told.append, ManualClock(), QueueBounds(messages=0, oldest_s=0))  # type: ignore[arg-type]
    await watch.step()
    await watch.run()  # ends at once: there is nothing to look for
    assert told == []
