"""What travels between engine and workers, read a second time: names of headers, calls, answers.

Nothing here uses `segue.core`, so that each checks the other.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from segue.model.start import Headers
from segue.model.workers import WorkerCall, WorkerReply

MESSAGE = "message-id"
INSTANCE = "correlation-id"
VERSION = "topology-id"
NODE = "node-id"
HOPS = "repeat-hops"
ATTEMPT = "attempt"
CODE = "result-code"
TARGETS = "force-target-queue"
FOLLOWERS = "worker-followers"
INTERVAL = "repeat-interval"
AT_MOST = "repeat-max-hops"
PAUSE = "retry-after"
CURSOR = "cursor"
ENCODING = "body-encoding"
SOURCE = "source"

PATHS = {"connector": "/connector/{}/action", "custom": "/custom-node/{}/process", "batch": "/batch/{}/action"}


class Envelope(Struct, frozen=True, kw_only=True):
    """Headers and body, out of a call or an answer."""

    headers: Headers
    body: bytes


def read_call(call: WorkerCall) -> Envelope:
    """Return what a worker was sent. Raises ValueError when it is no envelope of texts."""
    found = _opened(json.loads(call.payload))
    if found is None:
        raise ValueError("the call is no envelope of headers and body")
    return found


def read_answer(reply: WorkerReply) -> Envelope | None:
    """Return what a worker answered, None when that is no envelope."""
    try:
        return _opened(json.loads(reply.body))
    except ValueError:
        return None


def _opened(content: Any) -> Envelope | None:
    if not isinstance(content, dict) or not isinstance(content.get("headers"), dict):
        return None
    headers = {name: value for name, value in content["headers"].items() if isinstance(value, str)}
    return Envelope(headers=headers, body=opened(content.get("body", ""), headers))


def opened(text: str, headers: Mapping[str, str]) -> bytes:
    """Return a body as bytes."""
    return b64decode(text) if headers.get(ENCODING) == "base64" else text.encode()


def closed(body: bytes, headers: Headers) -> tuple[str, Headers]:
    """Return a body as a text and the headers that say how to read it."""
    plain = without_encoding(headers)
    try:
        return body.decode(), plain
    except UnicodeDecodeError:
        return b64encode(body).decode(), plain | {ENCODING: "base64"}


def without_encoding(headers: Mapping[str, str]) -> Headers:
    """Return the headers of a body that is a plain text."""
    return {name: value for name, value in headers.items() if name != ENCODING}


def by_hand(headers: Mapping[str, str]) -> bool:
    """Return whether a person began the run to which a message with these headers belongs."""
    return headers.get(SOURCE) == "ui"


def own(headers: Mapping[str, str]) -> Headers:
    """Return the headers that people and actions of a simulated world put in: all of them begin with `x-`."""
    return {name: value for name, value in headers.items() if name.startswith("x-")}
