"""The HTTP server: uvicorn inside a loop that is already running, on a socket that is already bound."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from segue.api.connection import Connection
from segue.model.errors import SegueError

_BACKLOG = 2048
_TICK_S = 1.0
# Connections that are still busy this long (s) after the server was told to end are cut.
_LAST_ANSWERS_S = 2


class PortInUse(SegueError):
    """Another program listens on the address."""

    code = "port-in-use"
    status = 409


def bind(host: str, port: int) -> socket.socket:
    """A socket that holds the address and does not listen yet, so callers are refused until the server is ready.

    Raises PortInUse, or SegueError for an address this machine does not have.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise SegueError(f"{host} is no address to listen on: {error.strerror}") from None
    held = socket.socket(family, kind, protocol)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {port} of {host} is used by another program; choose another one") from None
        raise SegueError(f"Cannot listen on port {port} of {host}: {error.strerror}") from None
    return held


class _Uvicorn(uvicorn.Server):
    """uvicorn without its own signal handlers: the composition root decides what a signal means."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told_to_end = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Renew the date of answers every second, and end at once when told to; uvicorn wakes up ten times as often."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self.told_to_end.wait()
                    self.should_exit = True


class HttpServer:
    """Serves one application on one socket until `stop`."""

    def __init__(self, app: ASGIApp, held: socket.socket) -> None:
        self._socket = held
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=_LAST_ANSWERS_S,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self, path: str) -> None:
        """Serve; returns once `path` was asked over the socket and answered with 200."""
        # listen() happens here and not in uvicorn's task, so that the question below cannot come too early.
        self._socket.listen(_BACKLOG)
        self._socket.setblocking(False)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        asking = asyncio.create_task(self._ask(path))
        await asyncio.wait({self._task, asking}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            asking.cancel()
            await self._task
            raise SegueError("The HTTP server ended before it answered")
        await asking

    async def ended(self) -> None:
        """Wait until the server has ended, for whatever reason."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def stop(self) -> None:
        """Take no more connections, finish the answers that are under way, and end."""
        if self._task is not None:
            self._server.told_to_end.set()
            await self._task

    async def _ask(self, path: str) -> None:
        host, port = self._socket.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked for, not bound
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            status = (await reader.readline()).split(b" ")
            if len(status) < 2 or status[1] != b"200":
                raise SegueError(f"The server does not answer {path} with 200 but with {b' '.join(status)!r}")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
