"""Calls that actions make with httpx, requests and aiohttp are noted by themselves, against a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from segue_sdk import Message, Worker
from tests.sdk.conftest import ask_application, write_envelope


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path says; /moved sends on to /204."""

    def do_GET(self) -> None:
        moved = self.path == "/moved"
        self.send_response(302 if moved else int(self.path.strip("/").partition("?")[0]))
        if moved:
            self.send_header("Location", "/204")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        return


@pytest.fixture
async def address() -> AsyncIterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


async def measured(action: Callable[[Message], Any]) -> list[tuple[str, int]]:
    """Host and status of what the answer says that the action called."""
    worker = Worker("w")
    worker.connector("call")(action)
    answer = await ask_application(worker, "POST", "/connector/call/action", write_envelope())
    assert answer is not None
    assert answer.status == 200, answer.body
    remote = json.loads(answer.body)["metrics"]["remote"]
    assert all(call["ms"] > 0 for call in remote)
    return [(call["host"], call["status"]) for call in remote]


def by_httpx(url: str) -> Callable[[Message], None]:
    def action(_message: Message) -> None:
        httpx.get(url)

    return action


def by_requests(url: str) -> Callable[[Message], None]:
    def action(_message: Message) -> None:
        requests.get(url, timeout=5)

    return action


def by_async_httpx(url: str) -> Callable[[Message], Awaitable[None]]:
    async def action(_message: Message) -> None:
        async with httpx.AsyncClient() as client:
            await client.get(url)

    return action


def by_aiohttp(url: str) -> Callable[[Message], Awaitable[None]]:
    async def action(_message: Message) -> None:
        async with aiohttp.ClientSession() as session, session.get(url):
            pass

    return action


WAYS = {"httpx": by_httpx, "requests": by_requests, "async httpx": by_async_httpx, "aiohttp": by_aiohttp}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [200, 404, 503])
async def test_a_call_is_noted(address: str, way: str, status: int) -> None:
    assert await measured(WAYS[way](f"{address}/{status}?key=secret")) == [("127.0.0.1", status)]


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_without_an_answer_is_noted_with_status_0(way: str) -> None:
    call = WAYS[way]("http://127.0.0.1:1/")

    if way in {"httpx", "requests"}:

        def action(message: Message) -> None:
            with pytest.raises((httpx.HTTPError, requests.RequestException)):
                call(message)

        assert await measured(action) == [("127.0.0.1", 0)]
        return

    async def awaited(message: Message) -> None:
        with pytest.raises((httpx.HTTPError, aiohttp.ClientError)):
            await call(message)

    assert await measured(awaited) == [("127.0.0.1", 0)]


async def test_what_is_noted_by_hand_is_noted_once(address: str) -> None:
    def action(message: Message) -> None:
        with message.remote("crm.example") as call:
            call.status = httpx.get(f"{address}/200").status_code
        httpx.get(f"{address}/404")

    assert await measured(action) == [("crm.example", 200), ("127.0.0.1", 404)]


async def test_each_hop_of_requests_is_a_call_of_its_own(address: str) -> None:
    assert await measured(by_requests(f"{address}/moved")) == [("127.0.0.1", 302), ("127.0.0.1", 204)]


async def test_calls_outside_of_an_action_are_left_alone(address: str) -> None:
    assert await measured(by_httpx(f"{address}/200")) == [("127.0.0.1", 200)]
    for get in (httpx.get, requests.get):
        assert get(f"{address}/200", timeout=5).status_code == 200
    async with aiohttp.ClientSession() as session, session.get(f"{address}/200") as answer:
        assert answer.status == 200
