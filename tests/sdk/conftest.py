"""What the SDK's tests share: an envelope as an engine writes it, and one request straight into the application."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from segue_sdk import Worker


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def write_envelope(body: object = "{}", **headers: object) -> bytes:
    return json.dumps(
        {"headers": {name.replace("_", "-"): value for name, value in headers.items()}, "body": body}
    ).encode()


async def ask_application(
    worker: Worker,
    method: str,
    path: str,
    *parts: bytes,
    headers: dict[str, str] | None = None,
    gone_early: bool = False,
) -> Response | None:
    """One request in the parts given; None if the application sent nothing."""
    events = [{"type": "http.request", "body": part, "more_body": True} for part in parts or (b"",)]
    if gone_early:
        events.append({"type": "http.disconnect"})
    else:
        events[-1]["more_body"] = False
    sent: list[Any] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    fields = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    await worker({"type": "http", "method": method, "path": path, "headers": fields}, receive, send)
    if not sent:
        return None
    start, *bodies = sent
    assert start["type"] == "http.response.start"
    assert all(one["type"] == "http.response.body" for one in bodies)
    received = {name.decode(): value.decode() for name, value in start["headers"]}
    return Response(start["status"], received, b"".join(one["body"] for one in bodies))


@pytest.fixture
def envelope() -> Callable[..., bytes]:
    return write_envelope


@pytest.fixture
def ask() -> Callable[..., Any]:
    return ask_application
