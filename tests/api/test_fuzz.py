"""Requests made up from the OpenAPI document: whatever is sent, the server answers as the document says."""

from __future__ import annotations

import asyncio
import json
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from segue.api.app import openapi_text
from tests.api.test_access import STREAMS
from tests.files import chain, user_task
from tests.site import Site, refuse
from tests.site import site as make_site


@dataclass
class Running:
    """Where the site is, and names of things it has for the parameters of paths."""

    url: str
    token: str
    known: dict[str, list[object]]


async def _serve(ready: threading.Event, stop: asyncio.Event, told: list[Running]) -> None:
    async with make_site() as site:
        await _fill(site)
        told.append(Running(site.url, site.tokens["admin"], await _known(site)))
        ready.set()
        await stop.wait()


async def _fill(site: Site) -> None:
    """Something of everything, so that requests meet more than emptiness."""
    await site.deploy("orders", chain("echo"))
    await site.deploy("tasks", user_task())
    await site.start("orders", wait=30)
    site.serve("echo", refuse)
    await site.start("orders", wait=30)
    await site.start("tasks")
    await site.tasks(1)


async def _known(site: Site) -> dict[str, list[object]]:
    placed = [*(await site.get("/api/v1/trash"))["items"], *(await site.get("/api/v1/tasks"))["items"]]
    ids = [key for message in placed for key in (message["id"], message["instance"])]
    return {"process": ["orders", "tasks"], "number": [1], "name": ["w"], "id": ids, "node": ["begin"]}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A site in a thread of its own: the requests are made from a loop that knows nothing of it."""
    ready, told = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(_serve(ready, stop, told)))
    thread.start()
    assert ready.wait(60)
    yield told[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)
    loop.close()


# A stream never ends, so there is nothing to compare its answer with. (A tuple of paths would exclude none.)
schema = schemathesis.openapi.from_dict(json.loads(openapi_text())).exclude(path=list(STREAMS))


@schema.parametrize()
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_is_answered_as_documented(case: schemathesis.Case, running: Running) -> None:
    chance = zlib.crc32(repr((case.path_parameters, case.body)).encode("utf-8", "replace"))
    for name in case.path_parameters:
        choices = running.known.get(name, [])
        # Three of four requests are about something that is there.
        if choices and chance % 4:
            case.path_parameters[name] = choices[chance % len(choices)]
    if "Prefer" in (case.headers or {}):
        case.headers["Prefer"] = "wait=0"  # requests before this one may have left nobody to answer a call
    case.call_and_validate(
        base_url=running.url,
        headers={"Authorization": f"Bearer {running.token}"},
        checks=[not_a_server_error, content_type_conformance, response_schema_conformance],
    )


def test_no_stream_is_asked_for() -> None:
    asked = {operation.ok().path for operation in schema.get_all_operations()}
    assert len(asked) > 100
    assert not asked & set(STREAMS)
