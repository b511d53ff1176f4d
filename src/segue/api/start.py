"""The start route: `POST /processes/{process}/start[/{node}]`, as plain ASGI because every instance passes here.

It reads, checks, and asks the acceptor; when it answers 202 the message is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from segue.api import problems
from segue.api.entrance import Entrance
from segue.model.errors import (
    HeadersTooLarge,
    Invalid,
    MethodNotAllowed,
    NotFound,
    SegueError,
    Stopping,
    TooLarge,
)
from segue.model.start import Accepted, Headers
from segue.model.versions import InstanceState
from segue.runtime.accept import Acceptor, StartRequest

PREFIX = "/processes/"
_HEADER_PREFIX = b"segue-"
_MAX_HEADERS = 16_384
_MAX_KEY = 255
_MAX_TRACE = 512
_JSON = (b"content-type", b"application/json")


class Intake:
    """Whether new work is taken. Closed once, when the server is about to stop."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    def check(self) -> None:
        """Raises Stopping once closed."""
        if self.closed.is_set():
            raise Stopping("The server is about to stop and takes no new work", retry_after=5)


class StartLimits(Struct, frozen=True, kw_only=True):
    """What one start request may ask for: bytes of its body, seconds of waiting."""

    body: int
    wait_s: int


class _Gone(Exception):
    """The caller hung up before it had sent its request whole."""


class _Answer(Struct, frozen=True):
    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]]


class _Request(Struct):
    """The header fields that mean something here."""

    length: int | None = None
    json: bool = False
    key: str | None = None
    wait_s: float | None = None
    by_hand: bool = False
    kept: Headers = {}


class StartRoute:
    """The ASGI application for the paths below /processes/."""

    def __init__(self, acceptor: Acceptor, entrance: Entrance, intake: Intake, limits: StartLimits) -> None:
        self._acceptor = acceptor
        self._entrance = entrance
        self._intake = intake
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(scope, receive)
        except _Gone:
            return
        except SegueError as error:
            answer = _problem(error)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets an answer
            answer = _problem(problems.unexpected(error, f"{scope['method']} {scope['path']}"))
        fields = [*answer.headers, *problems.SECURITY_HEADERS, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        process, node = _target(scope)
        if scope["method"] != "POST":
            raise MethodNotAllowed("An instance is started with POST", allow="POST")
        request = _read_headers(scope["headers"])
        caller = await self._entrance.caller(scope, "start")
        self._intake.check()
        body = await self._body(request, receive)
        if request.json:
            check_json(body)
        start = StartRequest(
            process=process,
            node=node,
            body=body,
            headers=request.kept,
            key=request.key,
            by_hand=request.by_hand or caller.kind == "user",
        )
        if request.wait_s is not None:
            return await self._wait(start, request.wait_s)
        return _accepted(await self._acceptor.start(start))

    async def _body(self, request: _Request, receive: Receive) -> bytes:
        limit = self._limits.body
        if request.length is not None and request.length > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise _Gone
            part: bytes = event.get("body", b"")
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            if not event.get("more_body", False):
                return part if not parts else b"".join([*parts, part])
            parts.append(part)

    async def _wait(self, start: StartRequest, wait_s: float) -> _Answer:
        """Wait as the caller prefers (RFC 7240, 4.3); 200 says that the instance ended or needs a person."""
        seconds = min(wait_s, self._limits.wait_s)
        accepted, state = await self._acceptor.start_and_wait(start, seconds)
        applied = (b"preference-applied", b"wait=%d" % int(seconds))
        if state is InstanceState.RUNNING:
            return _accepted(accepted, applied)
        return _Answer(200, _body_of(accepted, state=state.value), [_JSON, _location(accepted), applied])


def check_json(body: bytes) -> None:
    """Raises Invalid when the body is not one JSON text in UTF-8 (RFC 8259)."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        if not body.isascii():
            body.decode()
    except msgspec.DecodeError as error:
        raise Invalid(f"The body says it is JSON and is not: {error}") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"The body says it is JSON and is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise Invalid("The body is JSON nested too deeply") from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {limit} bytes that one request may have", limit=limit)


def _accepted(accepted: Accepted, *more: tuple[bytes, bytes]) -> _Answer:
    return _Answer(202, _body_of(accepted), [_JSON, _location(accepted), *more])


def _body_of(accepted: Accepted, **more: str) -> bytes:
    fields = {
        "instance": accepted.instance,
        "process": accepted.process,
        "version": accepted.version,
        "message": accepted.message,
    }
    return msgspec.json.encode(fields | more)


def _location(accepted: Accepted) -> tuple[bytes, bytes]:
    return (b"location", b"/api/v1/instances/" + accepted.instance.encode())


def _problem(error: SegueError) -> _Answer:
    fields = [(name.encode(), value.encode()) for name, value in problems.headers(error).items()]
    return _Answer(error.status, problems.encode(error), [(b"content-type", problems.MEDIA_TYPE.encode()), *fields])


def _target(scope: Scope) -> tuple[str, str | None]:
    """Process and start node from the path as it was sent, so that an encoded slash stays part of a name."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    parts = raw.split(b"?", 1)[0].split(b"/")
    if len(parts) not in {4, 5} or parts[3] != b"start" or not parts[2] or not parts[-1]:
        raise NotFound("Nothing is here; instances are started at /processes/{process}/start or …/start/{node}")
    return _name(parts[2]), _name(parts[4]) if len(parts) == 5 else None


def _name(part: bytes) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise NotFound("The path holds a name that is not UTF-8") from None


def _read_headers(fields: list[tuple[bytes, bytes]]) -> _Request:
    request = _Request(kept={})
    size = 0
    for name, value in fields:
        if name.startswith(_HEADER_PREFIX):
            request.kept[name.decode("latin-1")] = value.decode("latin-1")
            size += len(name) + len(value)
        elif name in _READERS:
            _READERS[name](request, value.decode("latin-1"))
    if size > _MAX_HEADERS:
        raise HeadersTooLarge(f"The headers that travel with the message have {size} bytes; {_MAX_HEADERS} are allowed")
    return request


def _read_length(request: _Request, value: str) -> None:
    request.length = int(value) if value.isdecimal() else None


def _read_type(request: _Request, value: str) -> None:
    request.kept["content-type"] = value
    essence = value.partition(";")[0].strip().lower()
    request.json = essence == "application/json" or essence.endswith("+json")


def _read_key(request: _Request, value: str) -> None:
    if not 1 <= len(value) <= _MAX_KEY or not value.isprintable() or not value.isascii():
        raise Invalid(f"Idempotency-Key has to be 1 to {_MAX_KEY} printable ASCII characters")
    request.key = value


def _read_prefer(request: _Request, value: str) -> None:
    for preference in value.split(","):
        name, _, seconds = preference.partition(";")[0].partition("=")
        request.by_hand = request.by_hand or name.strip().lower() == "by-hand"
        if name.strip().lower() == "wait" and request.wait_s is None:
            text = seconds.strip().strip('"')
            request.wait_s = float(text) if text.isdecimal() and len(text) < 10 else None


def _read_trace(name: str) -> Callable[[_Request, str], None]:
    def read(request: _Request, value: str) -> None:
        if len(value) <= _MAX_TRACE and value.isascii() and value.isprintable():
            request.kept[name] = value

    return read


_READERS: dict[bytes, Callable[[_Request, str], None]] = {
    b"content-length": _read_length,
    b"content-type": _read_type,
    b"idempotency-key": _read_key,
    b"prefer": _read_prefer,
    b"traceparent": _read_trace("traceparent"),
    b"tracestate": _read_trace("tracestate"),
}
