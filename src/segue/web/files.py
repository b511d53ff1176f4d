"""The built admin over HTTP: its page for every address of its own, and the files that the page loads."""

from __future__ import annotations

import base64
import gzip
import mimetypes
import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

BUILT = Path(__file__).parent / "static"

# The first part of every address that the admin has; what is below it is its own affair.
PLACES = frozenset(
    {
        "",
        "account",
        "activity",
        "applications",
        "audit",
        "health",
        "help",
        "hooks",
        "instance",
        "instances",
        "join",
        "limits",
        "logs",
        "notices",
        "process",
        "schedules",
        "services",
        "settings",
        "setup",
        "sign-in",
        "statistics",
        "tasks",
        "tokens",
        "trash",
        "users",
        "workers",
    }
)
_ASSETS = "assets"
_LIST = "/processes"
_NONCE = b"%NONCE%"
_NOT_BUILT = (
    "The admin is not built here. In a clone: `make ui` (needs Node 20), and start the server again. "
    "The API answers under /api/v1.\n"
)
# Scripts and styles are our own files; the component kit writes some styles into the page, which bear a nonce. Style
# attributes are let in because the diagram viewer makes its elements from markup that has them.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{0}'; style-src-elem 'self' 'nonce-{0}'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FOR_EVER = "public, max-age=31536000, immutable"
_SMALLEST_GZIP = 1024

_File = tuple[bytes, bytes | None, str]


class AdminPages:
    """The ASGI application for the admin. Files are read once; a build under a running server needs a restart."""

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}

    def owns(self, path: str) -> bool:
        """Whether this path is one of the admin's. What is not is left to the API and its credentials."""
        first = path.split("/", 2)[1] if path.startswith("/") else path
        return first in PLACES or first == _ASSETS or path in {_LIST, "/favicon.svg"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD."""
        path: str = scope["path"]
        if path.startswith(f"/{_ASSETS}/") or path == "/favicon.svg":
            await self._asset(scope, send, path)
            return
        page = self._file("/index.html")
        if page is None:
            await _answer(scope, send, 404, _NOT_BUILT.encode(), [("content-type", "text/plain; charset=utf-8")])
            return
        nonce = base64.b64encode(os.urandom(16)).decode()
        fields = [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("content-security-policy", _POLICY.format(nonce)),
        ]
        await _answer(scope, send, 200, page[0].replace(_NONCE, nonce.encode()), fields)

    async def _asset(self, scope: Scope, send: Send, path: str) -> None:
        found = self._file(path)
        if found is None:
            await _answer(scope, send, 404, b"There is no such file\n", [("content-type", "text/plain")])
            return
        content, small, kind = found
        fields = [("content-type", kind), ("cache-control", _FOR_EVER), ("vary", "accept-encoding")]
        if small is not None and _takes_gzip(scope):
            content = small
            fields.append(("content-encoding", "gzip"))
        await _answer(scope, send, 200, content, fields)

    def _file(self, path: str) -> _File | None:
        """A file of the build; never one outside of it, because only names that are found there are opened."""
        if not self._files:
            self._files = {f"/{name}": file for name, file in _read(self._folder)}
        return self._files.get(path)


def _read(folder: Path) -> list[tuple[str, _File]]:
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file():
            content = path.read_bytes()
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            if kind.startswith("text/"):
                kind += "; charset=utf-8"
            packed = gzip.compress(content, 6, mtime=0) if len(content) >= _SMALLEST_GZIP else None
            found.append((path.relative_to(folder).as_posix(), (content, packed, kind)))
    return found


def _takes_gzip(scope: Scope) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])


async def _answer(scope: Scope, send: Send, status: int, body: bytes, fields: list[tuple[str, str]]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in fields]
    raw.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
