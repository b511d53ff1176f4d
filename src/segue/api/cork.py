"""One write for each answer: uvicorn writes the head and the body of an answer apart, each a call to the kernel."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# More than this is handed on at once; joining it would cost more than the call it saves.
_JOINED = 64 * 1024


class CorkedTransport(asyncio.Transport):
    """A transport that hands on what is written to it at the end of the loop's turn, in one piece.

    Nothing else differs: closing it sends first what was written.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send this after what was written before."""
        if not self._parts:
            if len(data) > _JOINED:
                self._transport.write(data)
                return
            self._loop.call_soon(self.flush)
        self._parts.append(bytes(data))
        if len(data) > _JOINED:
            self.flush()

    def flush(self) -> None:
        """Hand on what waits."""
        parts = self._parts
        if parts:
            self._parts = []
            if not self._transport.is_closing():  # writing to a closing one raises on uvloop
                self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def close(self) -> None:
        """Send what waits, then close."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what waits is not sent."""
        self._parts.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """As the transport below."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """As the transport below."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """As the transport below."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the transport below."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """How many bytes are not with the kernel yet."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._parts))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As the transport below."""
        self._transport.set_write_buffer_limits(high, low)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """As the transport below."""
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """As the transport below."""
        return self._transport.get_protocol()


class CorkedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, writing each answer in one piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve a connection."""
        super().connection_made(CorkedTransport(cast("asyncio.Transport", transport), self.loop))
