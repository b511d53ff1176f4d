"""A JSON service in a few lines: handlers by method and path, served by uvicorn on a free port."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
import uvicorn

from demo.systems.book import Book, Entry, Record

T = TypeVar("T")
MAX_BODY = 1_000_000


class Refusal(Exception):
    """The request is not served; `status` says what kind of trouble it is, `text` which."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Request(msgspec.Struct, frozen=True):
    """What a handler gets to see: the query, the caller's idempotency key, and the body as it came."""

    query: dict[str, str]
    key: str
    body: bytes

    def json(self, shape: type[T]) -> T:
        """Return the body in the given shape. Raises Refusal with 400 when it is something else."""
        try:
            return msgspec.json.decode(self.body, type=shape)
        except msgspec.MsgspecError as error:
            raise Refusal(400, f"This body is not what is taken here: {error}") from None


Handler = Callable[[Request], tuple[int, Any]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Service:
    """A service by name, as an ASGI application."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._handlers: dict[tuple[str, str], Handler] = {}

    def route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Serve the decorated function at this method and path."""

        def register(handler: Handler) -> Handler:
            self._handlers[method, path] = handler
            return handler

        return register

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; what is refused is answered as `{"error": text}`."""
        try:
            status, answer = await self._handle(scope, receive)
        except Refusal as refusal:
            status, answer = refusal.status, {"error": refusal.text}
        body = msgspec.json.encode(answer)
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    async def _handle(self, scope: dict[str, Any], receive: Receive) -> tuple[int, Any]:
        handler = self._handlers.get((scope["method"], scope["path"]))
        if handler is None:
            raise Refusal(404, f"The {self.name} has no {scope['method']} {scope['path']}")
        body = b""
        more = True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
            if len(body) > MAX_BODY:
                raise Refusal(413, f"More than {MAX_BODY} bytes")
        key = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"idempotency-key"), "")
        return handler(Request(dict(parse_qsl(scope["query_string"].decode("latin-1"))), key, body))

    def run(self) -> None:
        """Serve on a free port of 127.0.0.1 until SIGTERM; prints `Service NAME is ready on URL` when it listens."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        print(f"Service {self.name} is ready on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(
            self, lifespan="off", log_level="warning", access_log=False, interface="asgi3", timeout_keep_alive=60
        )
        uvicorn.Server(config).run(sockets=[listener])


def enter(book: Book, request: Request, number: int, record: Record) -> tuple[int, Any]:
    """Enter the record under the request's key and answer: 201 new, 200 the same call again.

    Raises Refusal with 400 without a key and with 409 for a second record of one number.
    """
    if not request.key:
        raise Refusal(400, "An Idempotency-Key is needed: without it a repeated call could not be told apart")
    entry = book.enter(request.key, number, record)
    if entry is Entry.REFUSED:
        raise Refusal(409, f"Number {number} is in the book already, or its key was used for another one")
    return (201 if entry is Entry.NEW else 200), {"number": number, "repeated": entry is Entry.REPEATED}
