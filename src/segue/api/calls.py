"""Requests and answers of plain ASGI routes: those that are no resources of /api/v1."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from segue.api import problems
from segue.model.errors import NotFound, TooLarge

# Tokens are sent in a header that no browser adds by itself, so any page may ask: no cookie of ours counts here.
_CROSS_ORIGIN = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, orchesty-api-key, user"),
)


class Gone(Exception):
    """The caller hung up before it had sent its request whole."""


class Answer(Struct, frozen=True):
    """What is answered: JSON unless it says otherwise."""

    status: int
    body: bytes = b""
    media_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Call(Struct, frozen=True):
    """A request: the parts of its path, and where to read the rest."""

    scope: Scope
    parts: tuple[str, ...]
    receive: Receive
    limit: int

    @property
    def sender(self) -> str:
        """The address that the request comes from, "" if nobody knows."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def query(self) -> bytes:
        """What stands behind the path, as it was sent."""
        query: bytes = self.scope.get("query_string", b"")
        return query

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        method: str = self.scope["method"]
        return method

    def header(self, name: bytes) -> str | None:
        """A header field; the name is in lower case."""
        for key, value in self.scope["headers"]:
            if key == name:
                text: str = value.decode("latin-1")
                return text
        return None

    async def body(self) -> bytes:
        """The whole body. Raises TooLarge, and Gone when the caller hung up."""
        parts: list[bytes] = []
        size = 0
        while True:
            event = await self.receive()
            if event["type"] == "http.disconnect":
                raise Gone
            parts.append(event.get("body", b""))
            size += len(parts[-1])
            if size > self.limit:
                raise TooLarge(f"The body is larger than the {self.limit} bytes that one request may have")
            if not event.get("more_body", False):
                return b"".join(parts)


def path_parts(scope: Scope) -> tuple[str, ...]:
    """The parts of the path as it was sent, each decoded, so that an encoded slash stays part of a name.

    Several slashes count as one, as SDKs join addresses carelessly. Raises NotFound.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    try:
        return tuple(unquote_to_bytes(part).decode() for part in raw.split(b"?", 1)[0].split(b"/") if part)
    except UnicodeDecodeError:
        raise NotFound("The path holds a name that is not UTF-8") from None


def json_answer(value: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, msgspec.json.encode(value))


async def send_answer(answer: Answer, send: Send, *, open_to_all: bool) -> None:
    """Send it, with the headers that every answer of ours has."""
    fields = [
        (b"content-type", answer.media_type),
        (b"content-length", b"%d" % len(answer.body)),
        *answer.headers,
        *problems.SECURITY_HEADERS,
        problems.CONTENT_POLICY,
        *(_CROSS_ORIGIN if open_to_all else ()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "http.response.body", "body": answer.body})
