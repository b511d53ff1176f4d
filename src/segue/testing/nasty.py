"""A worker that misbehaves on request: the path of a call names what its server does with it.

`NastyServer` listens on a free loopback port and speaks HTTP by hand, so that it can also speak it wrongly. It keeps
what it saw, and tests wait for events of it (`saw`, `until_gone`) instead of for time. `python -m segue.testing.nasty`
runs one as a process of its own, for those who want to stop or kill it; its first line is the port.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self, cast

from segue.testing.nasty_answers import ANSWERS


@dataclass(slots=True)
class Asked:
    """One request as it came: the connection's number (from 1), and what was read of it."""

    connection: int
    path: str
    head: bytes
    body: bytes


@dataclass(slots=True)
class Visit:
    """One connection, as a behaviour handles it. `turn` is the number of the request on it, from 1."""

    server: NastyServer
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    turn: int = 0
    asked: Asked = field(default_factory=lambda: Asked(0, "", b"", b""))

    async def read_head(self) -> bool:
        """Read the head of the next request; False when the other side has closed."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return False
        self.turn += 1
        self.asked = Asked(self.number, head.split(b" ", 2)[1].decode(), head, b"")
        return True

    async def read_body(self) -> bytes:
        """Read the body that the head announced."""
        for line in self.asked.head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                self.asked.body = await self.reader.readexactly(int(value))
        return self.asked.body

    async def send(self, data: bytes) -> None:
        """Send these bytes and wait until the socket took them."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the other side has closed, dropping what it still sends."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """End the connection with a reset instead of a polite close."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Visit], Awaitable[bool]]
"""Handles the request whose head was read; answers whether the connection goes on."""


class NastyServer:
    """Serves until it is closed; use it with `async with`.

    `asked` holds the requests whose bodies were read whole, in that order; `connections` counts those accepted, and
    `ended` holds the numbers of those that are over. With `greeting` it speaks first on every connection. With `tls` it
    listens for https; a client that breaks the handshake off is no error here.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, greeting: bytes = b"", host: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.ended: set[int] = set()
        self.behaviours: dict[str, Behaviour] = dict(_BEHAVIOURS)
        self.port = 0
        self._host = host
        self._tls = tls
        self._greeting = greeting
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._visits: dict[int, Visit] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visit, self._host, 0, ssl=self._tls, limit=2**17)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, behaviour: str = "echo", host: str = "") -> str:
        """Return the address at which calls meet this behaviour."""
        scheme = "https" if self._tls else "http"
        name = host or (f"[{self._host}]" if ":" in self._host else self._host)
        return f"{scheme}://{name}:{self.port}/{behaviour}"

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until this holds; it is looked at after each event of the server."""
        async with self._changed:
            await self._changed.wait_for(true)

    async def saw(self, count: int) -> None:
        """Wait until that many requests were read whole."""
        await self.until(lambda: len(self.asked) >= count)

    async def until_gone(self, connection: int) -> None:
        """Wait until that connection is over."""
        await self.until(lambda: connection in self.ended)

    async def note(self, asked: Asked | None = None) -> None:
        """Keep a request that was read whole, and tell those who wait."""
        async with self._changed:
            if asked is not None:
                self.asked.append(asked)
            self._changed.notify_all()

    def close_idle(self) -> None:
        """Close all connections on which no request is being answered, as Node.js does after 5 s."""
        for visit in self._visits.values():
            if visit.turn and visit.asked.path == "":
                visit.writer.close()

    async def shout(self, data: bytes) -> None:
        """Send this on all connections, asked or not."""
        for visit in list(self._visits.values()):
            await visit.send(data)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=0)  # so that `send` waits until the socket has all
        task = cast("asyncio.Task[None]", asyncio.current_task())  # start_server makes one for each connection
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        visit = Visit(self, self.connections, reader, writer)
        self._visits[visit.number] = visit
        try:
            if self._greeting:
                await visit.send(self._greeting)
            while await visit.read_head():
                behaviour = self.behaviours[visit.asked.path.strip("/").partition("/")[0]]
                if not await behaviour(visit):
                    break
                visit.asked = Asked(visit.number, "", b"", b"")
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client went away; tests see it in `ended`
        except asyncio.CancelledError:
            pass  # the server ends, and this task with it
        finally:
            writer.transport.abort() if sys.exc_info()[0] else writer.close()
            del self._visits[visit.number]
            self.ended.add(visit.number)
            await self.note()


def _fixed(answer: bytes, *, keep: bool) -> Behaviour:
    async def behaviour(visit: Visit) -> bool:
        await visit.read_body()
        await visit.server.note(visit.asked)
        await visit.send(answer)
        return keep

    return behaviour


async def _echo(visit: Visit) -> bool:
    body = await visit.read_body()
    await visit.server.note(visit.asked)
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    return True


async def _silent(visit: Visit) -> bool:
    await visit.read_body()
    await visit.server.note(visit.asked)
    await visit.gone()
    return False


async def _drip(visit: Visit) -> bool:
    """Answers a byte at a time, each after the client's socket took the last, and never to the end."""
    await visit.read_body()
    await visit.server.note(visit.asked)
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    gone = asyncio.create_task(visit.gone())
    try:
        while not gone.done():
            await visit.send(b"x")
            await asyncio.wait([gone], timeout=0.001)
    finally:
        gone.cancel()
    return False


def _endless(start: bytes, more: bytes) -> Behaviour:
    async def behaviour(visit: Visit) -> bool:
        await visit.read_body()
        await visit.server.note(visit.asked)
        await visit.send(start)
        while True:  # until the client has enough: then sending fails
            await visit.send(more)
            await asyncio.sleep(0)

    return behaviour


def _end(*, polite: bool, first: bytes = b"") -> Behaviour:
    async def behaviour(visit: Visit) -> bool:
        await visit.read_body()
        await visit.server.note(visit.asked)
        if first:
            await visit.send(first)
        if not polite:
            visit.reset()
        return False

    return behaviour


def _second(first: bytes) -> Behaviour:
    """Answers the first request of a connection; at the next it sends only this and closes."""

    async def behaviour(visit: Visit) -> bool:
        if visit.turn == 1:
            return await _echo(visit)
        await visit.read_body()
        await visit.server.note(visit.asked)
        if first:
            await visit.send(first)
        return False

    return behaviour


async def _never_again(visit: Visit) -> bool:
    """Answers the first request ever; all later ones, on whatever connection, are closed without a byte."""
    if not visit.server.asked:
        return await _echo(visit)
    await visit.read_body()
    await visit.server.note(visit.asked)
    return False


async def _early(visit: Visit) -> bool:
    """Answers before it has read the body, and reads no more than it must to be heard."""
    await visit.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    visit.writer.write_eof()
    await visit.gone()
    return False


async def _early_keep(visit: Visit) -> bool:
    """Answers before it has read the body as if it had, and then never reads."""
    await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly")
    await visit.server.note(visit.asked)
    await asyncio.Event().wait()
    return False


async def _continue(visit: Visit) -> bool:
    await visit.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await _echo(visit)


_BIG = 30 * 1024 * 1024
_BEHAVIOURS: dict[str, Behaviour] = {
    "echo": _echo,
    "silent": _silent,
    "drip": _drip,
    "continue": _continue,
    "early": _early,
    "early-keep": _early_keep,
    "close-at-once": _end(polite=True),
    "reset-at-once": _end(polite=False),
    "stale": _second(b""),
    "stale-after-a-byte": _second(b"H"),
    "never-again": _never_again,
    "big": _fixed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (_BIG, b"x" * _BIG), keep=True),
    "endless-body": _endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    "endless-chunks": _endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"4000\r\n%b\r\n" % (b"x" * 0x4000)
    ),
    "endless-tiny-chunks": _endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nxx\r\n" * 5000),
    "endless-head": _endless(b"HTTP/1.1 200 OK\r\n", b"X-More: %b\r\n" % (b"y" * 1000)),
    "endless-field": _endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"y" * 65536),
    "endless-interim": _endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100),
    "endless-trailers": _endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X-More: %b\r\n" % (b"y" * 1000)
    ),
    "endless-extension": _endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=", b"y" * 65536),
    **{name: _fixed(answer, keep=keep) for name, (answer, keep) in ANSWERS.items()},
    **{f"{name}-then-reset": _end(polite=False, first=answer) for name, (answer, keep) in ANSWERS.items() if not keep},
}


async def _main() -> None:
    async with NastyServer() as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
