"""The worker of the campaigns: `python -m campaign.worker NAME BOOK HOST PORT KEPT_S`, written with segue-sdk.

Every action writes the call into the book and forwards the message. The body says at which action the worker asks for
a repeat, and how long it takes. Beside the SDK's routes it serves `GET /calls` (the book), `GET /counts`, and
`PUT /mode`, which makes it a sick one: the calls are performed as ever and then answered in another way.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvicorn
from msgspec import Struct

from campaign.book import Book, Call
from campaign.timed import NODES, TookBook, timed
from segue_sdk import Fail, Item, Message, Repeat, Result, Worker, batch, item
from segue_sdk.asgi import Event, Receive, Scope, Send

# The actions come once without a mark and once for each version of the switch campaign.
MARKS = ("", "v1-", "v2-", "v3-", "v4-")
STEPS = ("first", "left", "middle", "last")
SPLIT = "split"
MANY = "many"
SIFT = "sift"
KEYS = ("red", "green", "blue")
CAUSES = {
    "customer": "No customer {number} in the register",
    "price": "The price of article 'A-{number}' is missing",
    "weight": "Order {number} is too heavy for a parcel",
    "address": "Nobody lives at {number} Elm Street",
    "stock": "Only 0 of article {number} left",
}
"""Why the action `sift` lets a message fail, by what its body says."""
PARTS = 2
LADEN = 30 << 20
HUGE = b"x" * (48 << 20)
LOADED = "laden"
"""Under this name the worker counts the calls with a body of LADEN bytes."""

KEPT_S = 75
"""How long a worker keeps idle connections, unless it is told otherwise."""


class Mode(Struct, forbid_unknown_fields=True):
    """How calls are answered: after a pause, and with a status and a content of its own unless `status` is 0.

    So many of the next answers of the action `first` are laden: their bodies hold LADEN bytes more.
    """

    status: int = 0
    content: str = ""
    huge: bool = False
    pause_s: float = 0.0
    laden: int = 0


class Body(Struct):
    """What the load sends. `again`: the action that asks once for a repeat after a second.

    `items`: how many the action `many` answers with. `fails`: which of CAUSES the action `sift` fails of.
    `say`: each action says a line about the message.
    """

    number: int
    again: str = ""
    pause_ms: int = 0
    part: int = 0
    items: int = 0
    fails: str = ""
    say: bool = False
    pad: str = ""


def make(name: str, book: Book, took: TookBook) -> Worker:
    """A worker with all actions under all marks."""
    worker = Worker(name)
    for mark in MARKS:
        for step in STEPS:
            worker.connector(mark + step)(_connector(mark + step, book))
        worker.batch(mark + SPLIT)(_batch(mark + SPLIT, book))
    worker.batch(MANY)(_many(book))
    worker.connector(SIFT)(_sift(book))
    for node in NODES:
        worker.connector(node)(timed(node, took))
    for key in KEYS:
        worker.connector(f"count-{key}")(_count(key, book))
    return worker


def _connector(name: str, book: Book) -> Callable[[Message], object]:
    async def act(message: Message) -> bytes:
        body = message.json(Body)
        run = _note(name, book, message, body)
        if body.pause_ms:
            await asyncio.sleep(body.pause_ms / 1000)  # a service that takes its time
        if run == 1 and body.again and name.endswith(body.again):
            raise Repeat(after=1, at_most=3)
        if len(body.pad) >= LADEN:
            book.counts[LOADED] += 1
        return message.body

    return act


def _batch(name: str, book: Book) -> Callable[[Message], object]:
    async def act(message: Message) -> Result:
        body = message.json(Body)
        _note(name, book, message, body)
        items: list[Item] = [item(msgspec.structs.replace(body, part=part)) for part in range(PARTS)]
        return batch(items)

    return act


def _many(book: Book) -> Callable[[Message], object]:
    async def act(message: Message) -> Result:
        body = message.json(Body)
        _note(MANY, book, message, body)
        items: list[Item] = [item(Body(number=body.number, part=part)) for part in range(body.items)]
        return batch(items)

    return act


def _sift(book: Book) -> Callable[[Message], object]:
    async def act(message: Message) -> bytes:
        body = message.json(Body)
        _note(SIFT, book, message, body)
        if body.fails:
            raise Fail(CAUSES[body.fails].format(number=body.number))
        return message.body

    return act


def _count(key: str, book: Book) -> Callable[[Message], object]:
    async def act(message: Message) -> bytes:
        book.note_time(key)
        return message.body

    return act


def _note(name: str, book: Book, message: Message, body: Body) -> int:
    run = int(message.headers.get("repeat-hops", "1"))
    version = message.headers.get("topology-id", "")
    if body.say:
        message.log.info("%s of %d is done", name, body.number)
    book.note(Call(message.id, run, message.instance, version, name, body.number))
    return run


class Application:
    """The worker with its book and its mode around it."""

    def __init__(self, worker: Worker, book: Book) -> None:
        self._worker = worker
        self._book = book
        self._mode = Mode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] == "POST":
            await self._perform(scope, receive, send)
        elif scope["path"] == "/calls":
            await _answer(send, 200, self._book.content())
        elif scope["path"] == "/counts":
            await _answer(send, 200, msgspec.json.encode(self._book.counts))
        elif scope["path"] == "/mode" and scope["method"] == "PUT":
            self._mode = msgspec.json.decode((await receive())["body"], type=Mode)
            await _answer(send, 204, b"")
        else:
            await self._worker(scope, receive, send)

    async def _perform(self, scope: Scope, receive: Receive, send: Send) -> None:
        mode = self._mode
        if scope["type"] != "http" or mode == Mode():
            await self._worker(scope, receive, send)
            return
        laden = mode.laden > 0 and "/first/" in scope["path"]
        if laden:
            self._mode = msgspec.structs.replace(mode, laden=mode.laden - 1)
        kept: list[Event] = []

        async def keep(event: Event) -> None:
            kept.append(event)

        await self._worker(scope, receive, keep)
        if mode.pause_s:
            await asyncio.sleep(mode.pause_s)  # a service that is slow on purpose
        if mode.status:
            await _answer(send, mode.status, HUGE if mode.huge else mode.content.encode())
        elif laden:
            await _answer(send, 200, _laden(b"".join(event.get("body", b"") for event in kept)))
        else:
            for event in kept:
                await send(event)


def _laden(answer: bytes) -> bytes:
    """An answer of the envelope, with a longer body."""
    said = msgspec.json.decode(answer)
    body = msgspec.structs.replace(msgspec.json.decode(said["body"], type=Body), pad="x" * LADEN)
    return msgspec.json.encode(said | {"body": msgspec.json.encode(body).decode()})


async def _answer(send: Send, status: int, content: bytes) -> None:
    fields = [(b"content-length", b"%d" % len(content)), (b"location", b"/elsewhere")][: 1 + (300 <= status < 400)]
    await send({"type": "http.response.start", "status": status, "headers": [] if status == 204 else fields})
    await send({"type": "http.response.body", "body": content})


def main(name: str, path: str, host: str, port: str, kept_s: str) -> None:
    """Serve on the port until SIGTERM; connections that are idle for `kept_s` are closed."""
    book = Book(Path(path))
    listener = socket.create_server((host, int(port)), backlog=2048)
    config = uvicorn.Config(
        Application(make(name, book, TookBook(Path(path))), book),
        lifespan="on",
        interface="asgi3",
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=int(kept_s),
    )
    print(f"Worker {name} is ready on http://{host}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
