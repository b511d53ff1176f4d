"""Where notices and log lines go in the campaigns: `python -m campaign.receiver BOOK HTTP TCP SMTP` (three ports).

`POST /hook` takes notices as a URL, the SMTP port takes them as mails; `POST /_bulk` takes log lines as Elasticsearch
does (a document that is there is not made again), `POST /lines` as Logstash's HTTP input, the TCP port as its TCP
input. All that is taken is written into a book before it is answered, so what has been taken outlives a kill.
`PUT /mode` makes it a sick one: slow (one line or notice a second for each way in), or one that answers errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import Struct

WELL, SLOW, ERRORS = MODES = ("well", "slow", "errors")
HOOK, MAIL, BULK, LINES, TCP = WAYS = ("hook", "mail", "bulk", "lines", "tcp")
"""The ways in."""

LOOPBACK = "127.0.0.1"
SLOW_S = 1.0


class Taken(Struct, frozen=True):
    """Something that was taken: by which way, under which key, and what it is about."""

    way: str
    key: str
    about: str


def read_taken(content: str) -> list[Taken]:
    """All that was taken, in its order; a line that a kill has cut short is none, and was not answered."""
    return [Taken(*line.split("\t")) for line in content.split("\n")[:-1]]


class Receiver:
    """The ways in, and the book."""

    def __init__(self, book: Path) -> None:
        self.mode = WELL
        self._book = book
        self._handle = os.open(book, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        taken = read_taken(book.read_text(encoding="utf-8"))
        self._documents = {each.key for each in taken if each.way == BULK}
        self._changed = asyncio.Event()
        self._turns = {way: asyncio.Lock() for way in WAYS}

    def change(self, mode: str) -> None:
        """Behave in this way from now on."""
        self.mode = mode
        self._changed.set()
        self._changed = asyncio.Event()

    async def turn(self, way: str) -> None:
        """Take the time that one line or notice takes."""
        if self.mode == SLOW:
            async with self._turns[way]:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), SLOW_S)

    def note(self, way: str, taken: Iterable[tuple[str, str]]) -> None:
        """Write down what was taken; it is with the system then."""
        os.write(self._handle, "".join(f"{way}\t{key}\t{about}\n" for key, about in taken).encode())

    # -- over HTTP ----------------------------------------------------------------------------------------------------

    async def put_mode(self, request: web.Request) -> web.Response:
        """Change the mode."""
        self.change((await request.read()).decode())
        return web.Response(status=204)

    async def hook(self, request: web.Request) -> web.Response:
        """Take a notice."""
        body = msgspec.json.decode(await request.read())
        await self.turn(HOOK)
        if self.mode == ERRORS:
            return web.Response(status=500, text="out of order")
        event = body["data"]["events"][0]
        self.note(HOOK, [(request.headers["webhook-id"], f"{body['type']} {event.get('instance', '')}")])
        return web.Response(status=204)

    async def about(self, _: web.Request) -> web.Response:
        """Say who this is, as a cluster does."""
        if self.mode == ERRORS:
            return web.Response(status=503)
        return web.json_response({"version": {"number": "8.11.0"}})

    async def put(self, _: web.Request) -> web.Response:
        """Take a template or a policy."""
        return web.json_response({"acknowledged": True}, status=503 if self.mode == ERRORS else 200)

    async def bulk(self, request: web.Request) -> web.Response:
        """Take documents, each under its id, unless one of that id is there."""
        rows = (await request.read()).splitlines()
        if self.mode == ERRORS:
            return web.Response(status=503, text="too busy")
        results = []
        for head, document in zip(rows[::2], rows[1::2], strict=True):
            key = msgspec.json.decode(head)["create"]["_id"]
            await self.turn(BULK)
            if self.mode == ERRORS:
                results.append({"create": {"status": 503, "error": {"type": "busy", "reason": "too busy"}}})
            elif key in self._documents:
                results.append({"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}})
            else:
                self._documents.add(key)
                self.note(BULK, [(key, _message_of(document))])
                results.append({"create": {"status": 201}})
        return web.json_response({"errors": False, "items": results})

    async def lines(self, request: web.Request) -> web.Response:
        """Take an array of documents."""
        documents = msgspec.json.decode(await request.read())
        for document in documents:
            await self.turn(LINES)
            if self.mode == ERRORS:
                return web.Response(status=500, text="out of order")
            self.note(LINES, [(document["event"]["id"], document["segue"]["message"])])
        return web.Response(text="ok")

    def app(self) -> web.Application:
        """The HTTP side."""
        app = web.Application(client_max_size=1 << 28)
        app.router.add_put("/mode", self.put_mode)
        app.router.add_post("/hook", self.hook)
        app.router.add_post("/_bulk", self.bulk)
        app.router.add_post("/lines", self.lines)
        app.router.add_get("/", self.about)
        app.router.add_put("/{path:.*}", self.put)
        return app

    # -- the others ---------------------------------------------------------------------------------------------------

    async def tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a document a line."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                await self.turn(TCP)
                if self.mode == ERRORS:
                    break
                event = msgspec.json.decode(line)
                self.note(TCP, [(event["event"]["id"], event["segue"]["message"])])
        writer.transport.abort()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Take a mail."""
        await self.turn(MAIL)
        if self.mode == ERRORS:
            return "451 out of order, come back later"
        mail = email.message_from_bytes(envelope.original_content or b"")
        self.note(MAIL, [(str(mail["X-Segue-Notice"]), str(mail["Message-ID"]))])
        return "250 taken"


def _message_of(document: bytes) -> str:
    held: dict[str, Any] = msgspec.json.decode(document)
    return str(held["segue"]["message"])


async def serve(book: Path, http: int, tcp: int, smtp: int) -> None:
    """Serve until the process is ended."""
    receiver = Receiver(book)
    loop = asyncio.get_running_loop()
    runner = web.AppRunner(receiver.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, http, backlog=512).start()
    # A small buffer, so that one who reads slowly is felt at the other end.
    await asyncio.start_server(receiver.tcp, LOOPBACK, tcp, limit=1 << 14)
    await loop.create_server(lambda: SMTP(receiver, hostname="campaign"), LOOPBACK, smtp, backlog=512)
    print(f"The receiver is ready on http://{LOOPBACK}:{http}", flush=True)
    await asyncio.Event().wait()


def main(book: str, *ports: str) -> None:
    """Serve on these ports of loopback."""
    asyncio.run(serve(Path(book), *map(int, ports)))


if __name__ == "__main__":
    main(*sys.argv[1:])
