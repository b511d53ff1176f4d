"""What every request meets first: the start route, or credentials and the door to everything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.api import problems
from segue.api.deeds import Recorder
from segue.api.entrance import Entrance
from segue.api.start import PREFIX, Intake, StartRoute
from segue.model.errors import SegueError

HEALTH = "/api/v1/health"
READY = "/api/v1/ready"
# What may be seen without credentials: that the server is there, and what its errors mean.
_OPEN = (HEALTH, READY, problems.PAGES)
# What one does to get credentials.
ENTRY = {
    ("POST", "/api/v1/session"),
    ("GET", "/api/v1/setup"),
    ("POST", "/api/v1/setup"),
    ("POST", "/api/v1/invitations/look"),
    ("POST", "/api/v1/invitations/accept"),
}
_READING = {"GET", "HEAD"}


class Pages(Protocol):
    """The admin as files, for everybody to load: it shows nothing without credentials."""

    def owns(self, path: str) -> bool:
        """Whether this path is one of the admin's."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Routes(Protocol):
    """Plain routes beside the resources; they ask for credentials themselves where they need any."""

    def owns(self, path: str) -> bool:
        """Whether this path is one of theirs."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Front:
    """The ASGI application as a whole.

    Whatever is not among the few open paths needs a known token before any of its code runs, so a route that forgets
    to ask is still closed to strangers. Which scope a route needs is the route's to say.
    """

    def __init__(
        self,
        start: StartRoute,
        rest: ASGIApp,
        entrance: Entrance,
        intake: Intake,
        *,
        max_body: int,
        pages: Pages | None,
        recorder: Recorder,
        beside: Sequence[Routes] = (),
    ) -> None:
        self._start = start
        self._rest = rest
        self._entrance = entrance
        self._pages = pages
        self._beside = beside
        self._intake = intake
        self._max_body = max_body
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        path: str = scope["path"]
        if path.startswith(PREFIX):
            await self._start(scope, receive, send)
            return
        routes = next((routes for routes in self._beside if routes.owns(path)), None)
        if routes is not None:
            await routes(scope, receive, send)
            return
        await self._resource(path, scope, receive, send)

    async def _resource(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a page of the admin, or with a resource to a known caller."""
        sender = _Sender(send)
        try:
            if self._pages is not None and scope["method"] in _READING and self._pages.owns(path):
                await self._pages(scope, receive, sender)
                return
            if not path.startswith(_OPEN) and (scope["method"], path) not in ENTRY:
                scope.setdefault("state", {})["caller"] = await self._entrance.caller(scope, None)
            if scope["method"] not in _READING:
                self._intake.check()
            await self._rest(scope, _bounded(receive, self._max_body), self._recorder.watch(scope, sender))
        except SegueError as error:
            await problems.response(error)(scope, receive, sender)
        except Exception as error:
            # FastAPI answers for a fault in a route and raises it nevertheless; there is nothing more to say then.
            if sender.done:
                return
            if sender.begun:
                raise
            await problems.response(problems.unexpected(error, f"{scope['method']} {path}"))(scope, receive, sender)


class _Sender:
    """Sends an answer with the security headers, and knows how far it has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.done = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            fields = list(message.get("headers", []))
            names = {name for name, _ in fields}
            fixed = (*problems.SECURITY_HEADERS, problems.CONTENT_POLICY)
            fields += [(name, value) for name, value in fixed if name not in names]
            message = {**message, "headers": fields}
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.done = True


def _bounded(receive: Receive, limit: int) -> Receive:
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > limit:
                # FastAPI passes on this exception alone from within the reading of a body.
                raise HTTPException(413, f"The body is larger than the {limit} bytes that one request may have")
        return message

    return bounded
