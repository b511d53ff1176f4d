"""The start route: what it takes, what it answers, and what is stored then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.workers import Fault, WorkerCall, WorkerReply
from tests.files import chain, user_task
from tests.site import BODY_LIMIT, Site, refuse
from tests.site import site as make_site

START = "/processes/orders/start"


async def test_answers_with_ids_after_the_message_is_stored(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.workers.fail("http://worker.example", Fault.REFUSED)
    answer = await site.call("POST", START, token="start", json={"a": 1})
    assert answer.status == 202
    assert set(answer.json) == {"instance", "process", "version", "message"}
    assert (answer.json["process"], answer.json["version"]) == ("orders", 1)
    assert answer.headers["location"] == f"/api/v1/instances/{answer.json['instance']}"
    [message] = await site.store.instance_messages(answer.json["instance"])
    assert (message.id, message.body) == (answer.json["message"], b'{"a": 1}')


async def test_starts_at_a_named_node(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    assert (await site.call("POST", START + "/begin")).status == 202
    assert (await site.call("POST", START + "/start")).status == 202
    answer = await site.call("POST", START + "/nowhere")
    assert (answer.status, answer.code) == (404, "node-not-found")


async def test_unknown_process_and_no_enabled_version(site: Site) -> None:
    answer = await site.call("POST", START)
    assert (answer.status, answer.code) == (404, "process-not-found")
    await site.deploy("orders", chain("echo"), enable=False)
    answer = await site.call("POST", START)
    assert (answer.status, answer.code) == (409, "no-enabled-version")


@pytest.mark.parametrize(
    "path", ["/processes/orders", "/processes/orders/stop", "/processes//start", START + "/", START + "/a/b"]
)
async def test_other_paths_are_not_found(site: Site, path: str) -> None:
    assert (await site.call("POST", path)).code == "not-found"


async def test_only_post(site: Site) -> None:
    answer = await site.call("GET", START)
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method-not-allowed", "POST")


async def test_any_content_passes_and_is_kept_byte_for_byte(site: Site) -> None:
    await site.deploy("orders", user_task())
    for body, kind in [(b"\xff\x00\xfe", "application/octet-stream"), (b"{not json", "text/plain"), (b"", "text/csv")]:
        answer = await site.call("POST", START, data=body, headers={"Content-Type": kind})
        assert answer.status == 202
        [message] = await site.store.instance_messages(answer.json["instance"])
        assert message.body == body
        assert message.headers["content-type"] == kind


JSON_TYPES = ("application/json", "application/json; charset=utf-8", "application/cloudevents+json", "Application/JSON")
NO_JSON = {
    "empty": b"",
    "cut off": b"{",
    "NaN": b'{"a": NaN}',
    "trailing": b'{"a": 1} x',
    "no utf-8": b'{"a": "\xff"}',
    "deep": b"[" * 20_000,
    "surrogate": b'"\xed\xa0\x80"',
}


async def test_json_is_checked_when_it_says_json(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    for kind in JSON_TYPES:
        for what, body in NO_JSON.items():
            answer = await site.call("POST", START, data=body, headers={"Content-Type": kind})
            assert (answer.status, answer.code) == (422, "invalid"), (kind, what)
    assert await site.get("/api/v1/instances") == {"items": [], "next": None}
    for body in (b"null", b'"text"', '{"\u00fc": "\u20ac"}'.encode(), b" [1] "):
        assert (await site.call("POST", START, data=body, headers={"Content-Type": JSON_TYPES[1]})).status == 202


async def test_a_body_over_the_limit_is_refused_however_it_is_sent(site: Site) -> None:
    await site.deploy("orders", user_task())

    async def chunks() -> object:
        for _ in range(9):
            yield b"x" * (BODY_LIMIT // 8)

    for body in (b"x" * (BODY_LIMIT + 1), chunks()):
        answer = await site.call("POST", START, data=body)
        assert (answer.status, answer.code) == (413, "too-large")
    assert (await site.call("POST", START, data=b"x" * BODY_LIMIT)).status == 202


async def test_the_same_key_starts_one_instance(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    await site.deploy("returns", chain("echo"))
    calls = [site.call("POST", START, headers={"Idempotency-Key": "order 7"}, json={}) for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert {answer.status for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    other = await site.call("POST", "/processes/returns/start", headers={"Idempotency-Key": "order 7"}, json={})
    assert other.json["instance"] != answers[0].json["instance"]
    assert len((await site.get("/api/v1/instances"))["items"]) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "\u00e9"])
async def test_a_key_that_cannot_be_is_refused(site: Site, key: str) -> None:
    await site.deploy("orders", chain("echo"))
    answer = await site.call("POST", START, headers={"Idempotency-Key": key})
    assert answer.code == "invalid"


async def test_headers_become_the_message_s_only_by_prefix(site: Site) -> None:
    await site.deploy("orders", user_task())
    headers = {
        "Content-Type": "text/plain",
        "Segue-Tenant": "north",
        "X-Other": "1",
        "result-code": "1006",
        "message-id": "forged",
        "correlation-id": "forged",
    }
    answer = await site.call("POST", START, data=b"x", headers=headers)
    [message] = await site.store.instance_messages(answer.json["instance"])
    assert message.headers == {"content-type": "text/plain", "segue-tenant": "north"}


async def test_headers_that_are_too_large_are_refused(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    headers = {f"segue-{number}": "x" * 6000 for number in range(3)}
    answer = await site.call("POST", START, headers=headers)
    assert (answer.status, answer.code) == (431, "headers-too-large")


async def test_waits_as_preferred_until_the_instance_has_finished(site: Site) -> None:
    await site.deploy("orders", chain("echo", "echo"))
    answer = await site.call("POST", START, headers={"Prefer": "respond-async, wait=30"}, json={})
    assert answer.status == 200
    assert answer.json["state"] == "finished"
    assert answer.headers["preference-applied"] == "wait=30"
    assert (await site.get(f"/api/v1/instances/{answer.json['instance']}"))["state"] == "finished"


async def test_waiting_ends_when_a_person_is_needed(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", refuse)
    answer = await site.call("POST", START, headers={"Prefer": "wait=30"}, json={})
    assert (answer.status, answer.json["state"]) == (200, "failed")


async def test_waiting_no_longer_than_preferred(site: Site) -> None:
    await site.deploy("orders", user_task())
    answer = await site.call("POST", START, headers={"Prefer": "wait=0"}, json={})
    assert answer.status == 202
    assert "state" not in answer.json


@pytest.mark.parametrize("preference", ["wait=soon", "wait", "wait=-1", "handling=lenient"])
async def test_a_preference_that_means_nothing_is_ignored(site: Site, preference: str) -> None:
    await site.deploy("orders", user_task())
    answer = await site.call("POST", START, headers={"Prefer": preference}, json={})
    assert answer.status == 202
    assert "preference-applied" not in answer.headers


async def test_who_waits_is_answered_when_the_server_stops(site: Site) -> None:
    await site.deploy("orders", chain("hang"))
    entered = asyncio.Event()

    async def hang(_call: WorkerCall) -> WorkerReply:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    site.workers.serve("http://worker.example", "/connector/hang/action", hang)
    waiting = asyncio.create_task(site.call("POST", START, headers={"Prefer": "wait=50"}, json={}))
    await entered.wait()
    site.parts.intake.closed.set()
    site.engine.acceptor.let_go()
    assert (await waiting).status == 202


async def test_nothing_is_taken_while_stopping(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.parts.intake.closed.set()
    answer = await site.call("POST", START, json={})
    assert (answer.status, answer.code) == (503, "stopping")
    assert int(answer.headers["retry-after"]) >= 1
    answer = await site.call("POST", "/api/v1/processes", json={"name": "x"})
    assert (answer.status, answer.code) == (503, "stopping")
    assert (await site.get("/api/v1/health"))["status"] == "stopping"


async def test_a_full_backlog_is_429_with_the_time_to_wait(tmp_path: Path) -> None:
    async with make_site(tmp_path, settings=SqliteSettings(max_live=2)) as site:
        await site.deploy("orders", user_task())
        answers = [await site.call("POST", START, json={}) for _ in range(3)]
        assert [answer.status for answer in answers] == [202, 202, 429]
        assert answers[2].code == "backlog-full"
        assert int(answers[2].headers["retry-after"]) >= 1
        assert len(await site.tasks(2)) == 2


async def test_a_name_may_hold_a_slash_when_it_is_encoded(site: Site) -> None:
    await site.deploy("orders", chain("echo").replace('name="begin"', 'name="in/out"'))
    assert (await _raw(site, "/processes/orders/start/in%2Fout")).startswith(b"HTTP/1.1 202 ")
    assert (await _raw(site, "/processes/orders/start/in/out")).startswith(b"HTTP/1.1 404 ")
    assert (await _raw(site, "/processes/%ff/start")).startswith(b"HTTP/1.1 404 ")


async def _raw(site: Site, path: str) -> bytes:
    """Send a request whose path no client library has touched."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.tokens['start']}\r\n"
    writer.write(f"{head}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_caller_who_hangs_up_leaves_nothing(site: Site) -> None:
    await site.deploy("orders", user_task())
    host, port = site.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {START} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.tokens['start']}\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\nhalf".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await site.get("/api/v1/instances") == {"items": [], "next": None}
