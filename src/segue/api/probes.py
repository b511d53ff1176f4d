"""What a process without the role `api` answers: that it is there, and whether it can work."""

from __future__ import annotations

from importlib.metadata import version

import msgspec
from starlette.types import Receive, Scope, Send

from segue.api import problems
from segue.api.front import HEALTH, READY
from segue.api.start import Intake
from segue.control.readiness import Readiness
from segue.model.errors import NotFound


class Probes:
    """The ASGI application of such a process; it needs no credentials, and says nothing that would."""

    def __init__(self, readiness: Readiness, intake: Intake) -> None:
        self._readiness = readiness
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        stopping = self._intake.closed.is_set()
        if scope["path"] == HEALTH:
            await _send(send, 200, {"status": "stopping" if stopping else "ok", "version": version("segue")})
        elif scope["path"] == READY:
            trouble = "the server is about to stop" if stopping else await self._readiness.trouble()
            status = "stopping" if stopping else "ready" if trouble is None else "unavailable"
            await _send(send, 200 if trouble is None else 503, {"status": status, "detail": trouble})
        else:
            error = NotFound("This process has not the role api; it answers for its health alone")
            await problems.response(error)(scope, receive, send)


async def _send(send: Send, status: int, answer: dict[str, str | None]) -> None:
    body = msgspec.json.encode(answer)
    fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*fields, *problems.SECURITY_HEADERS]})
    await send({"type": "http.response.body", "body": body})
