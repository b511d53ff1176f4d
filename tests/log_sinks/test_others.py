"""Destinations whose receivers are made here: Logstash, standard output, and clusters that misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest

from segue.adapters.log_sinks.addresses import sinks
from segue.model.errors import Invalid
from segue.ports.log_sinks import LogSink, SinkTrouble
from segue.testing.contracts.log_sinks import LogSinkContract, SinkWorld, stored
from tests.log_sinks.programs import free_port

Handle = Callable[[str, bytes], tuple[int, bytes]]


async def _turn() -> None:
    await asyncio.sleep(0)


class Receiver:
    """An HTTP server or a listener for lines on one port; it can vanish and come back."""

    def __init__(self, *, http: Handle | None) -> None:
        self.port = free_port()
        self.bytes = b""
        self._http = http
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 24)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def at_rest(self) -> None:
        """Wait until everybody has hung up and all they sent is read."""
        async with asyncio.timeout(30):
            while self._open:
                await _turn()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._http is None:
                while data := await reader.read(65536):
                    self.bytes += data
            else:
                while await self._answer(self._http, reader, writer):
                    pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    @staticmethod
    async def _answer(http: Handle, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        length = next((int(one.split(":")[1]) for one in fields if one.lower().startswith("content-length:")), 0)
        status, body = http(" ".join(line.split()[:2]), await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        return True


class World:
    """A receiver and the sink that leads to it."""

    def __init__(self, receiver: Receiver, sink: LogSink, found: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        self.receiver = receiver
        self.sink = sink
        self._found = found

    async def found(self) -> Sequence[Mapping[str, Any]]:
        await self.sink.close()
        await self.receiver.at_rest()
        return sorted(self._found(), key=lambda document: int(document["event"]["sequence"]))

    async def vanish(self) -> None:
        await self.receiver.stop()

    async def come_back(self) -> None:
        await self.receiver.start()


class TestLogstashTcp(LogSinkContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SinkWorld]:
        receiver = Receiver(http=None)
        await receiver.start()
        [sink] = sinks(f"logstash+tcp://127.0.0.1:{receiver.port}")
        yield World(receiver, sink, lambda: [json.loads(line) for line in receiver.bytes.decode().split("\n") if line])
        await sink.close()
        await receiver.stop()


class TestLogstashHttp(LogSinkContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[SinkWorld]:
        got: list[Mapping[str, Any]] = []

        def take(_request: str, body: bytes) -> tuple[int, bytes]:
            got.extend(json.loads(body))
            return 200, b"ok"

        receiver = Receiver(http=take)
        await receiver.start()
        [sink] = sinks(f"logstash+http://ann:password@127.0.0.1:{receiver.port}/in")
        yield World(receiver, sink, lambda: got)
        await sink.close()
        await receiver.stop()


async def test_standard_output_gets_a_document_a_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    [sink] = sinks("stdout:?level=warning&name=out")
    assert (sink.name, sink.levels) == ("out", ("warning", "error"))
    await sink.send([stored(1, "späť\nnext", "error"), stored(2, "x", "warning")])
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["späť\nnext", "x"]


def _cluster(bulk: Handle) -> Handle:
    def handle(request: str, body: bytes) -> tuple[int, bytes]:
        return bulk(request, body) if request == "POST /_bulk" else (200, b'{"acknowledged":true}')

    return handle


def _items(body: bytes, status: Callable[[str], int]) -> bytes:
    documents = [json.loads(line)["message"] for line in body.splitlines()[1::2]]
    error = {"type": "mapper_parsing_exception", "reason": "no"}
    items = [{"create": {"status": status(text), "error": error}} for text in documents]
    return json.dumps({"errors": True, "items": items}).encode()


@pytest.fixture
async def elastic() -> AsyncIterator[Callable[[Handle], Any]]:
    opened: list[tuple[Receiver, LogSink]] = []

    async def make(bulk: Handle) -> LogSink:
        receiver = Receiver(http=_cluster(bulk))
        await receiver.start()
        [sink] = sinks(f"elastic+http://ann:s3cret@127.0.0.1:{receiver.port}")
        opened.append((receiver, sink))
        return sink

    yield make
    for receiver, sink in opened:
        await sink.close()
        await receiver.stop()


async def test_a_cluster_that_refuses_one_line_takes_the_others(elastic: Callable[[Handle], Any]) -> None:
    sink = await elastic(lambda _, body: (200, _items(body, lambda text: 400 if text == "bad" else 201)))
    sent = await sink.send([stored(1, "good"), stored(2, "bad"), stored(3, "good")])
    assert (sent.taken, sent.refused) == (2, 1)
    assert "mapper_parsing_exception: no" in sent.reason


async def test_lines_that_are_too_many_at_once_go_in_halves(elastic: Callable[[Handle], Any]) -> None:
    def bulk(_: str, body: bytes) -> tuple[int, bytes]:
        return (413, b"too large") if len(body) > 2_000 else (200, _items(body, lambda _: 201))

    sink = await elastic(bulk)
    sent = await sink.send([*(stored(n, "x") for n in range(1, 40)), stored(40, "y" * 4_000)])
    assert (sent.taken, sent.refused) == (39, 1)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((429, b"busy"), "429: busy"),
        ((401, b"who?"), "401: who?"),
        ((200, b"<html>"), "something else than its result"),
        ((200, b'{"items":[{"create":{"status":429,"error":{"type":"full","reason":"wait"}}}]}'), "full: wait"),
        ((302, b""), "302"),
    ],
)
async def test_a_cluster_in_trouble_is_tried_again(
    elastic: Callable[[Handle], Any], answer: tuple[int, bytes], told: str
) -> None:
    sink = await elastic(lambda *_: answer)
    with pytest.raises(SinkTrouble) as trouble:
        await sink.send([stored(1, "x")])
    assert told in str(trouble.value)
    assert "s3cret" not in str(trouble.value) + sink.address


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("ftp://host/x", "ftp: is no kind"),
        ("elastic+http:///x", "names no host"),
        ("logstash+tcp://host", "names no port"),
        ("logstash+tcp://host:99999", "cannot be read"),
        ("stdout:?level=loud", "'loud' is no level"),
        ("stdout:?days=soon", "days=soon"),
        ("stdout: stdout:", "Two destinations"),
        ("mongodb://ann:s3cret@host:a/x", "cannot be read"),
    ],
)
def test_addresses_that_cannot_be_are_refused(address: str, wrong: str) -> None:
    with pytest.raises(Invalid, match=wrong) as refused:
        sinks(address)
    assert "s3cret" not in refused.value.detail


def test_addresses_are_shown_without_credentials() -> None:
    found = sinks(
        "elastic+https://ann:s3cret@es:9200/?index=logs&level=info mongodb://ann:s3cret@db/segue"
        " logstash+http://ann:s3cret@ls:8080/in?link=https://k/{instance}"
    )
    assert [sink.address for sink in found] == [
        "https://es:9200/logs",
        "mongodb://db/segue.logs",
        "logstash+http://ls:8080/in",
    ]
    assert [sink.name for sink in found] == ["elastic es:9200", "mongodb db", "logstash ls:8080"]
    assert found[2].link == "https://k/{instance}"
