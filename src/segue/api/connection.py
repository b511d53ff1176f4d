"""One connection of the server: uvicorn's protocol with a bound on the head of a request, and a short way to answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from segue.api import problems
from segue.api.cork import CorkedProtocol
from segue.model.errors import HeadersTooLarge

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from segue.api.cork import CorkedTransport

WHOLE = "segue.whole"
"""What a scope's state has under this name is a `Whole`."""

Whole = Callable[[bytes, bytes], bool]
"""Sends a whole answer at once: its head, from the status line on and each line ended, and its body of the length that
the head says. False, and nothing is sent, when the answer has to go the usual way, by ASGI's messages: those check
every field, which is the better part of their price."""

# Beyond the piece it begins in, the request line and the header fields may have so many bytes. Without a bound one
# caller, and one without credentials, could fill the memory with a head that never ends.
_HEAD_LIMIT = 64 * 1024


class Connection(CorkedProtocol):
    """Answers a head that is too large with 431 and closes."""

    _in_head = False
    _head_size = 0

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self._in_head = False
        super().on_headers_complete()
        self.scope["state"][WHOLE] = partial(_answer, self.cycle)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head has become too large."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            self._head_size += len(data)
            if self._head_size > _HEAD_LIMIT and not self.transport.is_closing():
                self._refuse()

    def _refuse(self) -> None:
        error = HeadersTooLarge(f"The head of a request may have {_HEAD_LIMIT} bytes")
        body = problems.encode(error)
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: {problems.MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def _answer(cycle: RequestResponseCycle, head: bytes, body: bytes) -> bool:
    if cycle.disconnected:
        return True
    if cycle.response_started or not cycle.keep_alive or cycle.flow.write_paused or cycle.access_log:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()
    fields = b"".join([b"%b: %b\r\n" % field for field in cycle.default_headers])
    cast("CorkedTransport", cycle.transport).write_through(b"".join((head, fields, b"\r\n", body)))
    cycle.on_response()
    return True
