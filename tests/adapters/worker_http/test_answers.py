"""Every answer of the nasty server: taken, refused, and what becomes of the connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from segue.adapters.worker_http import HttpWorkers
from segue.model.workers import Fault, WorkerReply
from segue.testing.contracts.worker_transport import PAYLOAD, call_to
from segue.testing.nasty import NastyServer
from segue.testing.nasty_answers import GARBAGE, GOOD, HALF, SURPLUS, TOO_LARGE

BODIES = {
    "chunked": b"abcde",
    "chunked-with-trailers": b"abc",
    "until-close": b"to the end",
    "until-close-empty": b"",
    "http10": b"old",
    "http10-until-close": b"older",
    "says-close": b"bye",
    "no-content": b"",
    "empty": b"",
    "early-hints": b"ok",
    "redirect": b"",
    "bad-request": b"nope",
    "unavailable": b"",
    "odd-fields": b"ok",
    "no-reason": b"ok",
}
STATUSES = {"no-content": 204, "redirect": 302, "bad-request": 400, "unavailable": 503}


async def ask(workers: HttpWorkers, server: NastyServer, behaviour: str, timeout_ms: int = 60_000) -> WorkerReply:
    return await workers.call(call_to(server.url(behaviour), timeout_ms=timeout_ms))


@pytest.mark.parametrize("name", list(GOOD))
async def test_a_usable_answer(workers: HttpWorkers, server: NastyServer, name: str) -> None:
    reply = await ask(workers, server, name)
    assert (reply.fault, reply.detail) == (None, "")
    assert (reply.status, reply.body) == (STATUSES.get(name, 200), BODIES[name])
    again = await ask(workers, server, "echo")
    assert (again.fault, again.body) == (None, PAYLOAD)
    kept = GOOD[name][1]
    assert server.connections == (1 if kept else 2)
    assert len(server.asked) == 2


async def test_header_fields_come_as_texts_in_lower_case(workers: HttpWorkers, server: NastyServer) -> None:
    reply = await ask(workers, server, "odd-fields")
    assert reply.headers == {
        "x-empty": "",
        "x-two": "a, b",
        "x-latin": "caf\xe9",
        "content-length": "2",
        "x-last": "",
    }


async def test_nothing_of_interim_answers_or_trailers_is_in_the_answer(
    workers: HttpWorkers, server: NastyServer
) -> None:
    assert (await ask(workers, server, "early-hints")).headers == {"content-length": "2"}
    assert (await ask(workers, server, "chunked-with-trailers")).headers == {"transfer-encoding": "chunked"}
    assert (await ask(workers, server, "empty")).headers == {"content-length": "0"}
    assert server.connections == 1


async def test_a_continue_that_nobody_asked_for_is_skipped(workers: HttpWorkers, server: NastyServer) -> None:
    reply = await ask(workers, server, "continue")
    assert (reply.fault, reply.status, reply.body) == (None, 200, PAYLOAD)


@pytest.mark.parametrize("name", list(SURPLUS))
async def test_the_answer_counts_and_what_follows_it_ends_the_connection(
    workers: HttpWorkers, server: NastyServer, name: str
) -> None:
    reply = await ask(workers, server, name)
    assert (reply.fault, reply.body) == (None, b"" if reply.status == 204 else b"one")
    again = await ask(workers, server, "echo")
    assert (again.fault, again.body) == (None, PAYLOAD)
    assert server.connections == 2


@pytest.mark.parametrize("name", list(HALF))
@pytest.mark.parametrize("ending", ["", "-then-reset"])
async def test_half_an_answer_is_none(workers: HttpWorkers, server: NastyServer, name: str, ending: str) -> None:
    reply = await ask(workers, server, name + ending)
    assert (reply.fault, reply.body, reply.headers) == (Fault.CLOSED, b"", {})
    assert "within" in reply.detail
    assert len(server.asked) == 1


async def test_an_answer_to_the_end_of_the_connection_does_not_end_with_a_reset(
    workers: HttpWorkers, server: NastyServer
) -> None:
    assert (await ask(workers, server, "until-close-then-reset")).fault is Fault.CLOSED


@pytest.mark.parametrize("name", ["close-at-once", "reset-at-once"])
async def test_no_byte_of_an_answer(workers: HttpWorkers, server: NastyServer, name: str) -> None:
    reply = await ask(workers, server, name)
    assert reply.fault is Fault.CLOSED
    assert "before it answered" in reply.detail


@pytest.mark.parametrize("name", list(GARBAGE))
async def test_what_is_not_http_is_not_believed(workers: HttpWorkers, server: NastyServer, name: str) -> None:
    reply = await ask(workers, server, name)
    assert (reply.fault, reply.body, reply.headers) == (Fault.GARBAGE, b"", {})
    assert reply.detail
    await server.until_gone(1)


@pytest.mark.parametrize("name", list(TOO_LARGE))
async def test_what_is_larger_than_allowed_by_default(workers: HttpWorkers, server: NastyServer, name: str) -> None:
    reply = await ask(workers, server, name)
    assert (reply.fault, reply.body, reply.headers) == (Fault.TOO_LARGE, b"", {})
    await server.until_gone(1)


@pytest.mark.parametrize(
    "name",
    [
        "endless-body",
        "endless-chunks",
        "endless-tiny-chunks",
        "endless-head",
        "endless-field",
        "endless-interim",
        "endless-trailers",
        "endless-extension",
    ],
)
async def test_an_answer_without_end_is_cut_off(
    make_workers: Callable[..., HttpWorkers], server: NastyServer, name: str
) -> None:
    workers = make_workers(answer_limit=500_000, head_limit=20_000)
    reply = await ask(workers, server, name)
    assert (reply.fault, reply.body) == (Fault.TOO_LARGE, b"")
    assert "larger than" in reply.detail
    await server.until_gone(1)


@pytest.mark.parametrize(("limit", "fault"), [(len(PAYLOAD), None), (len(PAYLOAD) - 1, Fault.TOO_LARGE)])
async def test_the_limit_of_an_answer_is_exact(
    make_workers: Callable[..., HttpWorkers], server: NastyServer, limit: int, fault: Fault | None
) -> None:
    assert (await ask(make_workers(answer_limit=limit), server, "echo")).fault is fault


async def test_30_mb_arrive_whole(workers: HttpWorkers, server: NastyServer) -> None:
    reply = await ask(workers, server, "big")
    assert (reply.fault, len(reply.body)) == (None, 30 * 1024 * 1024)
    assert reply.body.count(b"x") == len(reply.body)
    assert (await ask(workers, server, "echo")).fault is None
    assert server.connections == 1


async def test_30_mb_are_sent_whole(workers: HttpWorkers, server: NastyServer) -> None:
    payload = bytes(range(256)) * (30 * 4096)
    call = call_to(server.url())
    reply = await workers.call(type(call)(url=call.url, headers={}, payload=payload, timeout_ms=60_000))
    assert reply.fault is None
    assert reply.body == payload


async def test_an_answer_before_the_request_was_read_counts(workers: HttpWorkers, server: NastyServer) -> None:
    call = call_to(server.url("early"))
    reply = await workers.call(type(call)(url=call.url, headers={}, payload=bytes(20_000_000), timeout_ms=60_000))
    assert (reply.fault, reply.status, reply.body) == (None, 413, b"big")


async def test_a_connection_with_an_unsent_rest_is_not_used_again(workers: HttpWorkers, server: NastyServer) -> None:
    call = call_to(server.url("early-keep"))
    reply = await workers.call(type(call)(url=call.url, headers={}, payload=bytes(20_000_000), timeout_ms=60_000))
    assert (reply.fault, reply.body) == (None, b"early")
    assert (await ask(workers, server, "echo")).body == PAYLOAD
    assert server.connections == 2


async def test_a_server_that_speaks_first_is_no_worker(workers: HttpWorkers) -> None:
    async with NastyServer(greeting=b"220 mail.example ESMTP\r\n") as server:
        reply = await ask(workers, server, "silent")
        assert reply.fault is Fault.GARBAGE


async def test_what_comes_unasked_ends_an_idle_connection(
    make_workers: Callable[..., HttpWorkers], server: NastyServer
) -> None:
    workers = make_workers(idle_ms=3_600_000)
    assert (await ask(workers, server, "echo")).fault is None
    await server.shout(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    await server.until_gone(1)
    assert (await ask(workers, server, "echo")).status == 200
    assert server.connections == 2


async def test_the_elapsed_time_is_measured(workers: HttpWorkers, server: NastyServer) -> None:
    assert (await ask(workers, server, "echo")).elapsed_us > 0
    assert (await ask(workers, server, "silent", timeout_ms=30)).elapsed_us >= 20_000
