"""Logstash: its TCP input with the codec `json_lines`, with and without TLS, and its HTTP input."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping, Sequence

import aiohttp
import msgspec

from segue.adapters.log_sinks.document import document
from segue.adapters.log_sinks.options import SinkOptions
from segue.ports.log_sinks import Sent, SinkTrouble
from segue.ports.views import StoredLog

_TIMEOUT_S = 30.0


class LogstashTcpSink:
    """Sends a JSON document a line over a connection that is kept.

    This protocol confirms nothing: lines that were on their way when the other side died are lost to it, and lines of
    a batch that failed half-way come again. Each carries `event.id`, by which the receiver can tell.
    """

    kind = "logstash"
    knows_ids = False

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, options: SinkOptions) -> None:
        self.name = options.name
        self.levels = options.levels
        self.link = options.link
        self.address = f"logstash+{'tls' if tls else 'tcp'}://{host}:{port}"
        self._host, self._port, self._tls = host, port, tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, lines: Sequence[StoredLog]) -> Sent:
        """See `LogSink`."""
        payload = b"".join(msgspec.json.encode(document(line)) + b"\n" for line in lines)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                reader, writer = await self._connected()
                writer.write(payload)
                await writer.drain()
            if reader.at_eof() or writer.is_closing():
                raise ConnectionResetError("it closed the connection")
        except (OSError, TimeoutError) as error:
            await self.close()
            raise SinkTrouble(f"{self.address}: {str(error) or type(error).__name__}") from None
        return Sent(taken=len(lines))

    async def close(self) -> None:
        """See `LogSink`."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await streams[1].wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        streams = self._streams
        if streams is not None and (streams[0].at_eof() or streams[1].is_closing()):
            await self.close()
            streams = None
        if streams is None:
            streams = self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        return streams


class LogstashHttpSink:
    """Posts lines as a JSON array of documents; an answer below 300 says that Logstash has them."""

    kind = "logstash"
    knows_ids = False

    def __init__(self, base: str, headers: Mapping[str, str], options: SinkOptions) -> None:
        self.name = options.name
        self.levels = options.levels
        self.link = options.link
        self.address = f"logstash+{base}"
        self._base = base
        self._headers = dict(headers)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, lines: Sequence[StoredLog]) -> Sent:
        """See `LogSink`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), headers=self._headers
            )
        payload = msgspec.json.encode([document(line) for line in lines])
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(self._base, data=payload, headers=headers, allow_redirects=False) as answer:
                if answer.status >= 300:
                    text = (await answer.text(errors="replace"))[:300]
                    raise SinkTrouble(f"{self._base} answered with status {answer.status}: {text}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise SinkTrouble(f"{self._base} cannot be reached: {str(error) or type(error).__name__}") from None
        return Sent(taken=len(lines))

    async def close(self) -> None:
        """See `LogSink`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
