"""The live stream: what is told, in which order, and how a reader resumes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from segue.model.events import Event, EventKind
from tests.files import chain
from tests.site import Site, refuse
from tests.site import site as make_site


class Stream:
    """Reads server-sent events as the standard says."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def block(self) -> dict[str, Any]:
        """The next block: its fields, or {"comment": …}."""
        fields: dict[str, Any] = {}
        while True:
            raw = await asyncio.wait_for(self._content.readline(), 30)
            if not raw:
                return {"end": True}
            line = raw.decode().rstrip("\n")
            if not line:
                return fields
            name, _, value = line.partition(":")
            fields[name or "comment"] = value.removeprefix(" ")

    async def event(self) -> dict[str, Any]:
        """The next event, comments left out; its data read."""
        while True:
            found = await self.block()
            if "data" in found:
                return found | {"data": json.loads(found["data"])}
            assert "end" not in found, "the stream ended"


@asynccontextmanager
async def stream(site: Site, last: str | None = None) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {site.tokens['read']}"}
    if last is not None:
        headers["Last-Event-ID"] = last
    async with site.session.get(site.url + "/api/v1/events", headers=headers) as response:
        assert response.status == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        found = Stream(response.content)
        assert await found.block() == {"comment": "open"}
        yield found


async def test_tells_what_happens_as_it_happens(site: Site) -> None:
    async with stream(site) as reader:
        await site.deploy("orders", chain("echo"))
        kinds = [(await reader.event())["event"] for _ in range(3)]
        assert kinds == ["version-published", "version-enabled", "version-switched"]
        done = await site.start("orders", wait=30)
        event = await reader.event()
        assert event["event"] == "instance-finished"
        assert event["data"]["instance"] == done["instance"]
        assert event["data"]["process"] == "orders"
        assert int(event["id"]) == event["data"]["seq"]


async def test_resumes_after_the_last_event_seen(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    done = [(await site.start("orders", wait=30))["instance"] for _ in range(4)]
    async with stream(site, "0") as reader:
        seen = [await reader.event() for _ in range(8)]
    finished = [event for event in seen if event["event"] == "instance-finished"]
    assert [event["data"]["instance"] for event in finished] == done
    assert [int(event["id"]) for event in seen] == sorted(int(event["id"]) for event in seen)
    async with stream(site, finished[1]["id"]) as reader:
        more = (await site.start("orders", wait=30))["instance"]
        rest = [(await reader.event())["data"]["instance"] for _ in range(3)]
    assert rest == [*done[2:], more]


async def test_nothing_is_told_twice_where_the_stored_meets_the_live(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    async with stream(site, "0") as reader:
        started = await asyncio.gather(*(site.start("orders", wait=30) for _ in range(20)))
        seen: list[str] = []
        while len(seen) < 20:
            event = await reader.event()
            if event["event"] == "instance-finished":
                seen.append(event["data"]["instance"])
        await site.post("/api/v1/processes/orders/versions/1/disable")
        assert (await reader.event())["event"] == "version-disabled"
    assert sorted(seen) == sorted(each["instance"] for each in started)


async def test_a_message_in_trash_is_told(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", refuse)
    async with stream(site) as reader:
        await site.start("orders", wait=30)
        kinds = {(await reader.event())["event"]}
        assert "message-in-trash" in kinds or "instance-failed" in kinds


async def test_what_is_not_stored_has_no_id_to_resume_at(site: Site) -> None:
    async with stream(site) as reader:
        site.engine.bus.publish([Event(kind=EventKind.WORKER_DOWN, at=1, detail="away")])
        event = await reader.event()
        assert (event["event"], "id" in event, event["data"]["detail"]) == ("worker-down", False, "away")


async def test_a_reader_that_was_too_slow_gets_the_rest_from_the_store(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    async with stream(site, "0") as reader:
        last = [await reader.event() for _ in range(2)][-1]
        # All at once, without a chance for the reader to take any: more than the live stream keeps for one.
        made = [Event(kind=EventKind.WORKER_DOWN, at=number) for number in range(10_001)]
        site.engine.bus.publish(made)
        done = (await site.start("orders", wait=30))["instance"]
        while True:
            event = await reader.event()
            if event["event"] == "instance-finished":
                break
    assert event["data"]["instance"] == done
    assert int(event["id"]) > int(last["id"])


async def test_a_heartbeat_keeps_a_quiet_stream_open_and_stopping_ends_it(tmp_path: Path) -> None:
    async with make_site(tmp_path, heartbeat_s=0.01) as site, stream(site) as reader:
        assert [await reader.block() for _ in range(2)] == [{"comment": "heartbeat"}] * 2
        site.parts.intake.closed.set()
        while "end" not in (found := await reader.block()):
            assert found == {"comment": "heartbeat"}


async def test_a_reader_that_leaves_is_forgotten(site: Site) -> None:
    async with stream(site):
        assert len(site.engine.bus._readers) == 1
    left = asyncio.Event()
    while site.engine.bus._readers:
        site.engine.bus.publish([Event(kind=EventKind.WORKER_UP, at=1)])
        asyncio.get_running_loop().call_soon(left.set)
        await left.wait()
        left.clear()


async def test_an_id_that_is_none_is_refused(site: Site) -> None:
    for last in ("x", "-1", "1.5"):
        answer = await site.call("GET", "/api/v1/events", headers={"Last-Event-ID": last})
        assert answer.code == "invalid"
