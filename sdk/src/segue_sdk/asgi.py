"""The worker's HTTP side as a plain ASGI application: the routes of the Orchesty SDKs, and `/status`."""

import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from segue_sdk import performing
from segue_sdk.action import PATHS, Kind
from segue_sdk.performing import Reply
from segue_sdk.registry import Registry

Event = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_KINDS = {folder: kind for kind, (folder, _) in PATHS.items()}
_LISTS = {f"/{folder}/list": kind for folder, kind in _KINDS.items()}
_logger = logging.getLogger("segue_sdk.worker")


class Disconnected(Exception):
    """The caller went away before its request was complete."""


class TooLarge(Exception):
    """The request's body is larger than the worker takes."""


class Application:
    """Answers requests with a worker's actions."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.start_error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of the server."""
        if scope["type"] == "http":
            try:
                reply, extra = await self._reply(scope, receive)
            except Disconnected:
                return
            await _send(send, reply, extra)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            raise RuntimeError(f"A worker speaks HTTP, not {scope['type']}")

    async def _reply(self, scope: Scope, receive: Receive) -> tuple[Reply, RawHeaders]:
        path: str = scope["path"]
        method: str = scope["method"]
        if path == "/status":
            return (_status(self._registry), []) if method == "GET" else _wrong_method("GET")
        if not self._may(scope["headers"]):
            content = performing.refusal(b"", "The worker needs a secret: send the header Authorization: Bearer ...")
            return Reply(401, content), [(b"www-authenticate", b"Bearer")]
        if method == "POST":
            return await self._post(path, scope, receive)
        return self._get(path, method)

    async def _post(self, path: str, scope: Scope, receive: Receive) -> tuple[Reply, RawHeaders]:
        action = self._registry.find(path)
        kind_and_name = _called(path) if action is None else None
        if action is None and kind_and_name is None:
            return _wrong_method("GET") if self._get(path, "GET")[0].status == 200 else _no_route(path)
        try:
            raw = await _body(scope["headers"], receive, self._registry.max_body)
        except TooLarge:
            reason = f"The request is larger than {self._registry.max_body} bytes"
            return Reply(413, performing.refusal(b"", reason)), []
        if action is None:
            return Reply(404, performing.refusal(raw, self._unknown(*kind_and_name or ("", "")))), []
        return await self._registry.perform(action, raw), []

    def _get(self, path: str, method: str) -> tuple[Reply, RawHeaders]:
        listed = _LISTS.get(path)
        if listed is not None:
            found = Reply(200, msgspec.json.encode(self._registry.listed(listed)))
            return (found, []) if method == "GET" else _wrong_method("GET")
        if path.endswith("/test"):
            tested = _called(path.removesuffix("/test"))
            if tested is not None:
                known = self._registry.find(path.removesuffix("/test")) is not None
                found = Reply(200, b"[]") if known else _problem(400, self._unknown(*tested))
                return (found, []) if method == "GET" else _wrong_method("GET")
        return _wrong_method("POST") if _called(path) is not None else _no_route(path)

    def _unknown(self, kind: str, name: str) -> str:
        return f'The worker "{self._registry.name}" has no {kind} "{name}"'

    def _may(self, headers: RawHeaders) -> bool:
        secret = self._registry.secret
        if secret is None:
            return True
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), secret.encode())

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._registry.started()
        except Exception as error:  # noqa: BLE001 - whatever a hook raises keeps the worker from starting
            self.start_error = error
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await self._registry.stopped()
        except Exception as error:
            _logger.exception("A stop hook failed")
            await send({"type": "lifespan.shutdown.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})


async def _body(headers: RawHeaders, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known, without keeping more than the limit, and Disconnected."""
    announced = next((value for name, value in headers if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge
    event = await receive()
    first: bytes = event.get("body", b"")
    if event["type"] == "http.request" and not event.get("more_body") and len(first) <= limit:
        return first
    parts = []
    size = 0
    while event["type"] == "http.request":
        part: bytes = event.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
        if not event.get("more_body"):
            return b"".join(parts)
        event = await receive()
    raise Disconnected


async def _send(send: Send, reply: Reply, extra: RawHeaders) -> None:
    length = (b"content-length", b"%d" % len(reply.content))
    await send({"type": "http.response.start", "status": reply.status, "headers": [_JSON, length, *extra]})
    await send({"type": "http.response.body", "body": reply.content})


def _called(path: str) -> tuple[Kind, str] | None:
    """Kind and name of the action that this path would call."""
    parts = path.split("/")
    if len(parts) != 4 or parts[0] or not parts[2]:
        return None
    kind = _KINDS.get(parts[1])
    return (kind, parts[2]) if kind is not None and parts[3] == PATHS[kind][1] else None


def _status(registry: Registry) -> Reply:
    return Reply(200, msgspec.json.encode({"status": "ok", "worker": registry.name, "actions": len(registry.actions)}))


def _problem(status: int, text: str) -> Reply:
    """The error shape of the Orchesty SDKs for everything that is no message."""
    return Reply(status, msgspec.json.encode({"status": "Error", "message": f"Error occurred: {text}"}))


def _no_route(path: str) -> tuple[Reply, RawHeaders]:
    return _problem(404, f"Nothing is at {path}"), []


def _wrong_method(allowed: str) -> tuple[Reply, RawHeaders]:
    return _problem(405, f"Only {allowed} is allowed here"), [(b"allow", allowed.encode())]
