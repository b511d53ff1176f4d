"""The connections to one origin: kept alive for the next call, and never more than their number."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque

from segue.adapters.worker_http.connection import Connection
from segue.adapters.worker_http.request import Origin
from segue.adapters.worker_http.settings import HttpSettings
from segue.model.workers import Fault

# A loop ends an aborted connection in its next turns; one that did not must not keep the server from stopping.
_LONGEST_END_S = 2.0
_CLOSED = "Segue has closed its connections to workers"


class ConnectError(Exception):
    """No connection came about; `fault` and `detail` say why."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


class Pool:
    """Hands out places for calls. A place is the right to one connection; a connection may come with it.

    Places given out and idle connections together are never more than `settings.connections`. Who finds no place
    waits in line; a place given back goes to the first in line, with its connection.
    """

    def __init__(self, origin: Origin, settings: HttpSettings, tls: ssl.SSLContext | None) -> None:
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self._origin = origin
        self._settings = settings
        self._tls = tls
        self._places = 0
        self._idle: deque[Connection] = deque()  # the longest idle one first
        self._line: deque[asyncio.Future[Connection | None]] = deque()
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._idle_s = settings.idle_ms / 1000
        self._life_s = settings.life_ms / 1000
        self._closed = False

    def reuse(self) -> Connection | None:
        """Return an idle connection, its place now taken; None when there is none that is fit."""
        while self._idle:
            connection = self._idle.pop()
            # The sweeper may be late, in a busy loop most of all.
            if self._loop.time() - connection.rested < self._idle_s and connection.usable:
                self._places += 1
                return connection
            connection.abort()
        return None

    async def place(self, deadline: float) -> Connection | None:
        """Take a place, waiting for one if need be; None says that a connection has still to be made for it.

        To be called when `reuse` has found nothing in the same turn, which means that nothing idles.
        Raises ConnectError when `deadline` passes first, or when the pool is closed.
        """
        if self._closed:
            raise ConnectError(Fault.CLOSED, _CLOSED)
        if self._places < self._settings.connections:
            self._places += 1
            return None
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._line.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.give_back(waiter.result())  # it came in the very moment in which the wait ended
            if not isinstance(error, TimeoutError):
                raise
            calls = self._settings.connections
            raise ConnectError(Fault.TIMEOUT, f"the time was over while {calls} other calls to it ran") from error

    async def connect(self, deadline: float) -> Connection:
        """Make a connection for a place that the caller holds. Raises ConnectError."""
        origin = self._origin
        connection = Connection(self._loop, self._settings, self._open)
        try:
            await self._dial(connection, deadline)
        except TimeoutError as error:
            raise ConnectError(Fault.TIMEOUT, f"no connection to {origin} within the time") from error
        except ssl.SSLError as error:
            raise ConnectError(Fault.TLS, f"no TLS connection to {origin}: {error}") from error
        except (socket.gaierror, UnicodeError) as error:
            raise ConnectError(Fault.UNRESOLVED, f"the host {origin.host} is not known: {error}") from error
        except OSError as error:
            raise ConnectError(Fault.REFUSED, f"no connection to {origin}: {error}") from error
        if self._closed:
            connection.abort()
            raise ConnectError(Fault.CLOSED, _CLOSED)
        return connection

    async def _dial(self, connection: Connection, deadline: float) -> None:
        host, port = self._origin.host, self._origin.port
        name = host if self._tls else None
        try:
            async with asyncio.timeout_at(deadline):
                await self._loop.create_connection(lambda: connection, host, port, ssl=self._tls, server_hostname=name)
        except BaseException:
            connection.drop()
            raise

    def give_back(self, connection: Connection | None) -> None:
        """Give back a place, and with it the connection if it may serve again; any other is closed here."""
        if connection is not None and (
            not connection.usable or connection.rested - connection.born >= self._life_s or self._closed
        ):
            connection.abort()
            connection = None
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._places -= 1
        if connection is not None:
            self._idle.append(connection)
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(self._idle_s, self._sweep)

    def refuse(self) -> None:
        """Let every call from now on end with CLOSED."""
        self._closed = True

    async def close(self) -> None:
        """Close every connection at once and wait for their end; calls under way and later ones end with CLOSED."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_exception(ConnectError(Fault.CLOSED, _CLOSED))
        self._idle.clear()
        ends = [connection.ended for connection in self._open]
        for connection in list(self._open):
            connection.abort(_CLOSED)
        if ends:
            await asyncio.wait(ends, timeout=_LONGEST_END_S)

    def _sweep(self) -> None:
        self._sweeper = None
        latest = self._loop.time() - self._idle_s
        while self._idle and (self._idle[0].rested <= latest or not self._idle[0].usable):
            self._idle.popleft().abort()
        if self._idle:
            self._sweeper = self._loop.call_at(self._idle[0].rested + self._idle_s, self._sweep)
